"""Train on a folder of cells, and look at what the model mistakes for what.

    python examples/mistakes.py cells/ --out runs/mistakes
    python examples/mistakes.py cells/ --out runs/mistakes --set seed=1 phases.0.epochs=10

Trains, or takes the finished run in --out; lists the most confident mistakes on the untouched test part; and draws them
into OUT/mistakes.png: left the cell, right another cell of the class that it was taken for.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import smearlab
from smearlab.data.atomic import atomic_path

SIDE = 128
"""Side of a picture on the sheet, in pixels."""


def main() -> int:
    """Train, list, draw; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="labelled pictures in any form")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder")
    parser.add_argument("--set", nargs="*", default=[], help="values of the recipe: section.key=value")
    parser.add_argument("--most", type=int, default=12, help="how many mistakes to show")
    given = parser.parse_args()
    try:
        run = smearlab.Run(given.out)
        if not run.is_finished():
            run = smearlab.run(given.data, out=given.out, overrides=given.set)
        tested, wrong = mistakes(run.predictions)
        print(f"{len(wrong)} of {tested} test pictures are named wrongly.")
        for row in wrong[: given.most]:
            print(f"  {row['source']}: {row['true_label']}, taken for {row['label']} ({float(row['confidence']):.0%})")
        if wrong:
            draw(smearlab.read(given.data), wrong[: given.most], given.out / "mistakes.png")
            print(f"Drawn in {given.out / 'mistakes.png'}; all figures are in {run.report}.")
    except smearlab.SmearlabError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def mistakes(predictions: Path) -> tuple[int, list[dict[str, str]]]:
    """Return how many pictures were tested, and the rows of those named wrongly, the most confident first."""
    with predictions.open(encoding="utf-8", newline="") as file:
        tested = [row for row in csv.DictReader(file) if row["split"] == "test"]
    wrong = [row for row in tested if row["label"] != row["true_label"]]
    return len(tested), sorted(wrong, key=lambda row: -float(row["confidence"]))


def draw(cells: smearlab.Cells, wrong: list[dict[str, str]], out: Path) -> None:
    """Draw each mistaken cell beside a cell of the class it was taken for."""
    position = {int(row): index for index, row in enumerate(cells.rows)}
    mistaken = {int(row["row"]) for row in wrong}
    sheet = Image.new("RGB", (2 * SIDE, len(wrong) * SIDE), "white")
    for line, row in enumerate(wrong):
        of_class = cells.known_labels == cells.class_names.index(row["label"])
        alike = next(index for index in np.flatnonzero(of_class) if int(cells.rows[index]) not in mistaken)
        for column, index in enumerate((position[int(row["row"])], int(alike))):
            picture = Image.fromarray(np.asarray(cells.images[index])).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            sheet.paste(picture, (column * SIDE, line * SIDE))
    with atomic_path(out) as temporary:
        sheet.save(temporary)


if __name__ == "__main__":
    sys.exit(main())
