"""Cells and a scale on which a study takes seconds."""

from __future__ import annotations

import numpy as np

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.cells import Cells
from smearlab.evaluation.studies.plan import SCALES, Cell, Study

SMOKE = SCALES["smoke"]
TINY = Study(
    name="tiny",
    title="A tiny study",
    description="Whether a study runs.",
    reference="flips",
    cells=(
        Cell("flips", "flips", "Policies", ("augment.policy=flips",)),
        Cell("bare", "bare", "Policies", ("augment.policy=none",), focus="group colour"),
        Cell("late", "late", "Large", ("augment.policy=none", "ema.decay=0.5"), least="full"),
    ),
    base=("ema.decay=0", "phases.0.learning_rate=0.02"),
)


def study_cells(per_class: int = 40, seed: int = 0) -> Cells:
    """Return pictures of 24×24 px whose class is the colour and size of a disc on noise."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(8), per_class).astype(np.int64)
    colours = np.array([[(number >> bit & 1) * 150 + 50 for bit in range(3)] for number in range(8)])
    down, right = np.mgrid[:24, :24] - 11.5
    disc = (np.hypot(down, right)[None] < rng.uniform(5, 9, len(labels))[:, None, None])[..., None]
    images = np.where(disc, colours[labels][:, None, None], 215) + rng.normal(0, 20, (len(labels), 24, 24, 3))
    sources = np.array([f"{row}.png" for row in range(len(labels))])
    clipped = np.clip(images, 0, 255).astype(np.uint8)
    return Cells(clipped, labels, sources, CLASS_NAMES, np.arange(len(labels)), name="discs")
