"""What every contender of the augmentation benchmark does to every picture; standard library only.

Nine alterations are drawn for every picture (mirror, rotate, zoom, shift, shear; brightness, contrast, saturation,
hue), four for a share of them: what each contender calls these is the value.
"""

from __future__ import annotations

ROTATION = 180.0
"""Degrees either way."""
ZOOM = 2.0
"""Factor either way."""
SHIFT = 0.2
"""Share of the side either way."""
SHEAR = 15.0
"""Degrees either way."""
LIGHT = 0.5
"""Relative change of brightness, contrast and saturation."""
HUE = 0.15
"""Share of the circle either way."""
KERNEL = 13
"""Side of the Gaussian kernel in pixels."""
SIGMA = (0.1, 3.5)
"""Of the Gaussian kernel in pixels."""
NOISE = 0.1
"""Standard deviation as a share of the range."""
ERASED = (0.02, 0.3)
"""Share of the area."""

SOMETIMES_SHARE = 0.5
SOMETIMES = {"blur": "gaussian_blur", "sharpness": "sharpness", "noise": "gaussian_noise", "erasing": "erase"}
"""Alterations of half of the pictures, and smearlab's names for them."""
