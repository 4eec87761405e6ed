"""cleanvision's side of audit_peers.py: all its checks with their own thresholds. Runs where smearlab need not be."""

from __future__ import annotations

import json
import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from cleanvision import Imagelab

UNREADABLE = ("dark", "light", "blurry", "low_information")
"""The checks that come nearest to «nothing can be seen»."""


def find(folder: str) -> dict[str, list[list[str]]]:
    """Return what was found by kind, as ``[file, partner]`` or ``[file]``."""
    lab = Imagelab(data_path=folder)
    lab.find_issues(n_jobs=int(os.environ.get("OMP_NUM_THREADS", "1")), verbose=False)
    found = {
        "exact_duplicate": _linked(lab.info["exact_duplicates"]["sets"], folder),
        "near_duplicate": _linked(lab.info["near_duplicates"]["sets"], folder),
    }
    flagged = lab.issues[[f"is_{check}_issue" for check in UNREADABLE]].any(axis=1)
    found["unreadable"] = [[_name(path, folder)] for path in lab.issues.index[flagged]]
    return found


def _linked(sets: list[list[Any]], folder: str) -> list[list[str]]:
    """Link the members of each set in a chain, both ways."""
    names = [[_name(path, folder) for path in members] for members in sets]
    return [link for members in names for one, two in pairwise(members) for link in ([one, two], [two, one])]


def _name(path: Any, folder: str) -> str:  # noqa: ANN401 - a path or a string, by version
    return Path(path).resolve().relative_to(Path(folder).resolve()).as_posix()


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(find(sys.argv[1])), encoding="utf-8")
