"""Judges `smearlab shift` on cells altered by the stress suites: does it name the alteration, and guess the accuracy?

    python -m benchmarks.shift runs/robust pbc96.parquet --cells 200

On test cells of the run, a sample of its own for each condition, none of which the signatures were measured on; for a
model folder, such as `default`, which has seen most cells, only the naming. The last row is of casts over all pictures
alike. Writes the section "Another laboratory" of RESULTS.md, or "What an alteration is called".
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.alteration_signatures import KNOWN
from benchmarks.results import markdown_table, write_section
from smearlab.corruptions.suites import SEVERITIES, SUITES, corrupt
from smearlab.data.cells import Cells
from smearlab.data.read import read
from smearlab.evaluation.explain import evenly
from smearlab.evaluation.shift import resemblances
from smearlab.inference.predictor import Predictor
from smearlab.inference.statistics import picture_statistics, signature

CASTS = ((1.05, 1.0, 0.7), (0.75, 0.9, 1.1), (0.85, 1.03, 0.85), (1.1, 0.88, 0.97), (1.1, 0.95, 0.75), (0.8, 1.0, 1.05))
"""Gains of red, green and blue: yellow, blue, green, rosy, orange and cyan; none is one of the suites'."""


@dataclass(frozen=True)
class Judge:
    """What judges: a model, its usual pictures, the cells to alter, and whether it may be asked for their names."""

    predictor: Predictor
    usual: np.ndarray
    cells: Cells
    count: int
    held_out: bool


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("data")
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--severities", type=int, nargs="*", default=list(SEVERITIES))
    options = parser.parse_args(arguments)
    judge = _judge(options.run, options.data, options.cells)
    lines = [_suite(judge, name, options.severities) for name in SUITES] + [_casts(judge)]
    head = ["suite", "conditions", "named first", "among the first two", "error of the expected accuracy", "largest"]
    table = markdown_table(head, lines)
    words = (
        f"{options.cells} cells per condition; errors in points of accuracy, the mean of their sizes and the largest."
    )
    title = "Another laboratory" if judge.held_out else "What an alteration is called"
    write_section(title, f"{words}\n\n{table}", ["numpy", "onnxruntime"])
    print(table)


def _judge(run: Path, data: str, count: int) -> Judge:
    predictor, cells = Predictor.load(run, threads=1), read(data)
    usual = predictor.folder.trust.picture_statistics
    if usual is None:
        raise SystemExit("The run's model is of an earlier version: refit its trust first.")
    known = np.setdiff1d(np.arange(len(cells)), evenly(len(cells), KNOWN))
    split = run / "split.json"
    if split.is_file():
        rows = json.loads(split.read_text(encoding="utf-8"))["test"]
        known = known[np.isin(cells.rows[known], rows)]
    return Judge(predictor, usual, cells.take(known), count, split.is_file())


def _suite(judge: Judge, name: str, severities: Sequence[int]) -> list[str]:
    suite, rng = SUITES[name], np.random.default_rng(0)
    likely, truths, errors = [], [], []
    for corruption in suite.corruptions:
        for severity in severities:
            few = judge.cells.take(np.sort(rng.permutation(len(judge.cells))[: judge.count]))
            altered = corrupt(np.stack(list(few.images)), name, corruption.name, severity, 0, few.rows)
            truths.append(corruption.operation or corruption.name)
            likely.append(_named(judge, altered))
            if judge.held_out:
                found = judge.predictor.predict(altered)
                right = float((found.label_indices == few.known_labels).mean())
                errors.append(abs(float(found.confidence.mean()) - right))
    # Of what mixes several alterations there is none to name.
    named = ["–", "–"] if suite.mixed else _shares(likely, truths)
    told = [f"{100 * np.mean(errors):.1f}", f"{100 * max(errors):.1f}"] if errors else ["–", "–"]
    return [name, str(len(truths)), *named, *told]


def _casts(judge: Judge) -> list[str]:
    few = judge.cells.take(evenly(len(judge.cells), judge.count))
    images = np.stack(list(few.images)).astype(np.float32)
    likely = [_named(judge, np.clip(images * np.array(gains, np.float32), 0, 255).astype(np.uint8)) for gains in CASTS]
    return ["one cast", str(len(likely)), *_shares(likely, ["white_balance"] * len(likely)), "–", "–"]


def _named(judge: Judge, altered: np.ndarray) -> list[str]:
    """Return the two operations that a change is most like."""
    change = signature(picture_statistics(altered, judge.predictor.framing), judge.usual)
    return [one.operation for one in resemblances(change)[:2]]


def _shares(likely: list[list[str]], truths: list[str]) -> list[str]:
    pairs = list(zip(likely, truths, strict=True))
    hits = [truth == named[0] for named, truth in pairs], [truth in named for named, truth in pairs]
    return [f"{100 * np.mean(each):.1f} %" for each in hits]


if __name__ == "__main__":
    main()
