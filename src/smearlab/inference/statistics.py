"""What a collection of pictures looks like in numbers: colour, contrast, sharpness, noise, light, place of the cell.

They tell another laboratory's pictures from those a model was trained on, and what is different about them.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.framing import Framing, frame_pictures
from smearlab.inference.spread import Floats

if TYPE_CHECKING:
    from smearlab.data.cells import Pictures, UInt8Array

SIDE = 96
"""Side in pixels at which pictures are measured, framed as the model frames them."""

REFERENCE_PICTURES = 400
"""Pictures that a reference is measured on at most."""
CLIP = 6.0
"""Standard deviations beyond which a picture just counts as far away."""

_BATCH = 64
_NARROW = 0.05
_RINGS = (0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.27, 0.34, 0.42, 0.5)
_LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_RGB = ("red", "green", "blue")
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)

STATISTICS: tuple[str, ...] = (
    *(f"{colour} of {part}" for part in ("the darkest", "the brightest", "all") for colour in _RGB),
    *(f"median {colour} at the border" for colour in _RGB),
    *("contrast", "saturation", "spread of saturation", "spread of blue", "spread of red"),
    *(f"brightness at {100 * level:g} %" for level in _LEVELS),
    *("share burnt out", "share black"),
    *(f"detail at {ring:g} per pixel" for ring in _RINGS[:-1]),
    "direction of detail",
    *("grain", "mean grain", "strongest grain", "grain in the bright", "grain in the dark"),
    *("grain of blue", "grain of red"),
    *("blocks, stronger way", "blocks, weaker way", "flat steps", "specks"),
    *("corners against the brightest", "spread of corners", "darkest corner", "tilt of light"),
    *("area of the cell", "cell off the middle", "reach of the cell", "cell at the border"),
)
"""Names of the statistics, in order."""


def picture_statistics(pictures: Pictures, framing: Framing, progress: Callable[[int], None] | None = None) -> Floats:
    """Measure pictures one by one: float32 ``(n, s)``, a column for each of `STATISTICS`.

    Args:
        pictures: ``uint8 (h, w, 3)`` RGB each.
        framing: of the model; its size is not used.
        progress: called after each batch with the number of pictures it had.
    """
    own = framing.model_copy(update={"size": SIDE})
    parts = [np.zeros((0, len(STATISTICS)), np.float32)]
    for start in range(0, len(pictures), _BATCH):
        batch = [np.asarray(pictures[place]) for place in range(start, min(start + _BATCH, len(pictures)))]
        parts.append(measure(frame_pictures(batch, own)))
        if progress is not None:
            progress(len(batch))
    return np.concatenate(parts)


def reference_statistics(pictures: Pictures, framing: Framing, most: int = REFERENCE_PICTURES) -> Floats:
    """Mean and standard deviation of each statistic, float32 ``(2, s)``, over at most `most` pictures evenly spaced."""
    places = np.unique(np.linspace(0, len(pictures) - 1, min(most, len(pictures))).round().astype(np.int64))
    found = picture_statistics([np.asarray(pictures[place]) for place in places.tolist()], framing)
    return np.stack([found.mean(0), found.std(0)])


def signature(statistics: Floats, reference: Floats) -> Floats:
    """Say how a collection differs from a reference, float32 ``(2s,)``.

    The first half is how far the means have moved, in standard deviations of the reference and by at most `CLIP`; the
    second the logarithm of how much wider it spreads, since an alteration that goes either way moves no mean.

    Args:
        statistics: float32 ``(n, s)`` of `picture_statistics`.
        reference: float32 ``(2, s)`` of `reference_statistics`.
    """
    z = np.clip((statistics - reference[0]) / (reference[1] + np.float32(1e-6)), -CLIP, CLIP)
    return np.concatenate([z.mean(0), np.log(z.std(0) + _NARROW)]).astype(np.float32)


def measure(framed: UInt8Array) -> Floats:
    """Measure one batch of pictures ``uint8 (n, h, w, 3)``: float32 ``(n, s)``."""
    x = framed.astype(np.float32) / np.float32(255)
    grey = np.asarray(x @ _LUMA, np.float32)
    levels = np.quantile(grey.reshape(len(x), -1), (*_LEVELS, 0.08, 0.85), axis=1).astype(np.float32)
    dark, bright = grey <= levels[-2][:, None, None], grey >= levels[-1][:, None, None]
    columns = [
        *_colours(x, grey, dark, bright),
        *levels[: len(_LEVELS)],
        (x >= 254 / 255).mean((1, 2, 3)),
        (x <= 1 / 255).mean((1, 2, 3)),
        *_spectrum(grey),
        *_grain(x, grey, dark, bright),
        *_steps(grey),
        *_light(grey),
        *_place(grey < ((levels[-1] + levels[-2]) / 2)[:, None, None]),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _colours(x: Floats, grey: Floats, dark: Floats, bright: Floats) -> list[Floats]:
    everywhere = np.ones_like(dark)
    means = [(x * part[..., None]).sum((1, 2)) / part.sum((1, 2))[:, None] for part in (dark, bright, everywhere)]
    border = np.concatenate([x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]], axis=1)
    most, least = x.max(3), x.min(3)
    saturation = (most - least) / (most + np.float32(1e-3))
    spreads = [(x[..., band] - grey).std((1, 2)) for band in (2, 0)]
    columns = [*np.concatenate(means, axis=1).T, *np.median(border, axis=1).T]
    return [*columns, grey.std((1, 2)), saturation.mean((1, 2)), saturation.std((1, 2)), *spreads]


def _spectrum(grey: Floats) -> list[Floats]:
    """Energy by ring of frequency, and whether it has a direction, as behind a smear of motion."""
    height, width = grey.shape[1:]
    window = np.hanning(height)[:, None] * np.hanning(width)
    power = np.abs(np.fft.fft2((grey - grey.mean((1, 2), keepdims=True)) * window)) ** 2
    down, right = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]
    radius, angle = np.hypot(down, right), np.arctan2(down, right)
    rings = [np.log(power[:, (radius >= low) & (radius < high)].mean(1) + 1e-6) for low, high in pairwise(_RINGS)]
    fine = (radius > 0.1) & (radius < 0.4)
    shares = power[:, fine] / (power[:, fine].sum(1, keepdims=True) + 1e-9)
    return [*rings, np.hypot(shares @ np.cos(2 * angle[fine]), shares @ np.sin(2 * angle[fine]))]


def _laplacian(plane: Floats) -> Floats:
    inner = plane[:, 1:-1, 1:-1] * 4
    around = plane[:, :-2, 1:-1] + plane[:, 2:, 1:-1] + plane[:, 1:-1, :-2] + plane[:, 1:-1, 2:]
    return np.asarray(np.abs(inner - around), np.float32)


def _grain(x: Floats, grey: Floats, dark: Floats, bright: Floats) -> list[Floats]:
    edges = _laplacian(grey)
    flat = edges.reshape(len(edges), -1)
    middle, strong = np.quantile(flat, (0.5, 0.99), axis=1)
    inside = [
        np.log((edges * part[:, 1:-1, 1:-1]).sum((1, 2)) / (part[:, 1:-1, 1:-1].sum((1, 2)) + 1) + 1e-3)
        for part in (bright, dark)
    ]
    chroma = [np.log(_laplacian(x[..., band] - grey).mean((1, 2)) + 1e-4) for band in (2, 0)]
    return [*(np.log(value + 1e-4) for value in (middle, flat.mean(1), strong)), *inside, *chroma]


def _steps(grey: Floats) -> list[Floats]:
    """The 8×8 grid of JPEG, plateaus of enlarged pixels, and single pixels of salt and pepper."""
    across, down = np.abs(np.diff(grey, axis=2)), np.abs(np.diff(grey, axis=1))
    ways = []
    for profile in (across.mean(1), down.mean(2)):
        phases = np.stack([profile[:, phase::8].mean(1) for phase in range(8)])
        ways.append(np.log((phases.max(0) + 1e-4) / (np.median(phases, axis=0) + 1e-4)))
    flat = np.log((across < 1 / 512).mean((1, 2)) + 1e-2)
    return [np.maximum(*ways), np.minimum(*ways), flat, np.log((_laplacian(grey) > 1).mean((1, 2)) + 1e-4)]


def _light(grey: Floats) -> list[Floats]:
    """How the brightest ground of each ninth of the picture differs: vignettes and lamps at the side."""
    height, width = grey.shape[1] // 3, grey.shape[2] // 3
    tops, lefts = range(0, 3 * height, height), range(0, 3 * width, width)
    squares = [
        grey[:, top : top + height, left : left + width].reshape(len(grey), -1) for top in tops for left in lefts
    ]
    ninths = np.stack([np.quantile(square, 0.9, axis=1) for square in squares]).reshape(3, 3, -1)
    corners = ninths[[0, 0, 2, 2], [0, 2, 0, 2]]
    tilt = np.abs(ninths[0].mean(0) - ninths[2].mean(0)) + np.abs(ninths[:, 0].mean(0) - ninths[:, 2].mean(0))
    return [corners.mean(0) - ninths.max((0, 1)), corners.std(0), corners.min(0), tilt]


def _place(cell: Floats) -> list[Floats]:
    height, width = cell.shape[1:]
    down, right = (np.arange(side) / side - 0.5 for side in (height, width))
    number = cell.sum((1, 2)) + 1.0
    y, x = cell.sum(2) @ down / number, cell.sum(1) @ right / number
    far = (cell.sum(2) @ down**2 + cell.sum(1) @ right**2) / number - y**2 - x**2
    border = np.concatenate([cell[:, 0], cell[:, -1], cell[:, :, 0], cell[:, :, -1]], axis=1).mean(1)
    return [number / (height * width), np.hypot(y, x), np.sqrt(np.maximum(far, 0)), border]
