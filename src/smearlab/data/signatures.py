"""Signatures of pictures: short vectors that turning, mirroring, shifting and re-encoding leave nearly alone.

The idea is that of ring projection and the Fourier-Mellin transform: sample the picture on rings round a point that
moves with the cell, and keep the strength of each angular harmonic. A turn only changes the harmonics' phase and a
mirror image only its sign, so the strengths stay; the phases are kept apart, because they give the turn back when two
pictures are compared. Needs NumPy and Pillow only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smearlab.data.cells import IntArray, Pictures, UInt8Array

Float32Array = NDArray[np.float32]
Complex64Array = NDArray[np.complex64]

SCALES = (1.0, 0.95, 0.9)
"""The zooms one picture of a pair is tried at: a crop to 90 % shows the cell 1.11 times as large."""
THUMBNAIL = 48
GRID = 32
RINGS = 10
ANGLES = 32
HARMONICS = 8
RADIUS = 12.0
_STRENGTHS = 7
_CHUNK = 256


@dataclass(frozen=True)
class Signatures:
    """What the search for near copies keeps of each picture.

    Attributes:
        thumbnails: ``uint8 (N, 48, 48)`` grey.
        centres: ``float32 (N, 2)`` row and column of the stain's centre, in thumbnail pixels.
        rings: ``complex64 (scales, N, rings, harmonics)`` normalised brightness on rings round the centre.
        vectors: ``float32 (scales, N, D)`` harmonic strengths of brightness and two colour differences.
        contrast: ``float32 (N,)`` standard deviation of the grey levels inside the rings.
    """

    thumbnails: UInt8Array
    centres: Float32Array
    rings: Complex64Array
    vectors: Float32Array
    contrast: Float32Array

    def take(self, which: IntArray) -> Signatures:
        """Return the signatures of some of the pictures."""
        return Signatures(
            self.thumbnails[which],
            self.centres[which],
            self.rings[:, which],
            self.vectors[:, which],
            self.contrast[which],
        )


def sign_pictures(images: Pictures, positions: IntArray, advance: Callable[[int], None]) -> Signatures:
    """Compute the signatures of the pictures ``uint8 (h, w, 3)`` at these positions, a chunk at a time.

    `advance` is told of the pictures that are done.
    """
    parts = []
    for grid, grey in _thumbnail_chunks(images, positions):
        parts.append(_sign_chunk(grid, grey))
        advance(len(grey))
    return Signatures(
        thumbnails=np.concatenate([part.thumbnails for part in parts]),
        centres=np.concatenate([part.centres for part in parts]),
        rings=np.concatenate([part.rings for part in parts], axis=1),
        vectors=np.concatenate([part.vectors for part in parts], axis=1),
        contrast=np.concatenate([part.contrast for part in parts]),
    )


def _thumbnail_chunks(images: Pictures, positions: IntArray) -> Iterator[tuple[Float32Array, UInt8Array]]:
    for start in range(0, len(positions), _CHUNK):
        chunk = positions[start : start + _CHUNK]
        colour = np.empty((len(chunk), GRID, GRID, 3), dtype=np.float32)
        grey = np.empty((len(chunk), THUMBNAIL, THUMBNAIL), dtype=np.uint8)
        for place, position in enumerate(chunk):
            picture = Image.fromarray(np.ascontiguousarray(images[int(position)]))
            colour[place] = np.asarray(_resize(picture, GRID))
            grey[place] = np.asarray(_resize(picture, THUMBNAIL).convert("L"))
        yield colour, grey


def _resize(picture: Image.Image, side: int) -> Image.Image:
    """Average to a smaller square; a picture that is smaller than that is interpolated, lest its pixels show."""
    method = Image.Resampling.BOX if min(picture.size) >= side else Image.Resampling.BICUBIC
    return picture.resize((side, side), method)


def _sign_chunk(colour: Float32Array, grey: UInt8Array) -> Signatures:
    centres = stain_centres(colour)
    green = colour[..., 1]
    channels = np.stack([green, colour[..., 0] - green, colour[..., 2] - green], axis=-1)
    rings, vectors, contrast = zip(*(_ring_harmonics(channels, centres, scale) for scale in SCALES), strict=True)
    return Signatures(
        thumbnails=grey,
        centres=((centres + 0.5) * (THUMBNAIL / GRID) - 0.5).astype(np.float32),
        rings=np.stack(rings),
        vectors=np.stack(vectors),
        contrast=contrast[0],
    )


def stain_centres(colour: Float32Array, width: float = 7.0, steps: int = 8) -> Float32Array:
    """Find a point that moves with the cell: mean shift from the picture's centre over the nuclear stain.

    Azure and eosin stains leave nuclei and granules purple: less green than either red or blue. The cream
    background, red cells and black borders are not, so a shifted or cut picture has its centre in the same place of
    the cell. Pictures without purple fall back on darkness.

    Args:
        colour: ``float32 (n, side, side, 3)`` on 0-255.
        width: standard deviation of the Gaussian window in pixels of the grid.
        steps: mean-shift steps.

    Returns:
        ``float32 (n, 2)`` row and column.
    """
    weight = _stain_weight(colour)
    side = colour.shape[1]
    axis = np.arange(side, dtype=np.float32)
    centres = np.full((len(colour), 2), (side - 1) / 2, dtype=np.float32)
    for _ in range(steps):
        down = np.exp(-((axis - centres[:, :1]) ** 2) / (2 * width**2))
        across = np.exp(-((axis - centres[:, 1:]) ** 2) / (2 * width**2))
        moments = weight @ np.stack([across, across * axis], axis=2)
        mass = (moments[..., 0] * down).sum(1)
        rows = (moments[..., 0] * down * axis).sum(1) / mass
        centres = np.stack([rows, (moments[..., 1] * down).sum(1) / mass], axis=1)
    return centres.astype(np.float32)


def _stain_weight(colour: Float32Array) -> Float32Array:
    green = colour[..., 1]
    purple = np.clip(np.minimum(colour[..., 0], colour[..., 2]) - green, 0, None)
    darkness = np.clip(np.median(green, axis=(1, 2), keepdims=True) - green, 0, None)
    unstained = 1 / (1 + purple.mean(axis=(1, 2), keepdims=True) ** 2)
    weight: Float32Array = (purple + unstained * darkness + 0.2).astype(np.float32)
    return weight


def _ring_harmonics(
    channels: Float32Array, centres: Float32Array, scale: float
) -> tuple[Complex64Array, Float32Array, Float32Array]:
    samples = _sample_rings(channels, centres, scale)
    area = (np.arange(RINGS) + 0.5).astype(np.float32)
    weights = (area / (area.sum() * ANGLES))[None, :, None, None]
    samples -= (samples * weights).sum(axis=(1, 2), keepdims=True)
    contrast = np.sqrt((samples[..., 0] ** 2 * weights[..., 0]).sum(axis=(1, 2)))
    samples /= contrast[:, None, None, None] + 2  # two grey levels, so that noise on a blank picture stays small
    spectrum = np.fft.rfft(samples, axis=2)[:, :, : HARMONICS + 1].astype(np.complex64)
    spectrum *= np.sqrt(weights / ANGLES)
    strengths = np.abs(spectrum[:, :, :_STRENGTHS])
    strengths[:, :, 0] = spectrum[:, :, 0].real
    strengths[:, :, 1:] *= np.float32(np.sqrt(2))
    return spectrum[..., 0], strengths.reshape(len(samples), -1), contrast


def _sample_rings(channels: Float32Array, centres: Float32Array, scale: float) -> Float32Array:
    radii = (np.arange(RINGS, dtype=np.float32) + 0.5) * np.float32(scale * RADIUS / RINGS)
    angles = np.arange(ANGLES, dtype=np.float32) * np.float32(2 * np.pi / ANGLES)
    rows = centres[:, :1, None] + radii[:, None] * np.sin(angles)
    columns = centres[:, 1:, None] + radii[:, None] * np.cos(angles)
    return sample_bilinear(channels, rows, columns)


def sample_bilinear(pictures: Float32Array, rows: Float32Array, columns: Float32Array) -> Float32Array:
    """Sample each picture at its own points; points outside take the nearest edge.

    Args:
        pictures: ``float32 (n, side, side, channels)`` or ``(n, side, side)``.
        rows: ``float32 (n, …)`` row coordinates, pixel centres at whole numbers.
        columns: ``float32 (n, …)`` column coordinates.

    Returns:
        ``float32 (n, …, channels)`` or ``(n, …)``.
    """
    count, side = pictures.shape[:2]
    flat = pictures.reshape(count * side * side, *pictures.shape[3:])
    limit = np.float32(side - 1.001)
    rows, columns = np.clip(rows, 0, limit), np.clip(columns, 0, limit)
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    down, right = rows - top, columns - left
    if pictures.ndim == 4:
        down, right = down[..., None], right[..., None]
    first = np.arange(count, dtype=np.int32).reshape(-1, *[1] * (rows.ndim - 1)) * (side * side)
    corner = first + top * side + left
    # All corners lie inside; clipping takes them in a tenth of the time that checking takes.
    one, two, three, four = (flat.take(corner + step, axis=0, mode="clip") for step in (0, 1, side, side + 1))
    upper, lower = one + right * (two - one), three + right * (four - three)
    values: Float32Array = upper + down * (lower - upper)
    return values
