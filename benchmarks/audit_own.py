"""smearlab's side of audit_peers.py: the copies alone, as the peers do them, or a whole quick audit."""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from pathlib import Path

from smearlab.audit.duplicates import find_copies
from smearlab.audit.findings import DUPLICATES
from smearlab.data.read import read


def copies(folder: str) -> dict[str, list[list[str]]]:
    """Find copies and return them by kind as ``[file, partner]``."""
    cells = read(folder)
    files = dict(zip(cells.rows.tolist(), cells.sources.tolist(), strict=True))
    found: dict[str, list[list[str]]] = {}
    for item in find_copies(cells):
        if item.partner is not None:
            found.setdefault(item.kind, []).append([files[item.row], files[item.partner]])
    return found


def quick(folder: str) -> dict[str, list[list[str]]]:
    """Audit with tables, manifest and report, and return what was found."""
    from smearlab.audit.audit import audit

    files = dict(enumerate(sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.png"))))
    found: dict[str, list[list[str]]] = {}
    with tempfile.TemporaryDirectory(prefix="smearlab-audit-") as temporary:
        audit(folder, Path(temporary) / "audit", quick=True)
        with (Path(temporary) / "audit" / "findings.csv").open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file):
                partner = [files[int(line["partner"])]] if line["kind"] in DUPLICATES else []
                found.setdefault(line["kind"], []).append([line["source"], *partner])
    return found


if __name__ == "__main__":
    ways = {"copies": copies, "quick": quick}
    Path(sys.argv[3]).write_text(json.dumps(ways[sys.argv[1]](sys.argv[2])), encoding="utf-8")
