"""How well pictures that are no blood cells are found among cells.

    python -m benchmarks.off_topic pbc96.parquet --pictures /usr/share/icons /usr/share/wallpapers [--model default]

Junk is drawn by `benchmarks.planted_junk`, cut from the libraries' photographs, and collected from the folders given.
Some of the first two were looked at while the detector was written; the folders have a line of their own, because they
were not: name others than Adwaita, Tango, MATE and Lomiri wallpapers, SuperTux and openclipart. Junk is hidden among
the cells in three ways: few at a time, one of them a thousand times, and as half of a collection. The cat of
scikit-image is hidden by itself, and the cells themselves are shown through the `microscope` suite to count false
alarms. With --write, a section of RESULTS.md is written.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks.planted_junk import MEASURING, TUNING, drawn
from benchmarks.planted_photos import MEASURING_PHOTOS, photograph
from benchmarks.results import markdown_table, write_section
from smearlab.audit.features import Described, describe
from smearlab.audit.off_topic import CERTAIN, PROBABLE, off_topic_scores
from smearlab.audit.unreadable import judge_picture
from smearlab.corruptions.suites import corrupt, suite_named
from smearlab.data.cells import Cells
from smearlab.data.decode import decode
from smearlab.data.read import read
from smearlab.errors import UnreadableError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smearlab.data.cells import IntArray, UInt8Array

SIDE = 96
FEW = 50
"""Junk pictures that are hidden at a time in a whole collection of cells."""
COPIES = 1000
_CELLS_ALTERED = 20
_DRAWN, _PHOTO = "drawn ", "photo "
_LEAST_SIDE, _LEAST_SPREAD = 22, 4.0
_SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".webp"}


@dataclass(frozen=True)
class Junk:
    """Distinct pictures that are no cells ``uint8 (n, 96, 96, 3)``, and where each comes from."""

    images: UInt8Array
    kinds: NDArray[np.str_]


@dataclass(frozen=True)
class Share:
    """So many of so many, with Wilson's 95 % interval (1927)."""

    hits: int
    of: int

    def __str__(self) -> str:
        if not self.of:
            return "–"
        z, share = 1.96, self.hits / self.of
        middle = (share + z * z / (2 * self.of)) / (1 + z * z / self.of)
        half = z * np.sqrt(share * (1 - share) / self.of + z * z / (4 * self.of**2)) / (1 + z * z / self.of)
        return f"{share:.4f} [{max(0, middle - half):.4f}, {min(1, middle + half):.4f}] ({self.hits:,} of {self.of:,})"


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    junk = junk_pictures(options.pictures, options.each, options.seed)
    cells = read(options.cells)
    pictures = np.asarray(cells.images)
    known, strangers = describe(cells, options.model), describe(_cells(junk.images), options.model)
    rng = np.random.default_rng(options.seed)
    few = _few(known, strangers, rng)
    rows = [
        ["few among all cells", *_words(*few)],
        ["of these from the folders", *_words(few[0], few[1][in_folders(junk)])],
        [f"one {COPIES:,} times among all cells", *_repeated(known, strangers, rng)],
        ["half of a collection", *_half(known, strangers, rng)],
    ]
    body = [
        f"{len(junk.images):,} distinct pictures of junk in {len(np.unique(junk.kinds))} families, none of them empty",
        f"or blurred. {len(cells):,} cells. Reported from a score of {PROBABLE}; certain from {CERTAIN}.",
        "",
        markdown_table(["junk", "recall", "recall, certain", "precision", "precision, certain"], rows),
        "",
        cat_sentence(pictures, options.model),
        "",
        false_alarms(known, pictures, options.model, rng),
    ]
    print("\n".join(body))
    print(families(junk, few[1] >= PROBABLE))
    if options.write:
        write_section("Pictures that are no cells", "\n".join(body), ["numpy", "pillow", "onnxruntime"])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure how well junk is found among cells.")
    parser.add_argument("cells", nargs="?", default=os.environ.get("PBC"), help="cells, in any form")
    parser.add_argument("--pictures", nargs="*", type=Path, default=[], help="folders with pictures of anything")
    parser.add_argument("--each", type=int, default=200, help="pictures from one folder, and of one family")
    parser.add_argument("--model", default="default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="write the section of RESULTS.md")
    options = parser.parse_args(arguments)
    if options.cells is None:
        parser.error("name the cells, as an argument or in the environment variable PBC")
    return options


def junk_pictures(folders: Sequence[Path], each: int, seed: int) -> Junk:
    """Collect distinct pictures with something on them."""
    seen: dict[bytes, tuple[UInt8Array, str]] = {}
    for kind, picture in _candidates(folders, each, seed):
        if picture.std() >= _LEAST_SPREAD and judge_picture(picture) is None:
            seen.setdefault(picture.tobytes(), (picture, kind))
    return Junk(np.stack([one for one, _ in seen.values()]), np.array([kind for _, kind in seen.values()]))


def in_folders(junk: Junk) -> NDArray[np.bool_]:
    """Mark the pictures ``bool (n,)`` that come from the folders given."""
    return ~np.char.startswith(junk.kinds, _DRAWN) & ~np.char.startswith(junk.kinds, _PHOTO)


def _candidates(folders: Sequence[Path], each: int, seed: int) -> Iterator[tuple[str, UInt8Array]]:
    rng = np.random.default_rng(seed)
    for name, draw in {**TUNING, **MEASURING}.items():
        yield from ((f"{_DRAWN}{name}", drawn(draw, SIDE, rng)) for _ in range(min(each, 15)))
    for name, place in MEASURING_PHOTOS.items():
        yield from ((f"{_PHOTO}{name}", photograph(place, SIDE, rng if crop else None)) for crop in range(min(each, 8)))
    for folder in folders:
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
        for number in rng.permutation(len(files))[:each].tolist():
            picture = _square(files[number])
            if picture is not None:
                yield folder.name, picture


def _square(path: Path) -> UInt8Array | None:
    """Return the middle square of a file at the cells' size; None where it cannot be read or is tiny."""
    try:
        pixels = decode(path.read_bytes())
    except UnreadableError:
        return None
    side = min(pixels.shape[:2])
    if side < _LEAST_SIDE:
        return None
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    square = Image.fromarray(pixels[top : top + side, left : left + side])
    return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _cells(pictures: UInt8Array | list[UInt8Array]) -> Cells:
    count = len(pictures)
    return Cells(pictures, None, np.array([f"#{row}" for row in range(count)]), (), np.arange(count))


def hidden(known: Described, strangers: Described, which: IntArray, cells: IntArray | None = None) -> Described:
    """Return what `describe` would say of some cells followed by some strangers."""
    kept = np.arange(len(known)) if cells is None else cells
    ours, theirs = known.comparison, strangers.comparison
    assert ours is not None
    assert theirs is not None
    _, first = np.unique(which, return_index=True)
    numbers = first[np.searchsorted(np.unique(which), which)] + len(kept)
    places = np.full(len(known), -1)
    places[kept] = np.arange(len(kept))
    used = places[ours.strange_of] >= 0
    comparison = replace(
        ours,
        appearance=np.concatenate([ours.appearance[kept], theirs.appearance[which]]),
        first=np.concatenate([np.arange(len(kept)), numbers]),
        strange=ours.strange.take(used),
        strange_of=places[ours.strange_of][used],
    )
    columns = ("probabilities", "features", "distances", "is_cell", "logits")
    joined = {name: np.concatenate([getattr(known, name)[kept], getattr(strangers, name)[which]]) for name in columns}
    return Described(known.class_names, comparison=comparison, **joined)


def _scores(described: Described) -> NDArray[np.float64]:
    return off_topic_scores(_cells(np.zeros((len(described), 1, 1, 3), np.uint8)), described)


def _words(clean: NDArray[np.float64], junk: NDArray[np.float64]) -> list[str]:
    """Return recall and precision, of what is reported and of what is certain."""
    found = [(int((junk >= level).sum()), int((clean >= level).sum())) for level in (PROBABLE, CERTAIN)]
    recalls = [str(Share(right, len(junk))) for right, _ in found]
    return [*recalls, *(str(Share(right, right + wrong)) for right, wrong in found)]


def _few(
    known: Described, strangers: Described, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Hide every junk picture once among all cells; the highest score of each cell, and each junk picture's."""
    clean, junk = np.zeros(len(known)), np.zeros(len(strangers))
    for group in np.array_split(rng.permutation(len(strangers)), max(1, len(strangers) // FEW)):
        scores = _scores(hidden(known, strangers, group))
        clean, junk[group] = np.maximum(clean, scores[: len(known)]), scores[len(known) :]
    return clean, junk


def _repeated(known: Described, strangers: Described, rng: np.random.Generator) -> list[str]:
    scores = [
        _scores(hidden(known, strangers, np.repeat(row, COPIES)))
        for row in rng.choice(len(strangers), min(10, len(strangers)), replace=False)
    ]
    clean = np.max([one[: len(known)] for one in scores], axis=0)
    return _words(clean, np.concatenate([one[len(known) :] for one in scores]))


def _half(known: Described, strangers: Described, rng: np.random.Generator) -> list[str]:
    count = min(len(known), len(strangers))
    cells, which = (np.sort(rng.permutation(len(some))[:count]) for some in (known, strangers))
    scores = _scores(hidden(known, strangers, which, cells))
    return _words(scores[:count], scores[count:])


def families(junk: Junk, found: NDArray[np.bool_]) -> str:
    """Say which families of junk were not found whole."""
    names = np.unique(junk.kinds[~found])
    parts = [f"{name} {found[junk.kinds == name].sum()} of {(junk.kinds == name).sum()}" for name in names]
    return f"Not all found: {', '.join(parts) or 'none'}."


def cat_sentence(pictures: UInt8Array, model: str) -> str:
    """Hide the cat of scikit-image in the middle of the cells and say where it is ranked."""
    cat, place = photograph(MEASURING_PHOTOS["cat"], SIDE), len(pictures) // 2
    cells = _cells(np.concatenate([pictures[:place], cat[None], pictures[place:]]))
    scores = off_topic_scores(cells, describe(cells, model))
    rank = int((scores > scores[place]).sum()) + 1
    others = np.delete(scores, place).max()
    found = f"ranked {rank}, score {scores[place]:.3f}, the next {others:.3f}"
    return f"A single cat among the {len(pictures):,} cells is {found}."


def false_alarms(known: Described, pictures: UInt8Array, model: str, rng: np.random.Generator) -> str:
    """Show cells through other microscopes, a few at a time among all cells, and count those taken for junk."""
    suite = suite_named("microscope")
    chosen = rng.choice(len(pictures), _CELLS_ALTERED, replace=False)
    rows = []
    for severity in suite.severities:
        altered = [corrupt(pictures[chosen], suite.name, one.name, severity) for one in suite.corruptions]
        strangers = describe(_cells(np.concatenate(altered)), model)
        groups = np.arange(len(strangers)).reshape(len(altered), -1)
        scores = np.concatenate([_scores(hidden(known, strangers, group))[len(known) :] for group in groups])
        shares = [str(Share(int((scores >= level).sum()), len(scores))) for level in (PROBABLE, CERTAIN)]
        rows.append([str(severity), *shares])
    table = markdown_table(["severity", "taken for junk", "certain"], rows)
    return f"Clean cells through the suite `{suite.name}`, {_CELLS_ALTERED} at a time:\n\n{table}"


if __name__ == "__main__":
    main()
