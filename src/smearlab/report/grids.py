"""Pictures for a page: examples sorted by class, mistakes, duplicates. Needs Pillow and NumPy only."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from smearlab import celltypes
from smearlab.data.cells import UInt8Array
from smearlab.report.blocks import ClassCell, PictureGrid, PictureRow, Tile
from smearlab.report.contents import DuplicatePair, Example, Mistake
from smearlab.report.text import percent, plural, source_name

THUMBNAIL = 128  # pixels: twice the size of a tile in CSS pixels, enough for a sharp screen
SMALL = 48  # pixels: pictures up to this size are shown with hard pixel edges and stored without loss
GRID_LIMIT = 240  # pictures in a class grid, whatever the number of classes
CARD_LIMIT = 36  # mistakes or duplicate pairs shown

_KINDS = {"exact": "Same pixels", "conflicting": "Same pixels, two labels", "near": "Nearly the same"}


def data_uri(image: UInt8Array, size: int = THUMBNAIL) -> str:
    """Encode a picture so that it can stand in a page.

    Args:
        image: ``uint8 (h, w, 3)`` RGB.
        size: longest side in pixels; larger pictures are shrunk, smaller ones stay.

    Returns:
        A ``data:`` URI: JPEG with full colour resolution (the stain is what tells cells apart), PNG for tiny pictures.
    """
    picture = Image.fromarray(np.ascontiguousarray(image, dtype=np.uint8))
    picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    if max(picture.size) <= SMALL:
        picture.save(buffer, "PNG", optimize=True)
        return _uri("png", buffer)
    picture.save(buffer, "JPEG", quality=88, subsampling=0, optimize=True)
    return _uri("jpeg", buffer)


def _uri(form: str, buffer: io.BytesIO) -> str:
    return f"data:image/{form};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def tile(example: Example, alt: str, lines: Sequence[str] = ()) -> Tile:
    """Return a picture ready for a grid, with a description for those who cannot see it."""
    return Tile(data_uri(example.image), alt, lines, pixelated=max(example.image.shape[:2]) <= SMALL)


def class_grid(
    examples: Mapping[str, Sequence[Example]], class_names: Sequence[str], counts: Mapping[str, int], caption: str
) -> PictureGrid:
    """Lay out examples of each class in rows headed by its name.

    Args:
        examples: class to some of its pictures.
        class_names: identifiers, in the order of the rows.
        counts: class to how many pictures it has in all.
        caption: what is shown.
    """
    per_class = max(1, GRID_LIMIT // max(1, len(class_names)))
    rows = [
        PictureRow(
            [_class_tile(example, name) for example in list(examples.get(name, ()))[:per_class]],
            ClassCell(name, position),
            plural(counts.get(name, 0), "picture"),
        )
        for position, name in enumerate(class_names)
    ]
    return PictureGrid([row for row in rows if row.tiles], caption, "classes")


def _class_tile(example: Example, name: str) -> Tile:
    return tile(example, f"{celltypes.title(name)}, {source_name(example.source)}, row {example.row}")


def mistakes_sheet(mistakes: Sequence[Mistake], caption: str) -> PictureGrid:
    """Lay out mistakes as cards: picture, true class, the model's answer and how sure it was, source and row."""
    return PictureGrid([PictureRow([_mistake_tile(mistake) for mistake in mistakes[:CARD_LIMIT]])], caption, "cards")


def _mistake_tile(mistake: Mistake) -> Tile:
    true, given = celltypes.title(mistake.true_label), celltypes.title(mistake.label)
    example = mistake.picture
    source = source_name(example.source)
    lines = (true, given, percent(mistake.confidence), source.rsplit("/", 1)[-1], f"row {example.row}")
    return tile(example, f"labelled {true}, named {given}; {source}", lines)


def duplicates_sheet(pairs: Sequence[DuplicatePair], caption: str) -> PictureGrid:
    """Lay out pairs of pictures that show the same cell, side by side; those with two labels come first."""
    order = {"conflicting": 0, "exact": 1, "near": 2}
    chosen = sorted(pairs, key=lambda pair: order.get(pair.kind, 3))[:CARD_LIMIT]
    return PictureGrid([_pair_row(pair) for pair in chosen], caption, "pairs")


def _pair_row(pair: DuplicatePair) -> PictureRow:
    sides = ((pair.first, pair.first_label), (pair.second, pair.second_label))
    tiles = [
        tile(
            example,
            f"{celltypes.title(label)}, row {example.row}",
            (celltypes.title(label), source_name(example.source), f"row {example.row}"),
        )
        for example, label in sides
    ]
    return PictureRow(tiles, _KINDS.get(pair.kind, pair.kind))
