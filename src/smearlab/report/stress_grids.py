"""Pictures of a stress report: what every corruption looks like, and the pictures whose answer it turned."""

from __future__ import annotations

import re
from collections.abc import Sequence

from smearlab import celltypes
from smearlab.report.blocks import PictureGrid, PictureRow, Tile
from smearlab.report.contents import Example
from smearlab.report.grids import tile
from smearlab.report.stress_contents import CorruptionPictures, Flip
from smearlab.report.text import percent, plural, source_name


def corruption_title(name: str) -> str:
    """Return a corruption's name as a person reads it.

    >>> corruption_title("jpeg_compression"), corruption_title("magnify_x0.5")
    ('JPEG compression', 'magnify × 0.5')
    """
    words = name.replace("_x", " × ", 1).replace("_", " ")
    return re.sub(r"\bjpeg\b", "JPEG", words)


def corruption_examples(corruptions: Sequence[CorruptionPictures], caption: str) -> PictureGrid:
    """Lay out one row per corruption: the picture as it is, then altered more and more."""
    rows = [
        PictureRow(
            [_example(corruption.name, label, image) for label, image in corruption.pictures],
            corruption_title(corruption.name),
            corruption.note,
        )
        for corruption in corruptions
        if corruption.pictures
    ]
    return PictureGrid(rows, caption, "classes")


def _example(name: str, label: str, image: object) -> Tile:
    return tile(Example(image, 0, ""), f"{corruption_title(name)}, {label}")  # type: ignore[arg-type]


def flips_grid(corruption: CorruptionPictures) -> PictureGrid | None:
    """Lay out pairs of pictures, as they are and altered, with the answers to both; None where nothing flipped."""
    if not corruption.flips:
        return None
    shown = len(corruption.flips)
    title = corruption_title(corruption.name)
    what = plural(corruption.flipped, "picture")
    caption = f"{title[:1].upper()}{title[1:]}: {what} flipped"
    caption += f"; the {shown} most confident wrong answers" if shown < corruption.flipped else ""
    return PictureGrid([_pair(flip) for flip in corruption.flips], caption, "pairs")


def _pair(flip: Flip) -> PictureRow:
    true, given = celltypes.title(flip.true_label), celltypes.title(flip.label)
    source = source_name(flip.picture.source)
    clean = tile(
        flip.picture,
        f"{true}, as it is, row {flip.picture.row}",
        (true, percent(flip.sure), source.rsplit("/", 1)[-1], f"row {flip.picture.row}"),
    )
    altered = tile(
        Example(flip.altered, flip.picture.row, flip.picture.source),
        f"{true} altered at severity {flip.severity}, named {given}",
        (f"→ {given}", percent(flip.confidence)),
    )
    return PictureRow([clean, altered], f"Severity {flip.severity}")
