"""How many altered copies of real cells are found, and what is joined that should not be.

    python -m benchmarks.near_copies path/to/pbc96.parquet [--frames path/to/pbc_original] [--copies 100]

Every way of `planted_copies`, and some harder ones, is applied to cells drawn at random; copies and all cells are then
searched together. Whole frames, where given, tell how far two crops of one cell may lie apart to be called near copies.
The tables go to RESULTS.md and into docs/duplicates.md.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks.audit_truth import wilson
from benchmarks.machine import describe_machine
from benchmarks.planted_copies import NEAR_WAYS, Way
from benchmarks.results import markdown_table, replaced, write_section
from smearlab.audit.duplicates import find_copies
from smearlab.audit.findings import Finding
from smearlab.data.atomic import write_text
from smearlab.data.cells import Cells
from smearlab.data.read import read

if TYPE_CHECKING:
    from smearlab.data.cells import IntArray, Pictures, UInt8Array

LIBRARIES = ("numpy", "pillow")
TITLE = "Near copies among real cells"
PAGE = Path(__file__).parents[1] / "docs" / "duplicates.md"
SECTION = "How many are found"
WRITTEN = "Written by `python -m benchmarks.near_copies`."
FIELD, SIDE = 200, 96  # pixels of a frame that a cell's picture shows, and that it has
DISTANCES = (2, 4, 8, 12, 16, 20, 24, 32, 48, 64)


def wrapped(picture: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Move by up to 6 pixels; what leaves comes in on the other side."""
    down, right = rng.integers(-6, 7, 2).tolist()
    return np.roll(picture, (down or 6, right), (0, 1))


