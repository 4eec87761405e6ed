"""Measures what every corruption of the stress suites does to pictures' statistics.

    python -m benchmarks.alteration_signatures runs/robust pbc96.parquet

From validation cells of the run; writes ``src/smearlab/evaluation/alterations.json``, which `smearlab shift` compares
another laboratory's pictures with.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from smearlab.corruptions.suites import SUITES, corrupt
from smearlab.data.atomic import write_text
from smearlab.data.read import read
from smearlab.evaluation.shift import ALTERATIONS
from smearlab.inference.predictor import Predictor
from smearlab.inference.statistics import STATISTICS, picture_statistics, reference_statistics, signature

SEVERITIES = (1, 3, 5)
CELLS = 60
SEED = 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("data")
    options = parser.parse_args(arguments)
    framing = Predictor.load(options.run, threads=1).framing
    cells = read(options.data)
    rows = json.loads((options.run / "split.json").read_text(encoding="utf-8"))["validation"]
    known = cells.take(np.flatnonzero(np.isin(cells.rows, rows)))
    reference = reference_statistics(known.images, framing)
    rng, lines = np.random.default_rng(SEED), []
    for suite in (suite for suite in SUITES.values() if suite.name != "chain"):
        for corruption in suite.corruptions:
            for severity in SEVERITIES:
                few = known.take(rng.permutation(len(known))[:CELLS])
                altered = corrupt(np.stack(list(few.images)), suite.name, corruption.name, severity, SEED, few.rows)
                values = signature(picture_statistics(altered, framing), reference)
                row = [suite.name, corruption.name, corruption.operation or corruption.name, severity]
                lines.append(json.dumps([*row, [round(float(value), 3) for value in values]]))
    plain = [round(float(value), 3) for value in signature(picture_statistics(known.images, framing), reference)]
    head = f'{{"statistics": {json.dumps(STATISTICS)},\n"unaltered": {plain},\n"alterations": [\n'
    write_text(ALTERATIONS, head + ",\n".join(lines) + "\n]}\n")


if __name__ == "__main__":
    main()
