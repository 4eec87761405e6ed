"""imagededup's side of audit_peers.py: perceptual hashes of a folder. Runs where smearlab need not be.

Its networks are downloaded when they are first used, so only its hashes are measured. All pairs up to the largest
distance are returned with their distance, so that every threshold below can be judged from one run.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from imagededup import methods


def find(method: str, folder: str, farthest: int) -> list[list[str | int]]:
    """Return ``[file, partner, distance]`` of all pairs up to a distance; `method` names a class of theirs."""
    workers = int(os.environ.get("OMP_NUM_THREADS", "1"))
    found = getattr(methods, method)(verbose=False).find_duplicates(
        image_dir=folder,
        max_distance_threshold=farthest,
        scores=True,
        recursive=True,
        num_enc_workers=workers,
        num_dist_workers=workers,
    )
    return [[file, partner, int(distance)] for file, others in found.items() for partner, distance in others]


if __name__ == "__main__":
    pairs = find(sys.argv[1], sys.argv[2], int(sys.argv[4]))
    Path(sys.argv[3]).write_text(json.dumps(pairs), encoding="utf-8")