def corner(picture: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Cut to 90 % into one of the corners."""
    height, width = picture.shape[:2]
    high, wide = round(0.9 * height), round(0.9 * width)
    top, left = (height - high) * int(rng.integers(2)), (width - wide) * int(rng.integers(2))
    return _resized(picture[top : top + high, left : left + wide], width, height)


def another_size(picture: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Leave at half to twice the size."""
    scale = float(rng.uniform(0.5, 2))
    return _resized(picture, round(scale * picture.shape[1]), round(scale * picture.shape[0]))


def tiny(picture: UInt8Array, _: np.random.Generator) -> UInt8Array:
    """Store at 28 pixels, as MedMNIST does, and bring back."""
    return _resized(_resized(picture, 28, 28), picture.shape[1], picture.shape[0])


def three_at_once(picture: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Apply three of the ways, one after another."""
    for way in rng.choice(list(NEAR_WAYS), 3, replace=False):
        picture = NEAR_WAYS[way](picture, rng)
    return picture


HARDER: dict[str, Way] = {
    "shifted round the border": wrapped,
    "cut into a corner": corner,
    "left at another size": another_size,
    "stored at 28 px": tiny,
    "three of these at once": three_at_once,
}
WAYS: dict[str, Way] = NEAR_WAYS | HARDER


@dataclass(frozen=True, eq=False)
class Found:
    """What a search among cells and their copies gave.

    Attributes:
        ways: of each copy.
        joined: ``bool`` whether each copy is in its original's group.
        scores: of each copy, 0 where it was not found.
        findings: all near duplicates that were named.
        wrong: those of them whose partner shows another cell.
    """

    ways: tuple[str, ...]
    joined: np.ndarray
    scores: np.ndarray
    findings: int
    wrong: tuple[tuple[int, int], ...]


def measure(cells: Cells, copies: int, seed: int = 0, ways: dict[str, Way] | None = None) -> Found:
    """Plant `copies` of each way among the cells and look for them."""
    ways = WAYS if ways is None else ways
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(cells), (len(ways), copies), replace=len(cells) < len(ways) * copies)
    altered = [
        way(np.asarray(cells.images[row]), rng) for way, rows in zip(ways.values(), chosen, strict=True) for row in rows
    ]
    origin = np.concatenate([np.arange(len(cells)), chosen.ravel()])
    near = _near(unlabelled([*cells.images, *altered]))
    natural = _same_cell(cells)
    groups = {item.row: item.group for item in near}
    scores = {item.row: item.score for item in near}
    planted = range(len(cells), len(origin))
    return Found(
        ways=tuple(np.repeat(list(ways), copies).tolist()),
        joined=np.array([row in groups and groups[row] == groups.get(int(origin[row])) for row in planted]),
        scores=np.array([scores.get(row, 0.0) for row in planted]),
        findings=len(near),
        wrong=tuple(
            (item.row, item.partner)
            for item in near
            if item.partner is not None and natural[origin[item.row]] != natural[origin[item.partner]]
        ),
    )


def apart(frames: Cells, distance: int, seed: int = 0) -> float:
    """Return the share of frames of which two fields, `distance` pixels apart, are called near copies."""
    rng = np.random.default_rng(seed)
    pictures = [np.asarray(frame) for frame in frames]
    angles = rng.uniform(0, 2 * np.pi, len(pictures))
    steps = np.rint(distance * np.stack([np.sin(angles), np.cos(angles)], axis=1)).astype(int).tolist()
    centre = [_field(picture, 0, 0) for picture in pictures]
    beside = [_field(picture, *step) for picture, step in zip(pictures, steps, strict=True)]
    groups = {item.row: item.group for item in _near(unlabelled([*centre, *beside]))}
    count = len(pictures)
    return sum(row in groups and groups[row] == groups.get(row + count) for row in range(count)) / count


def _field(frame: UInt8Array, down: int, right: int) -> UInt8Array:
    top, left = (frame.shape[0] - FIELD) // 2 + down, (frame.shape[1] - FIELD) // 2 + right
    return _resized(frame[top : top + FIELD, left : left + FIELD], SIDE, SIDE)


def unlabelled(pictures: Pictures) -> Cells:
    """Wrap pictures without labels."""
    rows = np.arange(len(pictures))
    return Cells(pictures, None, np.array([str(row) for row in rows], dtype=np.str_), (), rows)


def _near(cells: Cells) -> list[Finding]:
    return [item for item in find_copies(cells) if item.kind == "near_duplicate"]


def _same_cell(cells: Cells) -> IntArray:
    """Group the cells that are copies before any is planted."""
    groups = np.arange(len(cells))
    for item in find_copies(unlabelled(cells.images)):
        groups[item.row] = min(groups[item.row], item.group)
    return groups


def _resized(picture: UInt8Array, width: int, height: int) -> UInt8Array:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC))


def report(found: Found, cells: int, shares: dict[int, float]) -> str:
    """Lay out the tables."""
    rows = []
    names = np.array(found.ways)
    for way in dict.fromkeys(found.ways):
        here = names == way
        recall = wilson(int(found.joined[here].sum()), int(here.sum()))
        score = f"{np.median(found.scores[here]):.2f}"
        rows.append([way, f"{here.sum():,}", f"{recall.value:.3f}", f"{recall.low:.3f}–{recall.high:.3f}", score])
    precision = wilson(found.findings - len(found.wrong), found.findings)
    parts = [
        markdown_table(["altered copy", "planted", "recall", "95 % interval", "median score"], rows),
        f"Among {cells:,} cells and {len(names):,} copies {found.findings:,} pictures were called near duplicates; "
        f"precision {precision.value:.4f} ({precision.low:.4f}–{precision.high:.4f}); natural copies are right finds.",
    ]
    if shares:
        head = ["fields of one frame apart, px of the frame", *(str(distance) for distance in shares)]
        pixels = ["px of the picture", *(f"{distance * SIDE / FIELD:.0f}" for distance in shares)]
        called = ["share called near duplicates", *(f"{share:.2f}" for share in shares.values())]
        parts.append(markdown_table(head, [pixels, called]))
    return "\n\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    cells = read(options.data)
    if options.cells:
        chosen = np.random.default_rng(options.seed).choice(len(cells), min(options.cells, len(cells)), replace=False)
        cells = cells.take(np.sort(chosen))
    found = measure(cells, options.copies, options.seed)
    frames = read(options.frames) if options.frames else None
    shares = {distance: apart(frames, distance, options.seed) for distance in DISTANCES} if frames else {}
    body = report(found, len(cells), shares)
    print(f"{describe_machine(LIBRARIES)}\n\n{body}\n\nwrong: {found.wrong}")
    if options.write:
        write_section(TITLE, body, LIBRARIES)
        write_text(PAGE, replaced(PAGE.read_text(encoding="utf-8"), SECTION, f"{WRITTEN}\n\n{body}"))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.near_copies", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("data", nargs="?", default=os.environ.get("PBC"), help="real cells in any form (PBC)")
    parser.add_argument("--frames", default=os.environ.get("PBC_ORIGINAL"), help="whole frames in any form")
    parser.add_argument("--copies", type=int, default=100, help="of each way")
    parser.add_argument("--cells", type=int, default=0, help="search among so many cells; 0: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave RESULTS.md and docs as they are")
    options = parser.parse_args(arguments)
    if options.data is None or not Path(options.data).exists():
        parser.error("name real cells, as an argument or in the environment variable PBC")
    return options


if __name__ == "__main__":
    main()
