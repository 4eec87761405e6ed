"""A slide and its photograph: stain, light, focus, camera. All pictures of one slide share them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from smearlab.data.cells import UInt8Array
from smearlab.data.smear.canvas import REFERENCE_LIGHT, SIZE, Field, reduce


@dataclass(frozen=True)
class Slide:
    """What the pictures of one slide have in common.

    Attributes:
        name: the slide's id.
        light: colour of the empty background, 0..255 per channel.
        strength: absorbance of all stains relative to the reference slide.
        tint: further factors on the absorbance of red, green and blue light.
        blur: standard deviation of the focus blur, pixels.
        sharpening: strength of the camera's unsharp mask.
        noise: standard deviation of the sensor's noise, grey levels.
        slope: brightness lost towards one side, as a share.
        slope_turn: direction of that side, radians.
        crowding: how full of red cells the slide is, 0..1.
        pallor: how deep the hollow of its red cells is, 0..1.
        quality: JPEG quality of the camera's files.
    """

    name: str
    light: tuple[float, float, float]
    strength: float
    tint: tuple[float, float, float]
    blur: float
    sharpening: float
    noise: float
    slope: float
    slope_turn: float
    crowding: float
    pallor: float
    quality: int


def make_slide(seed: int, number: int) -> Slide:
    """Return slide ``number`` of the set ``seed``; every ninth is bluish and a little out of focus."""
    rng = np.random.default_rng((seed, 1, number))
    bluish = number % 9 == 4
    light = np.array((229, 226, 231) if bluish else REFERENCE_LIGHT) + rng.normal(0, 2.0, 3)
    tint = np.exp(rng.normal(0, 0.03, 3)) * ((1.02, 1.0, 0.9) if bluish else 1.0)
    return Slide(
        name=f"slide{number:02d}",
        light=tuple(np.minimum(light, 255.0)),
        strength=float(np.exp(rng.normal(0, 0.06))),
        tint=tuple(tint),
        blur=float(rng.uniform(0.45, 0.65) if bluish else rng.uniform(0.0, 0.45)),
        sharpening=float(rng.uniform(0.5, 0.9)),
        noise=float(rng.uniform(0.8, 2.0)),
        slope=float(abs(rng.normal(0, 0.03))),
        slope_turn=float(rng.uniform(0, 2 * np.pi)),
        crowding=float(rng.uniform(0.2, 0.9)),
        pallor=float(rng.uniform(0.3, 0.9)),
        quality=int(rng.integers(88, 97)),
    )


def photograph(rng: np.random.Generator, absorbance: Field, slide: Slide) -> UInt8Array:
    """Return the picture ``uint8 (96, 96, 3)`` that a slide's camera takes of a drawn absorbance."""
    stain = absorbance * np.float32(slide.strength) * np.array(slide.tint, dtype=np.float32)
    picture = reduce(np.exp(-stain)) * np.array(slide.light, dtype=np.float32)
    picture = picture * _lighting(rng, slide)[..., None]
    picture = gaussian_blur(picture, slide.blur * float(rng.uniform(0.7, 1.3)))
    picture = picture + np.float32(slide.sharpening) * (picture - gaussian_blur(picture, 1.0))
    picture = picture + gaussian_blur(rng.normal(0, slide.noise, picture.shape).astype(np.float32), 0.4)
    return reencode(np.clip(picture.round(), 0, 255).astype(np.uint8), slide.quality)


def _lighting(rng: np.random.Generator, slide: Slide) -> Field:
    """Return the lamp's brightness over the picture: a slope, and a level that breathes from picture to picture."""
    line = np.linspace(-1, 1, SIZE, dtype=np.float32)
    slope = np.cos(slide.slope_turn) * line[None, :] + np.sin(slide.slope_turn) * line[:, None]
    return np.asarray(1 - slide.slope * (0.5 + 0.5 * slope) + rng.normal(0, 0.004), dtype=np.float32)


def gaussian_blur(picture: Field, sigma: float) -> Field:
    """Blur ``float32 (H, W, C)`` with mirrored borders; a ``sigma`` near zero leaves it alone."""
    if sigma < 0.15:
        return picture
    reach = max(1, int(np.ceil(3 * sigma)))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        pad = [(0, 0)] * picture.ndim
        pad[axis] = (reach, reach)
        padded = np.pad(picture, pad, mode="symmetric")
        length = picture.shape[axis]
        parts = (np.take(padded, range(k, k + length), axis) * np.float32(w) for k, w in enumerate(weights))
        picture = np.asarray(sum(parts), dtype=np.float32)
    return picture


def reencode(picture: UInt8Array, quality: int) -> UInt8Array:
    """Return a picture ``uint8 (H, W, 3)`` after one way through JPEG without chroma subsampling."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=quality, subsampling=0)
    return np.asarray(Image.open(file).convert("RGB"), dtype=np.uint8)
