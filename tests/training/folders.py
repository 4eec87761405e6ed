"""Class folders on disk for tests that start processes of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from smearlab.celltypes import CLASS_NAMES


def write_class_folders(folder: Path, per_class: int, size: int) -> Path:
    """Write noisy PNG pictures of three classes, told apart by their mean brightness."""
    rng = np.random.default_rng(0)
    for label, name in enumerate(CLASS_NAMES[:3]):
        (folder / name).mkdir()
        for number in range(per_class):
            picture = rng.normal(60 + 60 * label, 30, (size, size, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(picture).save(folder / name / f"{number}.png")
    return folder
