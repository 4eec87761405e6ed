"""Photographs that come with the libraries of the development install, cut to squares: nothing is downloaded."""

from __future__ import annotations

import functools
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from smearlab.data.cells import UInt8Array

_SKIMAGE, _SKLEARN, _MATPLOTLIB = "skimage/data", "sklearn/datasets/images", "matplotlib/mpl-data"
TUNING_PHOTOS = {
    "coffee cup": f"{_SKIMAGE}/coffee.png",
    "rocket": f"{_SKIMAGE}/rocket.jpg",
    "motorcycle": f"{_SKIMAGE}/motorcycle_left.png",
    "camera man": f"{_SKIMAGE}/camera.png",
    "gravel": f"{_SKIMAGE}/gravel.png",
    "page of a book": f"{_SKIMAGE}/page.png",
    "temple": f"{_SKLEARN}/china.jpg",
}
"""Photographs to set thresholds by."""
MEASURING_PHOTOS = {
    "cat": f"{_SKIMAGE}/chelsea.png",
    "astronaut": f"{_SKIMAGE}/astronaut.png",
    "galaxies": f"{_SKIMAGE}/hubble_deep_field.jpg",
    "brick wall": f"{_SKIMAGE}/brick.png",
    "grass": f"{_SKIMAGE}/grass.png",
    "coins": f"{_SKIMAGE}/coins.png",
    "moving clock": f"{_SKIMAGE}/clock_motion.png",
    "horse": f"{_SKIMAGE}/horse.png",
    "flower": f"{_SKLEARN}/flower.jpg",
    "portrait": f"{_MATPLOTLIB}/sample_data/grace_hopper.jpg",
    "emblem": f"{_MATPLOTLIB}/sample_data/logo2.png",
}
"""Photographs for figures only."""


def photograph(place: str, side: int, rng: np.random.Generator | None = None) -> UInt8Array:
    """Return a photograph as ``uint8 (side, side, 3)``.

    Args:
        place: a path below a library, from `TUNING_PHOTOS` or `MEASURING_PHOTOS`.
        side: in pixels.
        rng: takes a square of 55 to 100 % of the shorter side from anywhere, perhaps mirrored; without it, the largest
            square in the middle.

    Raises:
        FileNotFoundError: the library, or the picture in it, is not installed.
    """
    whole = _loaded(place)
    shorter = min(whole.size)
    edge = shorter if rng is None else round(shorter * rng.uniform(0.55, 1))
    spare = whole.width - edge, whole.height - edge
    left, top = (room // 2 if rng is None else int(rng.integers(room + 1)) for room in spare)
    square = whole.crop((left, top, left + edge, top + edge)).resize((side, side), Image.Resampling.LANCZOS)
    pixels = np.asarray(square)
    return np.flip(pixels, axis=1).copy() if rng is not None and rng.random() < 0.5 else pixels


@functools.cache
def _loaded(place: str) -> Image.Image:
    library, _, rest = place.partition("/")
    spec = find_spec(library)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"{library} is not installed; its photographs come with smearlab[dev].")
    with Image.open(Path(spec.origin).parent / rest) as file:
        # A transparent emblem is shown on white, as a viewer shows it.
        opaque = Image.new("RGBA", file.size, (255, 255, 255, 255))
        opaque.alpha_composite(file.convert("RGBA"))
    return opaque.convert("RGB")
