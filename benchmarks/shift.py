"""Judges `smearlab shift` on cells altered by the stress suites: does it name the alteration, and guess the accuracy?

    python -m benchmarks.shift runs/robust pbc96.parquet --cells 200

On test cells of the run, a sample of its own for each condition, none of which the signatures were measured on. Writes
the section "Another laboratory" of RESULTS.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("data")
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--severities", type=int, nargs="*", default=list(SEVERITIES))
    options = parser.parse_args(arguments)
    predictor = Predictor.load(options.run, threads=1)
    cells = read(options.data)
    rows = json.loads((options.run / "split.json").read_text(encoding="utf-8"))["test"]
    others = np.setdiff1d(np.arange(len(cells)), evenly(len(cells), KNOWN))
    known = cells.take(others[np.isin(cells.rows[others], rows)])
    lines = [_suite(predictor, known, name, options.severities, options.cells) for name in SUITES]
    head = ["suite", "conditions", "named first", "among the first two", "error of the expected accuracy", "largest"]
    table = markdown_table(head, lines)
    words = (
        f"{options.cells} cells per condition; errors in points of accuracy, the mean of their sizes and the largest."
    )
    write_section("Another laboratory", f"{words}\n\n{table}", ["numpy", "onnxruntime"])
    print(table)


def _suite(predictor: Predictor, cells: Cells, name: str, severities: Sequence[int], count: int) -> list[str]:
    reference = predictor.folder.trust.picture_statistics
    if reference is None:
        raise SystemExit("The run's model is of an earlier version: refit its trust first.")
    suite, rng = SUITES[name], np.random.default_rng(0)
    first, second, errors = [], [], []
    for corruption in suite.corruptions:
        for severity in severities:
            few = cells.take(np.sort(rng.permutation(len(cells))[:count]))
            altered = corrupt(np.stack(list(few.images)), name, corruption.name, severity, 0, few.rows)
            found = predictor.predict(altered)
            right = float((found.label_indices == few.known_labels).mean())
            errors.append(abs(float(found.confidence.mean()) - right))
            change = signature(picture_statistics(altered, predictor.framing), reference)
            likely = [one.operation for one in resemblances(change)[:2]]
            truth = corruption.operation or corruption.name
            first.append(truth == likely[0])
            second.append(truth in likely)
    # A chain is another alteration for each picture: there is none to name.
    named = ["–", "–"] if name == "chain" else [f"{100 * np.mean(hits):.1f} %" for hits in (first, second)]
    return [name, str(len(errors)), *named, f"{100 * np.mean(errors):.1f}", f"{100 * max(errors):.1f}"]


if __name__ == "__main__":
    main()
