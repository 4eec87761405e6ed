"""What further looks gain, and what they cost, on cells that the model was not trained on.

    python -m benchmarks.second_look default pbc96.parquet --frames pbc_original

Test cells of a run, or those that a model folder does not know for training cells: as they are, magnified, altered by
every corruption of every suite at severities 3 and 5, and by several alterations of the microscope suite at once, as
another laboratory's are. With ``--frames``, whole frames of the analyser in class folders too, of which the middle is
shown at several widths, so that the surroundings are real ones. One look, the look from nearer at wide fields, and all
looks, those from other sides at what is unsure too, are asked about the same pictures. Writes the section "A second
look" of RESULTS.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.results import markdown_table, write_section
from smearlab.corruptions.geometry import magnify
from smearlab.corruptions.suites import SUITES, corrupt
from smearlab.data.cells import Cells
from smearlab.data.framing import Framing, frame_pictures
from smearlab.data.read import read
from smearlab.evaluation.matching import match_classes
from smearlab.inference.outlines import known_again, outlines
from smearlab.inference.predictor import Predictor, joined
from smearlab.metrics.intervals import Interval
from smearlab.metrics.repeats import condition_figures, picture_weights

FACTORS = (0.5, 0.6, 0.71, 0.85, 1.41, 2.0)
WIDTHS = (0.7, 1.0, 1.3, 1.6, 1.8)
"""Of frames, in fields of a framed cell; the whole frame is about 1.8 wide."""
FRAMED = 200
"""Pixels of a whole frame that a framed cell shows."""
SEVERITIES = (3, 5)
SEED = 11
FIVE = ("stain_hue", "dark_phone", "focus", "camera_noise", "compression")
SEVERAL = (
    ("five at once, severity 3", 3, 1.0, FIVE),
    ("five at once, severity 4", 4, 1.0, FIVE),
    ("a fifth of all, severity 3", 3, 0.2, ()),
    ("two fifths of all, severity 3", 3, 0.4, ()),
    ("a fifth of all, severity 5", 5, 0.2, ()),
)
"""Alterations of the microscope suite one after another: a name, the severity, the share of pictures that get each, and
which of them; none are all."""


@dataclass(frozen=True)
class Answers:
    """Which cells were shown, which one look, one from nearer too and all looks named rightly, and where these were."""

    name: str
    shown: np.ndarray
    once: np.ndarray
    nearer: np.ndarray
    everything: np.ndarray
    again: np.ndarray
    unsure: np.ndarray


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data")
    parser.add_argument("--frames")
    parser.add_argument("--each", type=int, default=400, help="cells shown under each corruption")
    options = parser.parse_args(arguments)
    predictor = Predictor.load(options.model, threads=1)
    cells = _untaught(options.model, predictor, read(options.data))
    lines = [_line(group, cells.known_labels) for group in _groups(predictor, cells, options.each)]
    print(*lines, sep="\n")
    if options.frames:
        frames = match_classes(_unknown(predictor, read(options.frames)), predictor.class_names)
        shown = ((f"frames {width:g} wide", _middle(frames.cells, width, predictor.framing.size)) for width in WIDTHS)
        asked = [[_ask(predictor, name, images, frames.labels, np.arange(len(images)))] for name, images in shown]
        lines += [_line(group, frames.labels) for group in asked]
    head = ["shown", "cells", "one look", "nearer", "gained, points (95 %)", "from nearer"]
    head += ["all looks", "gained, points (95 %)", "from other sides"]
    table = markdown_table(head, lines)
    words = (
        f"{options.model.name}, on {len(cells):,} cells that it was not trained on; {options.each} of them under each"
        " corruption. Balanced accuracy; means over the conditions of a suite."
    )
    write_section("A second look", f"{words}\n\n{table}", ["numpy", "onnxruntime"])
    print(f"{words}\n{table}")


def _untaught(model: Path, predictor: Predictor, cells: Cells) -> Cells:
    split = model / "split.json"
    if split.is_file():
        rows = json.loads(split.read_text(encoding="utf-8"))["test"]
        return cells.take(np.flatnonzero(np.isin(cells.rows, rows)))
    return _unknown(predictor, cells)


def _unknown(predictor: Predictor, cells: Cells) -> Cells:
    known = predictor.folder.trust.training_outlines
    if known is None:
        raise SystemExit("The model does not know what it was trained on. Give a run folder.")
    return cells.take(np.flatnonzero(~known_again(outlines(cells.images, predictor.framing), known)))


def _groups(predictor: Predictor, cells: Cells, each: int) -> Iterator[list[Answers]]:
    """Ask about the cells as they are, then at each magnification, then under the conditions of each suite."""
    labels, everything = cells.known_labels, np.arange(len(cells))
    images = frame_pictures(cells.images, predictor.framing)
    yield [_ask(predictor, "as they are", images, labels, everything)]
    for factor in FACTORS:
        yield [_ask(predictor, f"magnified ×{factor:g}", magnify(images, factor), labels, everything)]
    rng = np.random.default_rng(SEED)
    for suite in SUITES.values():
        asked = []
        for corruption in suite.corruptions:
            for severity in SEVERITIES:
                some = np.sort(rng.permutation(len(cells))[:each])
                altered = corrupt(images[some], suite.name, corruption.name, severity, SEED, cells.rows[some])
                asked.append(_ask(predictor, suite.name, altered, labels, some))
        yield asked
    for name, severity, share, names in SEVERAL:
        altered = _several(images, cells, severity, share, names)
        yield [_ask(predictor, name, altered, labels, everything)]


def _several(images: np.ndarray, cells: Cells, severity: int, share: float, names: tuple[str, ...]) -> np.ndarray:
    """Alter pictures in several ways of the microscope suite, one after another."""
    rng, altered = np.random.default_rng(SEED), images.copy()
    suite = SUITES["microscope"]
    for number, name in enumerate(names or [corruption.name for corruption in suite.corruptions]):
        some = np.flatnonzero(rng.random(len(images)) < share)
        altered[some] = corrupt(altered[some], suite.name, name, severity, SEED + number, cells.rows[some])
    return altered


def _ask(predictor: Predictor, name: str, images: np.ndarray, labels: np.ndarray, shown: np.ndarray) -> Answers:
    once, found = [], []
    for at in range(0, len(images), 64):
        batch = images[at : at + 64]
        once.append(predictor.first_look(batch))
        found.append(predictor.predict_framed(batch))
    first, last, true = joined(once), joined(found), labels[shown]
    # Logits are of one look, from nearer or not; probabilities are those of all looks.
    named = (first.label_indices, last.logits.argmax(1), last.label_indices)
    right = [np.asarray(labels == true) for labels in named]
    return Answers(name, shown, right[0], right[1], right[2], last.looked_again, last.unsure)


def _line(group: list[Answers], labels: np.ndarray) -> list[str]:
    """Return one row of the table: means over the group's conditions, and the paired difference."""
    weights = picture_weights(labels, seed=0)
    once, nearer, everything = (
        condition_figures(_matrix([getattr(one, part) for one in group], group, len(labels)), labels, weights).mean(1)
        for part in ("once", "nearer", "everything")
    )
    again, unsure = (float(np.mean([getattr(one, part).mean() for one in group])) for part in ("again", "unsure"))
    return [
        *(group[0].name, str(len(group[0].shown)), f"{once[0]:.4f}"),
        *(f"{nearer[0]:.4f}", _gain(once, nearer), f"{100 * again:.1f} %"),
        *(f"{everything[0]:.4f}", _gain(once, everything), f"{100 * unsure:.1f} %"),
    ]


def _gain(before: np.ndarray, after: np.ndarray) -> str:
    gain = Interval.of(100 * float(after[0] - before[0]), 100 * (after[1:] - before[1:]))
    return f"{gain.value:+.2f} ({gain.low:+.2f} to {gain.high:+.2f})".replace("-", "−")


def _matrix(right: list[np.ndarray], group: list[Answers], count: int) -> np.ndarray:
    table = np.full((count, len(group)), -1, np.int8)
    for column, (answers, one) in enumerate(zip(right, group, strict=True)):
        table[one.shown, column] = answers
    return table


def _middle(frames: Cells, width: float, size: int) -> np.ndarray:
    """Show the middle of each frame, so many fields of a framed cell wide, at the size of a framed cell."""
    side = min(min(one.shape[:2]) for one in frames.images)
    share = min(1.0, width * FRAMED / side)
    return frame_pictures(list(frames.images), Framing(crop="centre", fraction=share, size=size))


if __name__ == "__main__":
    main()
