"""Verification of candidate pairs: lay one picture over the other and correlate what they show.

The phases of the ring harmonics give the turn and whether one picture is a mirror image (as in Fourier-Mellin
registration, Reddy & Chatterji 1996). A few steps of inverse-compositional alignment (Baker & Matthews 2004) then
refine shift, turn and zoom, and the normalised correlation of the two pictures' texture inside a disc is the score.
Texture, because the outlines of two cells of one type may agree by chance; their chromatin does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smearlab.data.neighbours import Candidates
from smearlab.data.signatures import SCALES, THUMBNAIL, Complex64Array, Float32Array, Signatures, sample_bilinear

if TYPE_CHECKING:
    from smearlab.data.cells import BoolArray, IntArray

_TURNS = 64
_CHUNK = 1024
_REACH = 19.0  # thumbnail pixels from the centre to the disc's edge
_STEPS = 4
_FAINT = 2.0  # grey levels: texture weaker than this is rounding and noise
_BLANK = 0.1  # the same, once contrast is equalised
_BLURRED = (0.08, 0.12)  # sharpness; 1 % of real cells stored at 28 px lie below the higher one
_DOUBT = 0.055  # of 600 cells blurred by 6 px, 205 pairs would look like copies without it, and none does with it
_LEAST_WEIGHT = 1e-8
_MOST_DIFFERENT = 0.2
"""Mean squared difference of two aligned pictures, each of variance 1, above which their texture is not looked at.

