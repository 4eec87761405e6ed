"""How wide the field of a picture is, told from the red cells and the nucleus in it.

A microscope's picture seldom says its scale, but red cells are nearly all of one size (about 7.5 µm), so how fine the
pattern of stained and unstained areas is tells how much of the smear a picture shows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from smearlab.data.cells import FloatArray, UInt8Array

SIDE = 48
"""Pictures are measured at this side in pixels: small enough that blur, noise and JPEG blocks hardly matter."""

_BANDS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 17)
"""Borders of the bands of spatial frequency, in periods per picture."""

# Ridge regression of log2(field width) on `field_features`; benchmarks/fit_field_width.py fits and prints it.
_COEFFICIENTS = (
    *(0.2862, -1.2364, 0.4279, -0.1057, 0.3212, 0.2675),
    *(0.1209, -0.0185, -0.0446, 0.0435, -0.007, -0.2073, 0.0227, 0.22, 0.0412),
    *(-0.1005, 0.0515, 0.107, 0.0523, -0.046, 0.0157, 0.1453, -0.0925, -0.1658),
)
_INTERCEPT = 1.7917


def field_width(image: UInt8Array) -> float:
    """Estimate how wide the field of a square picture is, in widths of a framed cell.

    1 means the picture shows as much as a cell of the training data does (20 µm), 1.8 a whole frame of the
    CellaVision DM96. The estimate is about 13 % off at one standard deviation and drawn towards 1; it was
    fitted on widths of 0.8 to 2.1, and is no guide to fields much wider than that.

    Args:
        image: ``uint8 (h, w, 3)`` RGB.
    """
    return float(2.0 ** (_INTERCEPT + field_features(image) @ np.asarray(_COEFFICIENTS)))


def field_features(image: UInt8Array) -> FloatArray:
    """Measure how fine the pattern of a picture is: ``float64 (24,)``.

    For the stained areas (red cells and nuclei) and for the darkest areas (nuclei): density of the borders, area,
    and borders per area. For the picture without the nucleus' inner structure and for the stained areas: how the
    variance is shared out over bands of spatial frequency. None depends on brightness, contrast or direction.
    """
    green = np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BOX))[..., 1]
    dark = otsu(green)
    bright = green[green > dark]
    stained = otsu(bright)
    level = green.astype(np.float64)
    flat = np.clip(level, dark, np.percentile(bright, 95)) if bright.size else level
    masks = (green <= stained, green <= dark)
    spectra = (_spectrum(flat), _spectrum(masks[0].astype(np.float64)))
    return np.concatenate([*(_borders(mask) for mask in masks), *spectra])


def otsu(values: UInt8Array) -> int:
    """Return the threshold that best parts uint8 values into two groups (Otsu 1979); the upper one lies above it."""
    counts = np.bincount(values.ravel(), minlength=256).astype(np.float64)
    below = np.cumsum(counts)
    mass = np.cumsum(counts * np.arange(256))
    above = below[-1] - below
    # Where one side is empty, the first factor makes the product 0 whatever stands for its mean.
    gap = mass / np.maximum(below, 1) - (mass[-1] - mass) / np.maximum(above, 1)
    return int((below * above * gap**2).argmax())


def _borders(mask: NDArray[np.bool_]) -> FloatArray:
    borders = np.mean(mask[:, 1:] != mask[:, :-1]) + np.mean(mask[1:] != mask[:-1]) + 2e-3
    area = np.mean(mask)
    return np.array([np.log(borders), area, np.log(borders / (area * (1.0 - area) + 1e-2))])


def _spectrum(level: FloatArray) -> FloatArray:
    power = np.abs(np.fft.fft2((level - level.mean()) * _WINDOW)) ** 2
    bands = np.bincount(_BAND_OF, power.ravel(), minlength=len(_BANDS) + 1)[1:-1]
    return np.asarray(np.log(bands / (bands.sum() + 1e-9) + 1e-3), np.float64)


def _band_of_frequency() -> NDArray[np.int64]:
    frequency = np.fft.fftfreq(SIDE, 1.0 / SIDE)
    radius = np.hypot(frequency[:, None], frequency).round().ravel()
    return np.asarray(np.digitize(radius, _BANDS), np.int64)


_BAND_OF = _band_of_frequency()
_TAPER = np.sqrt(np.hanning(SIDE + 2)[1:-1])
_WINDOW = np.outer(_TAPER, _TAPER)
