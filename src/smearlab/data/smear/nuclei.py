"""The shapes of nuclei: round, kidney, folded, lobed, banded."""

from __future__ import annotations

import numpy as np

from smearlab.data.smear.canvas import Field
from smearlab.data.smear.shapes import Point, blob, chain, cut, join, warped, wobble


def round_nucleus(
    rng: np.random.Generator, centre: Point, radius: float, uneven: float = 0.02, stretch: float = 1.1
) -> Field:
    """Return a round to oval nucleus; ``uneven`` weighs the dents in its outline."""
    outline = wobble(rng, [uneven, uneven, uneven / 2, uneven / 2])
    return blob(warped(rng, 12 * uneven, 9), centre, radius, outline, stretch, rng.uniform(0, np.pi))


def indented_nucleus(rng: np.random.Generator, centre: Point, radius: float, depth: float, turn: float) -> Field:
    """Return an oval nucleus with a dent on the side that ``turn`` (radians) points to.

    Args:
        rng: the source of all randomness.
        centre: its middle.
        radius: mean radius, pixels.
        depth: how far the dent reaches in, as a share of the radius: .3 a shallow dent, .9 a deep kidney.
        turn: direction of the dent.
    """
    xy = warped(rng, 0.9, 11)
    body = blob(
        xy, centre, radius * (1 + 0.12 * depth), wobble(rng, [0.03, 0.03, 0.02]), 1.12 + 0.25 * depth, turn + np.pi / 2
    )
    size = radius * rng.uniform(0.3, 0.55)
    away = radius * (1.02 - depth) + size
    side = rng.uniform(-0.25, 0.25)
    start = (centre[0] + away * np.cos(turn + side), centre[1] + away * np.sin(turn + side))
    end = (centre[0] + 2.4 * radius * np.cos(turn), centre[1] + 2.4 * radius * np.sin(turn))
    return cut(body, chain(xy, [start, end], [size, size * 2.2]), 3.0)


def folded_nucleus(rng: np.random.Generator, centre: Point, radius: float) -> Field:
    """Return a large nucleus of two to four broad folds, as monocytes have."""
    xy = warped(rng, 1.2, 9)
    folds = int(rng.integers(2, 5))
    turn = rng.uniform(0, 2 * np.pi)
    shape = np.full(xy[0].shape, -1e3, dtype=np.float32)
    for fold in range(folds):
        angle = turn + 2 * np.pi * fold / folds + rng.normal(0, 0.25)
        away = radius * rng.uniform(0.42, 0.6)
        place = (centre[0] + away * np.cos(angle), centre[1] + away * np.sin(angle))
        lobe = blob(xy, place, radius * rng.uniform(0.58, 0.74), wobble(rng, [0.06, 0.04]), 1.15, rng.uniform(0, np.pi))
        shape = join(shape, lobe, 3.0)
    return shape


def backbone(rng: np.random.Generator, length: float, bend: float, steps: int = 25) -> np.ndarray:
    """Return ``steps`` points along a curve through the middle of a cell: an arc, a horseshoe or an S.

    Args:
        rng: the source of all randomness.
        length: its length, pixels.
        bend: how far it turns from end to end, radians.
        steps: number of points.

    Returns:
        ``float64 (steps, 2)``, centred on its own middle.
    """
    along = np.linspace(-1, 1, steps)
    curvature = np.full(steps, bend) if rng.random() < 0.75 else bend * 1.2 * np.sign(along + rng.uniform(-0.3, 0.3))
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(curvature) / steps
    points = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1), 0) * length / steps
    return np.asarray(points - (points.max(0) + points.min(0)) / 2)


def _kept_within(line: np.ndarray, room: float) -> np.ndarray:
    """Push the points of a line that lie too far from the picture's middle back inside, softly."""
    away = np.hypot(line[:, 0], line[:, 1])[:, None] + 1e-6
    return np.asarray(line / away * room * np.tanh((away / room) ** 3) ** (1 / 3))


def lobed_nucleus(
    rng: np.random.Generator,
    centre: Point,
    room: float,
    lobes: int,
    area: float,
    bend: float,
    gap: float,
    thread: float,
) -> Field:
    """Return a segmented nucleus: lobes on a bent line, joined by filaments.

    Args:
        rng: the source of all randomness.
        centre: middle of the nucleus.
        room: radius of the circle around the picture's middle that holds the nucleus, pixels.
        lobes: number of lobes.
        area: area of all lobes together, square pixels.
        bend: how far the line through the lobes turns, radians.
        gap: distance between neighbouring lobes' middles, in mean lobe diameters.
        thread: radius of the filaments, pixels.
    """
    xy = warped(rng, 0.9, 8)
    shares = rng.dirichlet(np.full(lobes, 14.0))
    radii = np.sqrt(area * shares / np.pi)
    line = backbone(rng, 2 * gap * float(radii.mean()) * max(lobes - 1, 1), bend) + np.array(centre)
    line = _kept_within(line, room - float(radii.mean()))
    stops = np.linspace(0, len(line) - 1, lobes).round().astype(int)
    shape = chain(xy, [(float(px), float(py)) for px, py in line[::2]], [thread] * len(line[::2]))
    for stop, radius in zip(stops, radii, strict=True):
        ahead = line[min(stop + 1, len(line) - 1)] - line[max(stop - 1, 0)]
        turn = float(np.arctan2(ahead[1], ahead[0])) + rng.normal(0, 0.5)
        place = (float(line[stop][0]), float(line[stop][1]))
        lobe = blob(xy, place, float(radius), wobble(rng, [0.06, 0.05, 0.03]), rng.uniform(1.0, 1.35), turn)
        shape = join(shape, lobe, 1.4)
    return shape


def band_nucleus(rng: np.random.Generator, centre: Point, room: float, area: float, bend: float) -> Field:
    """Return an unsegmented band: a bent sausage of uneven width with rounded ends."""
    width = rng.uniform(6.0, 8.0)
    length = max(area / (2 * width) - width * np.pi / 2, 12.0)
    line = _kept_within(backbone(rng, length, bend, 17) + np.array(centre), room - width)
    along = np.linspace(0, 1, 17)
    waist = (
        1 + 0.13 * np.cos(2 * np.pi * (along * rng.uniform(1, 2.2) + rng.random())) + 0.1 * np.cos(2 * np.pi * along)
    )
    return chain(warped(rng, 1.0, 8), [(float(px), float(py)) for px, py in line], list(width * waist))