Copies differ by at most 0.1 (1,803 altered in 27 ways); half of the candidates that are none differ by more than 0.2.
"""


@dataclass(frozen=True)
class Turns:
    """How the second picture of each pair must be turned to lie on the first.

    Attributes:
        score: ``float32 (P,)`` correlation of the rings in the best position, at most 1.
        angle: ``float32 (P,)`` radians.
        mirrored: ``bool (P,)`` whether the second picture is a mirror image.
    """

    score: Float32Array
    angle: Float32Array
    mirrored: BoolArray

    def take(self, which: slice | IntArray | BoolArray) -> Turns:
        """Return the turns of some of the pairs."""
        return Turns(self.score[which], self.angle[which], self.mirrored[which])


def turn_pairs(signatures: Signatures, pairs: Candidates) -> Turns:
    """Correlate the rings of each pair over all turns and both mirror images."""
    starts = range(0, len(pairs.first), _CHUNK)
    parts = [_turn_chunk(signatures, pairs.take(slice(start, start + _CHUNK))) for start in starts]
    if not parts:
        empty = np.zeros(0, dtype=np.float32)
        return Turns(empty, empty, np.zeros(0, dtype=np.bool_))
    score, angle, mirrored = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Turns(score, angle, mirrored)


def _turn_chunk(signatures: Signatures, pairs: Candidates) -> tuple[Float32Array, Float32Array, BoolArray]:
    first = signatures.rings[0, pairs.first]
    second = signatures.rings[pairs.zoom, pairs.second]
    direct = (first * second.conj()).sum(1)
    mirror = (first * second).sum(1)
    curves = np.fft.irfft(np.stack([direct, mirror], axis=1), n=_TURNS, axis=2).reshape(len(first), -1)
    best = curves.argmax(1)
    peak = curves[np.arange(len(first)), best] * _TURNS
    score = peak / (np.sqrt(_energy(first) * _energy(second)) + 1e-6)
    angle = best % _TURNS * (2 * np.pi / _TURNS)
    return score.astype(np.float32), angle.astype(np.float32), best >= _TURNS


def _energy(rings: Complex64Array) -> Float32Array:
    strength = np.abs(rings) ** 2
    total: Float32Array = strength[..., 0].sum(1) + 2 * strength[..., 1:].sum((1, 2))
    return total


class _Points(NamedTuple):
    """Offsets from the centre of a disc, ``float32 (K,)`` each, in thumbnail pixels."""

    rows: Float32Array
    columns: Float32Array


class _Pose(NamedTuple):
    """An affine map of each pair, from offsets in the first picture to points of the second."""

    matrix: Float32Array  # (n, 2, 2), acting on (row, column)
    origin: Float32Array  # (n, 2)

    def take(self, which: IntArray) -> _Pose:
        return _Pose(self.matrix[which], self.origin[which])


@cache
def _disc(spacing: float) -> _Points:
    axis = np.arange(-_REACH, _REACH + 0.01, spacing, dtype=np.float32)
    rows, columns = (grid.ravel() for grid in np.meshgrid(axis, axis, indexing="ij"))
    inside = rows**2 + columns**2 <= _REACH**2
    return _Points(rows[inside], columns[inside])


@cache
def _blur(width: float) -> Float32Array:
    """Return the matrix that blurs one axis of a thumbnail with a Gaussian of this width."""
    axis = np.arange(THUMBNAIL)
    kernel = np.exp(-((axis[:, None] - axis) ** 2) / (2 * width**2))
    kernel[kernel < _LEAST_WEIGHT] = 0  # numbers too small for float32's full precision take many times as long
    matrix: Float32Array = (kernel / kernel.sum(1, keepdims=True)).astype(np.float32)
    return matrix


def align_pairs(signatures: Signatures, pairs: Candidates, turns: Turns) -> Float32Array:
    """Refine each pair's position and correlate the texture: ``float32 (P,)`` on -1 to 1.

    The score is 0 where the pictures differ so much at low resolution that their texture need not be compared.
    """
    parts = []
    for start in range(0, len(pairs.first), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        parts.append(_align_chunk(signatures, pairs.take(chunk), turns.take(chunk)))
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)


def _align_chunk(signatures: Signatures, pairs: Candidates, turns: Turns) -> Float32Array:
    first = signatures.thumbnails[pairs.first].astype(np.float32)
    second = signatures.thumbnails[pairs.second].astype(np.float32)
    centres = signatures.centres[pairs.first]
    pose, difference = _refine(first, second, centres, _starting_pose(signatures, pairs, turns))
    close = np.flatnonzero(difference <= _MOST_DIFFERENT)
    scores = np.zeros(len(first), dtype=np.float32)
    first, second = first[close], second[close]
    fine, other = _fine_structure(first), _fine_structure(second)
    correlation = _correlate(_texture(fine), _texture(other), centres[close], pose.take(close))
    scores[close] = correlation - _doubt(np.minimum(_sharpness(first, fine), _sharpness(second, other)))
    return scores


def _starting_pose(signatures: Signatures, pairs: Candidates, turns: Turns) -> _Pose:
    zoom = np.asarray(SCALES, dtype=np.float32)[pairs.zoom]
    cosine, sine = np.cos(turns.angle) * zoom, np.sin(turns.angle) * zoom
    sign = np.where(turns.mirrored, np.float32(-1), np.float32(1))
    matrix = np.stack([np.stack([sign * cosine, -sign * sine], 1), np.stack([sine, cosine], 1)], 1)
    return _Pose(matrix, signatures.centres[pairs.second])


def _look(pictures: Float32Array, pose: _Pose, points: _Points) -> tuple[Float32Array, BoolArray]:
    """Sample each picture at its pose; also say which points lie inside the picture."""
    matrix, origin = pose.matrix[..., None], pose.origin[..., None]
    rows = matrix[:, 0, 0] * points.rows + matrix[:, 0, 1] * points.columns + origin[:, 0]
    columns = matrix[:, 1, 0] * points.rows + matrix[:, 1, 1] * points.columns + origin[:, 1]
    edge = pictures.shape[1] - 1
    inside = (rows >= 0) & (rows <= edge) & (columns >= 0) & (columns <= edge)
    return sample_bilinear(pictures, rows, columns), inside


def _upright(centres: Float32Array) -> _Pose:
    return _Pose(np.broadcast_to(np.eye(2, dtype=np.float32), (len(centres), 2, 2)), centres)


def _standardise(values: Float32Array) -> Float32Array:
    centred = values - values.mean(-1, keepdims=True)
    standard: Float32Array = centred / (centred.std(-1, keepdims=True) + np.float32(0.5))
    return standard


def _refine(
    first: Float32Array, second: Float32Array, centres: Float32Array, pose: _Pose
) -> tuple[_Pose, Float32Array]:
    """Move each pose to where the second picture agrees best with the first (shift, zoom and turn).

    Returns:
        The better of the pose given and the pose found, and the mean squared difference ``float32 (n,)`` there.
    """
    points = _disc(2.0)
    template, seen = _look(first, _upright(centres), points)
    steepest = _steepest_descent(first, centres, points)
    template = _standardise(template)
    curvature = steepest @ steepest.transpose(0, 2, 1)
    curvature += np.eye(4) * (1e-3 * np.trace(curvature, axis1=1, axis2=2) / 4 + 1e-3)[:, None, None]
    limit = np.array([2, 2, 0.1, 0.2])
    start, (error, initial) = pose, _disagreement(template, seen, second, pose, points)
    for _ in range(_STEPS):
        step = np.linalg.solve(curvature, (steepest @ error[..., None]).astype(np.float64))[..., 0]
        pose = _compose(pose, np.clip(step, -limit, limit).astype(np.float32))
        error, final = _disagreement(template, seen, second, pose, points)
    stay = initial < final
    matrix = np.where(stay[:, None, None], start.matrix, pose.matrix)
    return _Pose(matrix, np.where(stay[:, None], start.origin, pose.origin)), np.minimum(initial, final)


def _disagreement(
    template: Float32Array, seen: BoolArray, second: Float32Array, pose: _Pose, points: _Points
) -> tuple[Float32Array, Float32Array]:
    """Return the error at each point ``(n, K)``, and its mean square ``(n,)`` where both pictures have points."""
    warped, inside = _look(second, pose, points)
    both = inside & seen
    error = (_standardise(warped) - template) * both
    return error, (error**2).sum(1) / np.maximum(both.sum(1), 1)


def _steepest_descent(first: Float32Array, centres: Float32Array, points: _Points) -> Float32Array:
    """Return how the template changes with row shift, column shift, zoom and turn: ``(n, 4, K)``."""
    pose = _upright(centres)
    template, _ = _look(first, pose, points)
    down, right = (
        _look(first, pose, _Points(points.rows + row, points.columns + column))[0]
        - _look(first, pose, _Points(points.rows - row, points.columns - column))[0]
        for row, column in ((1, 0), (0, 1))
    )
    zoom = down * points.rows + right * points.columns
    turn = down * points.columns - right * points.rows
    spread = template.std(-1, keepdims=True)[:, None] + np.float32(0.5)
    change = np.stack([down, right, zoom, turn], axis=1) / (2 * spread)
    centred: Float32Array = change - change.mean(-1, keepdims=True)
    return centred


def _compose(pose: _Pose, step: Float32Array) -> _Pose:
    """Undo a small warp of the template before the pose, as the inverse-compositional method does."""
    small = np.empty_like(pose.matrix)
    small[:, 0, 0] = small[:, 1, 1] = 1 + step[:, 2]
    small[:, 0, 1], small[:, 1, 0] = step[:, 3], -step[:, 3]
    matrix = (pose.matrix @ np.linalg.inv(small)).astype(np.float32)
    return _Pose(matrix, pose.origin - (matrix @ step[:, :2, None])[..., 0])


def _texture(fine: Float32Array) -> Float32Array:
    """Take the fine structure at equal contrast everywhere.

    Without the equal contrast the outline of a dark round nucleus would drown what differs round it.
    """
    contrast = np.sqrt(_blurred(fine**2, 4.0) + np.float32(_FAINT**2))
    return np.asarray(fine / contrast, dtype=np.float32)


def _fine_structure(thumbnails: Float32Array) -> Float32Array:
    """Keep structure of two to six thumbnail pixels."""
    return _blurred(thumbnails, 0.7) - _blurred(thumbnails, 1.8)


def _blurred(thumbnails: Float32Array, width: float) -> Float32Array:
    matrix = _blur(width)
    return np.asarray(matrix @ thumbnails @ matrix.T, dtype=np.float32)


def _sharpness(thumbnails: Float32Array, fine: Float32Array) -> Float32Array:
    """Return the share ``float32 (n,)`` of each picture's contrast that is in its fine structure."""
    share: Float32Array = fine.std((1, 2)) / (thumbnails.std((1, 2)) + np.float32(0.5))
    return share


def _doubt(sharpness: Float32Array) -> Float32Array:
    """Return what is taken from the score: blurred pictures are all alike, so less differs where cells differ."""
    low, high = _BLURRED
    return np.asarray(np.clip((high - sharpness) / (high - low), 0, 1) * _DOUBT, dtype=np.float32)


def _correlate(first: Float32Array, second: Float32Array, centres: Float32Array, pose: _Pose) -> Float32Array:
    points = _disc(1.2)
    one, seen = _look(first, _upright(centres), points)
    two, inside = _look(second, pose, points)
    both = (seen & inside).astype(np.float32)
    count = both.sum(1, keepdims=True) + 1
    one, two = ((part - (part * both).sum(1, keepdims=True) / count) * both for part in (one, two))
    strength = ((one**2).sum(1) + _BLANK**2 * count[:, 0]) * ((two**2).sum(1) + _BLANK**2 * count[:, 0])
    score: Float32Array = (one * two).sum(1) / np.sqrt(strength)
    return score
