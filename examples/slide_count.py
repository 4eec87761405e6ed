"""Put a model into a program of one's own: the differential count of every slide, and the cells a person should see.

    python examples/slide_count.py slides/ --out counts.csv
    python examples/slide_count.py slides/ --out counts.csv --model runs/cells --unsure 0.8

slides/ has a folder of cell pictures for each slide. Pictures that look like no cell are not counted; cells named with
less confidence than --unsure are counted and listed for review. Needs no PyTorch, and memory for 64 pictures.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import smearlab
from smearlab.data.atomic import atomic_path
from smearlab.data.stream import Picture, stream_pictures
from smearlab.metrics.intervals import Interval, wilson

FEW = 100
"""A count of fewer cells says little: laboratories count at least so many."""


@dataclass
class Count:
    """What was found on one slide.

    Attributes:
        cells: class name to number of cells.
        rejected: pictures that look like no cell, or cannot be read.
        review: sources of the cells that the model is unsure of.
    """

    cells: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    review: list[str] = field(default_factory=list)


def main() -> int:
    """Count every slide, write the table; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("slides", type=Path, help="a folder with a folder of pictures for each slide")
    parser.add_argument("--out", type=Path, required=True, help="the table to write, .csv")
    parser.add_argument("--model", default="default", help="a model or run folder; the model that ships by default")
    parser.add_argument("--unsure", type=float, default=0.7, help="confidence below which a person should look")
    given = parser.parse_args()
    try:
        predictor = smearlab.Predictor.load(given.model)
        folders = sorted(path for path in given.slides.iterdir() if path.is_dir()) if given.slides.is_dir() else []
        if not folders:
            raise smearlab.SmearlabError(
                f"{given.slides} has no folders. Put each slide's pictures into one of its own."
            )
        counts = {folder.name: count_slide(predictor, folder, given.unsure) for folder in folders}
        write_table(given.out, counts, predictor.class_names)
    except smearlab.SmearlabError as error:
        print(error, file=sys.stderr)
        return 2
    for slide, count in counts.items():
        print("\n".join(described(slide, count)))
    return 0


def count_slide(predictor: smearlab.Predictor, folder: Path, unsure: float) -> Count:
    """Name all pictures of a slide, a batch at a time, and count them."""
    count = Count()
    for batch in batches(stream_pictures(folder)):
        readable = [(picture.source, picture.image) for picture in batch if picture.image is not None]
        count.rejected += len(batch) - len(readable)
        found = predictor.predict([image for _, image in readable])
        named = zip(readable, found.labels.tolist(), found.confidence.tolist(), found.is_cell.tolist(), strict=True)
        for (source, _), label, confidence, is_cell in named:
            if not is_cell:
                count.rejected += 1
                continue
            count.cells[label] += 1
            if confidence < unsure:
                count.review.append(source)
    return count


def batches(pictures: Iterable[Picture], size: int = 64) -> Iterator[list[Picture]]:
    """Take pictures a few at a time, so that memory does not grow with their number."""
    remaining = iter(pictures)
    while batch := list(islice(remaining, size)):
        yield batch


def write_table(out: Path, counts: dict[str, Count], class_names: tuple[str, ...]) -> None:
    """Write a line for each slide and class: the number, the share, and the share's 95 % interval."""
    with atomic_path(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["slide", "class", "cells", "share", "low", "high"])
        for slide, count in counts.items():
            for name in class_names:
                share = wilson(count.cells[name], count.cells.total())
                table.writerow([slide, name, count.cells[name], *(f"{one:.4f}" for one in share_of(share))])


def share_of(interval: Interval) -> tuple[float, float, float]:
    """Return a share and the two ends of its interval."""
    return interval.value, interval.low, interval.high


def described(slide: str, count: Count) -> list[str]:
    """Say what was counted on a slide, the most frequent first."""
    cells = count.cells.total()
    few = f" Fewer than {FEW}: the shares are rough." if cells < FEW else ""
    lines = [f"{slide}: {cells} cells, {count.rejected} pictures rejected, {len(count.review)} to review.{few}"]
    for name, number in count.cells.most_common():
        share = wilson(number, cells)
        lines.append(f"  {name:<22}{number:>6}  {share.value:6.1%}  [{share.low:.1%}, {share.high:.1%}]")
    return lines


if __name__ == "__main__":
    sys.exit(main())
