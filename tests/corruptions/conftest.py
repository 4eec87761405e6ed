"""Pictures to alter."""

from __future__ import annotations

import numpy as np
import pytest

from smearlab.celltypes import CLASS_NAMES
from smearlab.corruptions.draws import Images
from smearlab.data.smear.picture import draw_picture
from smearlab.data.smear.slide import make_slide


@pytest.fixture(scope="session")
def cells() -> Images:
    """Eight drawn cells at 96×96, one of each type."""
    slide = make_slide(0, 0)
    images = np.stack([draw_picture(0, number, name, slide).image for number, name in enumerate(CLASS_NAMES)])
    images.flags.writeable = False
    return images


@pytest.fixture(scope="session")
def noise() -> Images:
    """Four pictures 40×56 of every colour there is."""
    images = np.random.default_rng(0).integers(0, 256, (4, 40, 56, 3), dtype=np.uint8)
    images.flags.writeable = False
    return images
