"""Drawn scenes with the statistics of photographs: things hiding each other, textures, horizons, light and shade.

Things of all sizes that hide each other ("dead leaves", Lee, Mumford & Huang 2001) and noise with the spectrum of
nature (Field 1987) share with photographs what networks see first of all, and networks can learn to see from them
(Baradad et al. 2021).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from smearlab.audit.palette import WHITE, Colour, Rng, colour, ground, shape

Doubles = NDArray[np.float64]

SIDE = 144
"""Side of a scene in pixels, before it is made smaller."""


def leaves(rng: Rng) -> Image.Image:
    """Things of all sizes that hide each other, with texture, a light from one side and perhaps out of focus."""
    picture = Image.new("RGB", (SIDE, SIDE), ground(rng))
    pen = ImageDraw.Draw(picture)
    palette = [colour(rng) for _ in range(int(rng.integers(3, 12)))]
    least = rng.uniform(1.5, 7)
    for _ in range(int(rng.integers(50, 250))):
        size = min(least / (1 - rng.random()) ** 0.6, 90)
        tint = np.clip(np.array(palette[rng.integers(len(palette))]) + rng.normal(0, 15, 3), 0, 255)
        red, green, blue = tint.astype(int).tolist()
        shape(rng, pen, rng.uniform(0, SIDE, 2), size, (red, green, blue), None)
    pixels = np.asarray(picture, np.float64) + rng.uniform(0, 35) * _texture(rng)
    lit = pixels * (1 + rng.uniform(0, 0.6) * _slope(rng))[..., None]
    return _image(lit).filter(ImageFilter.GaussianBlur(rng.uniform(0, 3)))


def landscape(rng: Rng) -> Image.Image:
    """A sky above a horizon, a textured ground below, perhaps with things on it."""
    sky, soil = (np.array(colour(rng), np.float64) for _ in range(2))
    height = np.linspace(-0.5, 0.5, SIDE)[:, None, None]
    above = sky + height * rng.uniform(-80, 80) + natural_noise(rng, 1.7)[..., None] * rng.uniform(0, 25)
    below = soil + _texture(rng) * rng.uniform(5, 45)
    ridge = SIDE * rng.uniform(0.25, 0.8) + natural_noise(rng, 1.5)[0] * rng.uniform(1, 15)
    picture = _image(np.where((np.arange(SIDE)[:, None] > ridge)[..., None], below, above))
    pen = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(0, 6))):
        shape(rng, pen, rng.uniform(0, SIDE, 2), rng.uniform(4, 38), colour(rng), None)
    return picture


def clouds(rng: Rng) -> Image.Image:
    """Noise with the spectrum of nature, from fine as gravel to soft as clouds."""
    slope, common = rng.uniform(0.6, 2.0), rng.random()
    planes = [natural_noise(rng, slope) for _ in range(3)]
    mixed = np.stack([common * planes[0] + (1 - common) * plane for plane in planes], axis=-1)
    return _image(np.array(colour(rng)) + rng.uniform(20, 80) * mixed * rng.uniform(0.5, 1, 3))


def stripes(rng: Rng) -> Image.Image:
    """Gratings, chequers and waves round a point."""
    down, across = np.mgrid[:SIDE, :SIDE]
    turn, period, kind = rng.uniform(0, np.pi), rng.uniform(3, 60), rng.integers(4)
    along = (np.cos(turn) * across + np.sin(turn) * down) * 2 * np.pi / period
    aside = (np.cos(turn) * down - np.sin(turn) * across) * 2 * np.pi / period
    if kind == 3:
        y, x = rng.uniform(0, SIDE, 2)
        along = np.hypot(down - y, across - x) * 2 * np.pi / period
    wave = np.sin(along) * (np.sin(aside) if kind == 2 else 1)
    weight = ((wave if kind in (0, 3) else np.sign(wave))[..., None] + 1) / 2
    other = colour(rng) if rng.random() < 0.6 else WHITE
    return _image(weight * np.array(colour(rng)) + (1 - weight) * np.array(other))


def gradient(rng: Rng) -> Image.Image:
    """One colour that passes into another."""
    axis = np.linspace(-1, 1, SIDE)
    y, x = rng.uniform(-1, 1, 2)
    way = _slope(rng) if rng.random() < 0.6 else np.hypot(axis[:, None] - y, axis - x)
    weight = ((way - way.min()) / np.ptp(way))[..., None]
    return _image(weight * np.array(colour(rng)) + (1 - weight) * np.array(colour(rng)))


def globe(rng: Rng) -> Image.Image:
    """A ball, a fruit, a planet: a round thing with texture, lit from one side, on an even or a misty ground."""
    axis = np.arange(SIDE) - SIDE * rng.uniform(0.42, 0.58)
    radius = rng.uniform(18, 64)
    distance = np.hypot(axis[:, None], axis * rng.uniform(0.8, 1.2)) / radius
    bulge = np.sqrt(np.maximum(1 - distance**2, 0))
    lit = 0.35 + 0.65 * np.clip(bulge + rng.uniform(0, 0.8) * _slope(rng), 0, 1.3)
    skin = np.array(colour(rng)) + rng.uniform(0, 40) * _texture(rng)
    back = np.array(ground(rng)) + rng.choice([0.0, 12.0]) * _texture(rng)
    return _image(np.where((distance < 1)[..., None], skin * lit[..., None], back))


def shaded(rng: Rng, picture: Image.Image, back: Colour) -> Image.Image:
    """Shade what stands on a ground of one colour, as icons are: lighter above, with a gleam, or with a texture."""
    pixels = np.asarray(picture, np.float64)
    way = _slope(rng)
    light = way * rng.uniform(20, 90) + (rng.uniform(0, 25) * natural_noise(rng, 1.0) if rng.random() < 0.3 else 0)
    return _image(np.where((pixels == np.array(back)).all(2, keepdims=True), pixels, pixels + light[..., None]))


def natural_noise(rng: Rng, slope: float) -> Doubles:
    """Return noise whose amplitude falls with frequency to the power of `slope`: mean 0, deviation 1."""
    frequencies, half = _frequencies()
    spectrum = (rng.normal(size=half) + 1j * rng.normal(size=half)) / frequencies**slope
    noise: Doubles = np.fft.irfft2(spectrum, s=(SIDE, SIDE))
    noise -= noise.mean()
    noise /= noise.std()
    return noise


@lru_cache(maxsize=1)
def _frequencies() -> tuple[Doubles, tuple[int, int]]:
    size: Doubles = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE))
    size[0, 0] = 1
    return size, (size.shape[0], size.shape[1])


def _texture(rng: Rng) -> Doubles:
    """Return grey texture, perhaps tinged: ``float64 (side, side, 3)``."""
    grey = natural_noise(rng, rng.uniform(0.5, 1.5))
    return np.asarray(grey[..., None] * rng.uniform(0.6, 1.2, 3))


def _slope(rng: Rng) -> Doubles:
    """Return a plane through 0 that rises in some direction to about 1."""
    axis, turn = np.linspace(-1, 1, SIDE), rng.uniform(0, 2 * np.pi)
    return np.asarray(np.cos(turn) * axis + np.sin(turn) * axis[:, None])


def _image(pixels: Doubles) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
