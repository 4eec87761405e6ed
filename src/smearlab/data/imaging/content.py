"""What of a framed picture a network sees: all of it, its fine structure, or its nuclei."""

from __future__ import annotations

from importlib import import_module
from typing import Literal, TypeAlias

import numpy as np

from smearlab.data.cells import UInt8Array
from smearlab.data.imaging.background import background_of
from smearlab.data.imaging.batches import to_uint8
from smearlab.data.imaging.filters import high_pass
from smearlab.data.imaging.nuclei import segment_nuclei
from smearlab.errors import require

Content: TypeAlias = Literal["whole", "high_pass", "nucleus"]

FINE = 1 / 12
"""Standard deviation of the high-pass filter's blur as a share of the picture's side: 8 pixels of 96."""


_NEEDED = ("skimage.color", "skimage.feature", "skimage.segmentation", "scipy.ndimage")


def check_content(content: Content) -> None:
    """Check that a content can be taken, and load what it needs, before threads all begin to.

    Raises:
        MissingExtraError: it needs scikit-image and SciPy, which are not installed.
    """
    if content == "whole":
        return
    for module in _NEEDED:
        require(module.partition(".")[0], "imaging", f"A framing of content '{content}'")
        import_module(module)


def take_content(picture: UInt8Array, content: Content) -> UInt8Array:
    """Keep a part of what a framed picture shows.

    Args:
        picture: ``uint8 (h, w, 3)`` RGB, cropped and resized.
        content: ``whole`` gives the picture itself; ``high_pass`` what is finer than a twelfth of its side, around grey
            128; ``nucleus`` the stained nuclei before one colour, that of the empty slide. Where no nucleus is found,
            as in most platelets, that colour is all there is.

    Returns:
        ``uint8 (h, w, 3)``.

    Raises:
        MissingExtraError: scikit-image or SciPy is not installed.
    """
    if content == "whole":
        return picture
    check_content(content)
    if content == "high_pass":
        return high_pass(picture, sigma=FINE * min(picture.shape[:2]))
    return np.where(segment_nuclei(picture)[..., None] > 0, picture, to_uint8(background_of(picture)))
