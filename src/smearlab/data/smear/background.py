"""What lies around the cell: red cells, platelets, specks of stain."""

from __future__ import annotations

import numpy as np

from smearlab.data.smear.canvas import SIDE, SIZE, SUPERSAMPLING, Field, absorbance, grid, lay
from smearlab.data.smear.mononuclear import platelet_at
from smearlab.data.smear.shapes import Point, blob, rim, soft, wobble
from smearlab.data.smear.slide import Slide
from smearlab.data.smear.textures import smooth_noise

_REACH = 62.0
"""Red cells are put down to this far from the middle, so that the picture's border cuts some."""


def draw_background(rng: np.random.Generator, slide: Slide, keep_out: float) -> Field:
    """Return the absorbance ``float32 (SIDE, SIDE, 3)`` of a smear; a cell of radius ``keep_out`` pixels has room."""
    surface = np.zeros((SIDE, SIDE, 3), dtype=np.float32)
    density = np.zeros((SIDE, SIDE), dtype=np.float32)
    places = _scatter(rng, slide, keep_out)
    for place, radius in places:
        # Where two red cells overlap the upper one flattens the lower, so thickness adds up only in part.
        window = _window(place, 1.6 * radius)
        disc = _red_cell(rng, window, place, radius, slide.pallor)
        density[window] = np.maximum(density[window], disc) + 0.22 * np.minimum(density[window], disc)
    density *= 1 + 0.03 * smooth_noise(rng, 5)
    colour = absorbance(*(np.array([208, 171, 167]) + rng.normal(0, 2.5, 3)))
    surface += density[..., None] * colour
    surface += (0.006 * np.abs(smooth_noise(rng, 20)))[..., None] * colour
    _debris(rng, surface, keep_out)
    return surface


def _scatter(rng: np.random.Generator, slide: Slide, keep_out: float) -> list[tuple[Point, float]]:
    """Choose places for red cells: clear of the middle, overlapping one another a little now and then."""
    wanted = int(rng.integers(4, 8) + 9 * slide.crowding)
    placed: list[tuple[Point, float]] = []
    for _ in range(120):
        x, y = rng.uniform(-_REACH, _REACH, 2)
        radius = float(rng.normal(17, 1.5))
        near = float(rng.uniform(0.72, 1.05))
        clear = all(np.hypot(x - px, y - py) > near * (radius + r) for (px, py), r in placed)
        if clear and np.hypot(x, y) > keep_out + 0.85 * radius:
            placed.append(((float(x), float(y)), radius))
        if len(placed) == wanted:
            break
    return placed


def _window(place: Point, reach: float) -> tuple[slice, slice]:
    """Return the rows and columns within ``reach`` pixels of a place."""
    low = [max(int((p - reach + SIZE / 2) * SUPERSAMPLING), 0) for p in place]
    high = [max(int((p + reach + SIZE / 2) * SUPERSAMPLING), 0) for p in place]
    return slice(low[1], high[1]), slice(low[0], high[0])


def _red_cell(
    rng: np.random.Generator, window: tuple[slice, slice], place: Point, radius: float, pallor: float
) -> Field:
    """Return the thickness of a biconcave disc: a thick ring around a thin, slightly off-centre middle."""
    stretch, turn = 1 + abs(rng.normal(0, 0.14)), rng.uniform(0, np.pi)
    x, y = grid()
    disc = blob((x[window], y[window]), place, radius, wobble(rng, [0.02, 0.025, 0.015, 0.01]), stretch, turn)
    depth = float(np.clip(pallor + rng.normal(0, 0.2), 0.05, 0.95))
    outward = np.clip(1 - disc / np.float32(radius), 0, 1)
    hollow = np.clip((np.float32(rng.uniform(0.5, 0.72)) - outward) / np.float32(rng.uniform(0.25, 0.5)), 0, 1)
    thickness = 1 - np.float32(depth) * hollow * hollow * (3 - 2 * hollow)
    return np.asarray(soft(disc, 1.6) * (1.05 * thickness + 0.12 * rim(disc, 1.4, 1.5)), dtype=np.float32)


def _debris(rng: np.random.Generator, surface: Field, keep_out: float) -> None:
    """Put down an occasional small platelet and specks of stain."""
    if rng.random() < 0.22:
        angle, away = rng.uniform(0, 2 * np.pi), keep_out + rng.uniform(5, 18)
        small = platelet_at(rng, (float(away * np.cos(angle)), float(away * np.sin(angle))), rng.uniform(3.0, 6.5))
        lay(surface, small.cover, small.surface)
    for _ in range(int(rng.poisson(0.4))):
        x, y = rng.uniform(-47, 47, 2)
        speck = blob(grid(), (float(x), float(y)), rng.uniform(0.4, 0.9))
        lay(surface, 0.6 * soft(speck, 1.0), absorbance(110, 60, 130))
