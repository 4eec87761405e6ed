"""Fits the trust of a finished run's model anew on exactly its validation cells.

    python -m benchmarks.refit_trust src/smearlab/inference/default runs/ship pbc96.parquet

The run's ``split.json`` names the rows. The network and its weights stay as they are, to the byte.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from smearlab.data.read import read
from smearlab.inference.refit import refit_trust


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, write, and print what ``model.json`` says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="the model folder to write to")
    parser.add_argument("run", type=Path, help="the run that trained it")
    parser.add_argument("data", help="the cells that the run read")
    options = parser.parse_args(arguments)
    cells = read(options.data)
    rows = json.loads((options.run / "split.json").read_text(encoding="utf-8"))["validation"]
    positions = np.flatnonzero(np.isin(cells.rows, rows))
    if len(positions) != len(rows):
        parser.error(f"{options.data} has {len(positions)} of the {len(rows)} validation rows of {options.run}.")
    info = refit_trust(options.model, cells.take(positions), threads=1)
    print(f"Fitted on {len(rows)} cells: {info.is_cell}")


if __name__ == "__main__":
    main()
