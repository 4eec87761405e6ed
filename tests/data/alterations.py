"""Pictures for the tests of near copies: drawn cells, and the ways in which a copy of one may differ."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

from smearlab.data.cells import Cells

if TYPE_CHECKING:
    from smearlab.data.cells import IntArray, Pictures, UInt8Array

SIDE = 96


def stained_cells(count: int, seed: int = 0) -> UInt8Array:
    """Draw purple cells with grainy nuclei between red cells on cream: ``uint8 (count, 96, 96, 3)``."""
    rng = np.random.default_rng(seed)
    return np.stack([_stained_cell(rng) for _ in range(count)])


def _stained_cell(rng: np.random.Generator) -> UInt8Array:
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    picture = np.full((SIDE, SIDE, 3), (250.0, 228.0, 200.0))
    for _ in range(rng.integers(2, 6)):
        _paint(picture, _disc(rng, rows, columns, rng.uniform(0, SIDE, 2), (12, 17)), (205, 165, 160), rng)
    centre = rng.uniform(42, 54, 2)
    _paint(picture, _disc(rng, rows, columns, centre, (22, 30)), (196, 170, 210), rng)
    for _ in range(rng.integers(1, 4)):
        _paint(picture, _disc(rng, rows, columns, centre + rng.uniform(-9, 9, 2), (8, 14)), (95, 50, 140), rng)
    soft = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.8))
    return np.asarray(soft)


def _disc(
    rng: np.random.Generator, rows: np.ndarray, columns: np.ndarray, centre: np.ndarray, radii: tuple[int, int]
) -> np.ndarray:
    angle, (long, short) = rng.uniform(0, np.pi), rng.uniform(*radii, 2)
    down, across = rows - centre[0], columns - centre[1]
    along = down * np.cos(angle) + across * np.sin(angle)
    aside = across * np.cos(angle) - down * np.sin(angle)
    return np.asarray((along / long) ** 2 + (aside / short) ** 2 <= 1)


def _paint(picture: np.ndarray, where: np.ndarray, colour: tuple[int, int, int], rng: np.random.Generator) -> None:
    grain = np.kron(rng.normal(0, 18, (SIDE // 6, SIDE // 6)), np.ones((6, 6)))
    picture[where] = (np.asarray(colour) + grain[..., None])[where]


def as_cells(images: Pictures, labels: IntArray | None = None, class_names: tuple[str, ...] = ("a", "b")) -> Cells:
    """Wrap pictures as `Cells`."""
    count = len(images)
    labels = np.zeros(count, dtype=np.int64) if labels is None else labels
    return Cells(images, labels, np.array([f"{row}.png" for row in range(count)]), class_names, np.arange(count))


def jpeg(picture: UInt8Array, quality: int) -> UInt8Array:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def shift(picture: UInt8Array, down: int, right: int, mode: str = "edge") -> UInt8Array:
    height, width = picture.shape[:2]
    padded = np.pad(picture, ((8, 8), (8, 8), (0, 0)), mode=mode)  # type: ignore[call-overload]
    return np.asarray(padded[8 - down : 8 - down + height, 8 - right : 8 - right + width])


def brighten(picture: UInt8Array, factor: float) -> UInt8Array:
    return np.asarray(np.clip(picture * factor + 0.5, 0, 255), dtype=np.uint8)


def cut(picture: UInt8Array, share: float, top: float = 0.5, left: float = 0.5) -> UInt8Array:
    height, width = picture.shape[:2]
    side = round(height * share)
    row, column = int((height - side) * top), int((width - side) * left)
    part = Image.fromarray(picture[row : row + side, column : column + side])
    return np.asarray(part.resize((width, height), Image.Resampling.BICUBIC))


def rotate(picture: UInt8Array, degrees: float) -> UInt8Array:
    padded = np.pad(picture, ((16, 16), (16, 16), (0, 0)), mode="reflect")
    return np.asarray(Image.fromarray(padded).rotate(degrees, Image.Resampling.BICUBIC))[16:-16, 16:-16]


def resize(picture: UInt8Array, side: int) -> UInt8Array:
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC))


def _random_shift(picture: UInt8Array, rng: np.random.Generator, most: int, mode: str = "edge") -> UInt8Array:
    down, right = rng.integers(-most, most + 1, 2)
    return shift(picture, int(down), most if rng.random() < 0.5 else int(right), mode)


def _mirrored_mix(picture: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    part = cut(picture[:, ::-1], 0.9, rng.random(), rng.random())
    return jpeg(brighten(part, rng.uniform(0.85, 1.15)), 50)


def _turned_mix(picture: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    turned = np.rot90(picture, int(rng.integers(4)))
    return jpeg(brighten(_random_shift(turned, rng, 4), rng.uniform(0.85, 1.15)), 50)


ALTERATIONS: dict[str, Callable[[UInt8Array, np.random.Generator], UInt8Array]] = {
    "JPEG quality 30": lambda picture, _: jpeg(picture, 30),
    "JPEG quality 60": lambda picture, _: jpeg(picture, 60),
    "JPEG quality 95": lambda picture, _: jpeg(picture, 95),
    "shift up to 3 px": lambda picture, rng: _random_shift(picture, rng, 3),
    "shift up to 6 px": lambda picture, rng: _random_shift(picture, rng, 6),
    "shift up to 6 px, black border": lambda picture, rng: _random_shift(picture, rng, 6, "constant"),
    "15 % darker": lambda picture, _: brighten(picture, 0.85),
    "15 % lighter": lambda picture, _: brighten(picture, 1.15),
    "centre crop 90 %": lambda picture, _: cut(picture, 0.9),
    "random crop 90 %": lambda picture, rng: cut(picture, 0.9, rng.random(), rng.random()),
    "quarter turn": lambda picture, _: np.rot90(picture).copy(),
    "half turn": lambda picture, _: np.rot90(picture, 2).copy(),
    "mirror image": lambda picture, _: picture[:, ::-1].copy(),
    "transposed": lambda picture, _: picture.transpose(1, 0, 2).copy(),
    "resized to 48": lambda picture, _: resize(picture, 48),
    "resized to 28": lambda picture, _: resize(picture, 28),
    "resized to 160": lambda picture, _: resize(picture, 160),
    "turned by 5 degrees": lambda picture, rng: rotate(picture, float(rng.choice([-5, 5]))),
    "turned, shifted, brightness, JPEG 50": _turned_mix,
    "mirrored, cropped, brightness, JPEG 50": _mirrored_mix,
}
