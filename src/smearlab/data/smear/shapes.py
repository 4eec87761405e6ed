"""Outlines as signed distances: positive inside, zero on the outline, in pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smearlab.data.smear.canvas import Field, grid
from smearlab.data.smear.textures import smooth_noise

Point = tuple[float, float]


def soft(distance: Field, width: float = 1.0) -> Field:
    """Turn a signed distance into a cover 0..1 whose edge is ``width`` pixels wide."""
    return np.asarray(np.clip(distance / np.float32(width) + np.float32(0.5), 0, 1))


def rim(distance: Field, depth: float, width: float) -> Field:
    """Return a band (0..1) that follows the outline ``depth`` pixels inside it."""
    return np.asarray(np.exp(-(((distance - np.float32(depth)) / np.float32(width)) ** 2)))


def warped(rng: np.random.Generator, amount: float, scale: float) -> tuple[Field, Field]:
    """Return the grid bent by smooth noise, so that shapes drawn on it look grown instead of constructed."""
    x, y = grid()
    return x + np.float32(amount) * smooth_noise(rng, scale), y + np.float32(amount) * smooth_noise(rng, scale)


def wobble(rng: np.random.Generator, amounts: Sequence[float]) -> Field:
    """Return a closed outline's relative radius at 720 angles; ``amounts`` weigh the harmonics from 2 upwards."""
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    radius = np.ones(720)
    for order, amount in enumerate(amounts, start=2):
        radius += amount * rng.normal(0, 0.7) * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
    return radius.astype(np.float32)


def blob(
    xy: tuple[Field, Field],
    centre: Point,
    radius: float,
    outline: Field | None = None,
    stretch: float = 1.0,
    turn: float = 0.0,
) -> Field:
    """Return the signed distance of a round shape.

    Args:
        xy: the grid, perhaps bent.
        centre: its middle.
        radius: mean radius, pixels.
        outline: relative radius at 720 angles from `wobble`.
        stretch: long over short axis; the area stays.
        turn: angle of the long axis, radians.
    """
    dx, dy = xy[0] - np.float32(centre[0]), xy[1] - np.float32(centre[1])
    cos, sin, grow = np.float32(np.cos(turn)), np.float32(np.sin(turn)), np.float32(np.sqrt(stretch))
    u, v = (dx * cos + dy * sin) / grow, (dy * cos - dx * sin) * grow
    reach = np.sqrt(u * u + v * v)
    if outline is None:
        return np.float32(radius) - reach
    step = (np.arctan2(v, u) * np.float32(360 / np.pi)).astype(np.intp) % 720
    return np.float32(radius) * outline[step] - reach


def chain(xy: tuple[Field, Field], points: Sequence[Point], radii: Sequence[float]) -> Field:
    """Return the signed distance of a tube through points whose radius changes along the way."""
    x, y = xy
    result = np.full(x.shape, -1e3, dtype=np.float32)
    for (x0, y0), (x1, y1), r0, r1 in zip(points, points[1:], radii, radii[1:], strict=False):
        dx, dy = np.float32(x1 - x0), np.float32(y1 - y0)
        u, v = x - np.float32(x0), y - np.float32(y0)
        along = np.clip((u * dx + v * dy) / max(dx * dx + dy * dy, np.float32(1e-6)), 0, 1)
        u, v = u - along * dx, v - along * dy
        np.maximum(result, np.float32(r0) + along * np.float32(r1 - r0) - np.sqrt(u * u + v * v), out=result)
    return result


def join(first: Field, second: Field, blend: float) -> Field:
    """Return the union of two shapes, melted together over about ``blend`` pixels."""
    gap = np.maximum(np.float32(blend) - np.abs(first - second), 0)
    return np.asarray(np.maximum(first, second) + gap * gap * np.float32(0.25 / blend))


def cut(shape: Field, bite: Field, blend: float = 2.0) -> Field:
    """Return a shape without another, the new edges rounded."""
    return -join(-shape, bite, blend)


def clip_to(shape: Field, frame: Field, margin: float) -> Field:
    """Return the part of a shape that keeps ``margin`` pixels inside another."""
    return -join(-shape, -(frame - np.float32(margin)), 2.0)
