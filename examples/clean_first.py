"""Find what is wrong with a collection, leave it out, and train on the rest.

    python examples/clean_first.py cells/ --out runs/clean
    python examples/clean_first.py cells/ --out runs/clean --full --set seed=1

Audits the pictures (OUT/audit/report.html shows what was found), writes a cleaned copy (OUT/cleaned.npz or, where
sizes are mixed, the folder OUT/cleaned), and trains on it (OUT/run). The data itself stays as it is. The quick audit
looks for copies, junk and unreadable files; --full also judges the labels, which trains networks of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import smearlab
from smearlab.audit.apply import apply_manifest
from smearlab.audit.audit import audit


def main() -> int:
    """Audit, clean, train; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="labelled pictures in any form")
    parser.add_argument("--out", type=Path, required=True, help="a new folder for everything that is written")
    parser.add_argument("--full", action="store_true", help="judge the labels too")
    parser.add_argument("--set", nargs="*", default=[], help="values of the recipe: section.key=value")
    given = parser.parse_args()
    try:
        figures = clean_and_train(given.data, given.out, given.set, full=given.full)
    except smearlab.SmearlabError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Balanced accuracy on the test part: {figures['value']:.3f} [{figures['low']:.3f}, {figures['high']:.3f}]")
    return 0


def clean_and_train(data: str, out: Path, overrides: list[str], *, full: bool) -> dict[str, float]:
    """Go the three steps; return the balanced accuracy on the test part with its interval."""
    found = audit(data, out / "audit", quick=not full)
    print("\n".join(found.words()))
    # Before this line is the moment to open audit/report.html, decide by hand, and save the manifest.
    sizes_differ = found.cells.picture_shape is None
    copy = apply_manifest(data, out / "audit" / "manifest.csv", out / ("cleaned" if sizes_differ else "cleaned.npz"))
    print("\n".join(copy.words()))
    run = smearlab.run(copy.out, out=out / "run", overrides=overrides)
    figures: dict[str, float] = json.loads(run.metrics.read_text(encoding="utf-8"))["balanced_accuracy"]
    return figures


if __name__ == "__main__":
    sys.exit(main())
