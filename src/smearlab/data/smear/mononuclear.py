"""Lymphocytes, monocytes, erythroblasts, and platelets, which have no nucleus at all."""

from __future__ import annotations

import numpy as np

from smearlab.data.smear.canvas import Field, absorbance, lay
from smearlab.data.smear.nuclei import folded_nucleus, indented_nucleus, round_nucleus
from smearlab.data.smear.shapes import Point, blob, chain, clip_to, join, rim, soft, warped, wobble
from smearlab.data.smear.stains import (
    Chromatin,
    DrawnCell,
    paint_cytoplasm,
    paint_granules,
    paint_nucleus,
    paint_vacuoles,
)
from smearlab.data.smear.textures import grains, smooth_noise


def _towards(angle: float, distance: float) -> Point:
    return distance * float(np.cos(angle)), distance * float(np.sin(angle))


def _blebs(rng: np.random.Generator, cell: Field, radius: float, count: int) -> Field:
    """Add small knobs to a cell's edge."""
    for _ in range(count):
        angle = rng.uniform(0, 2 * np.pi)
        knob = blob(warped(rng, 0.4, 4), _towards(angle, radius * rng.uniform(0.98, 1.08)), rng.uniform(1.5, 3.2))
        cell = join(cell, knob, 2.0)
    return cell


def lymphocyte(rng: np.random.Generator) -> DrawnCell:
    """Draw a lymphocyte: a round, dense nucleus that nearly fills the cell, with a thin sky-blue rim."""
    size = rng.normal(21.5, 1.3)
    large = rng.random() < 0.2
    width = rng.uniform(3.5, 6.5) if large else rng.uniform(1.2, 3.2)
    xy = warped(rng, 0.7, 5)
    shift = _towards(rng.uniform(0, 2 * np.pi), width * rng.uniform(0.3, 0.9))
    nucleus = round_nucleus(rng, (0, 0), size, rng.uniform(0.015, 0.05), 1 + abs(rng.normal(0, 0.1)))
    cell = blob(xy, shift, size + width, wobble(rng, [0.03, 0.03, 0.02, 0.02]), 1 + abs(rng.normal(0, 0.05)))
    cell = join(cell, nucleus + 0.8, 1.5)
    if not large:
        cell = _blebs(rng, cell, size + width, int(rng.integers(0, 5)))
    cell = cell + 0.4 * smooth_noise(rng, 2.2)
    light = rng.uniform(0, 1) if large else rng.uniform(0, 0.4)
    surface = paint_cytoplasm(rng, cell, (122 + 62 * light, 112 + 42 * light, 172 + 12 * light), 0.22, 0.3)
    lay(surface, 0.6 * rim(nucleus, -1.2, 0.9) * soft(smooth_noise(rng, 9), 1), absorbance(190, 180, 205))
    red = float(np.clip(rng.normal(0.35, 0.35), 0, 1))
    chromatin = Chromatin(
        (62 + 28 * red, 26 + 12 * red, 120 + 14 * red), (116 + 30 * red, 62 + 26 * red, 142), 1.6, 0.34, 0.12
    )
    paint_nucleus(rng, surface, nucleus, chromatin)
    return DrawnCell.of(surface, cell, nucleus)


def monocyte(rng: np.random.Generator) -> DrawnCell:
    """Draw a large monocyte: a kidney-shaped or folded, lacy nucleus in grey-blue, vacuolated cytoplasm."""
    radius = rng.normal(34.5, 3.0)
    xy = warped(rng, 1.6, 12)
    centre = _towards(rng.uniform(0, 2 * np.pi), rng.uniform(0, 2))
    cell = blob(
        xy, centre, radius, wobble(rng, [0.05, 0.06, 0.04, 0.02]), 1 + abs(rng.normal(0, 0.16)), rng.uniform(0, np.pi)
    )
    cell = cell + 0.5 * smooth_noise(rng, 3.0)
    size = radius * rng.uniform(0.69, 0.82)
    angle = rng.uniform(0, 2 * np.pi)
    if rng.random() < 0.3:
        foot = _towards(angle + np.pi + rng.normal(0, 0.6), radius * rng.uniform(0.75, 1.0))
        cell = join(cell, blob(xy, foot, radius * rng.uniform(0.3, 0.5), None, 1.4, rng.uniform(0, np.pi)), 8.0)
    middle = _towards(angle, rng.uniform(1, 6))
    if rng.random() < 0.45:
        nucleus = indented_nucleus(rng, middle, size, rng.uniform(0.4, 0.95), angle + np.pi + rng.normal(0, 0.5))
    else:
        nucleus = folded_nucleus(rng, middle, size)
    nucleus = clip_to(nucleus, cell, 1.0)
    pale = rng.uniform(-1, 1)
    surface = paint_cytoplasm(rng, cell, (164 + 16 * pale, 144 + 14 * pale, 184 + 2 * pale), 0.22, 0.25)
    paint_granules(rng, surface, (138, 96, 164), 2.0, 0.5, 0.7, rng.uniform(0.3, 0.7))
    red = rng.uniform(0, 1)
    chromatin = Chromatin((80 + 24 * red, 34 + 10 * red, 134 + 8 * red), (150 + 16 * red, 104, 174), 1.6, 0.48, 0.3)
    paint_nucleus(rng, surface, nucleus, chromatin)
    if rng.random() < 0.65:
        paint_vacuoles(surface, _bubbles(rng, nucleus, radius))
    return DrawnCell.of(surface, cell, nucleus)


def _bubbles(rng: np.random.Generator, nucleus: Field, radius: float) -> Field:
    """Return vacuoles: some singly, some in a cluster at the nucleus' edge."""
    xy = warped(rng, 0.4, 5)
    bubbles = np.full(nucleus.shape, -1e3, dtype=np.float32)
    heart = rng.uniform(0, 2 * np.pi)
    for _ in range(int(rng.integers(1, 13))):
        angle = heart + rng.normal(0, 0.5) if rng.random() < 0.7 else rng.uniform(0, 2 * np.pi)
        place = _towards(angle, radius * rng.uniform(0.45, 0.85))
        bubbles = np.maximum(bubbles, blob(xy, place, rng.uniform(1.0, 3.2)))
    return np.asarray(np.minimum(bubbles, 3.0 - nucleus))


def erythroblast(rng: np.random.Generator) -> DrawnCell:
    """Draw an erythroblast by its maturity.

    With age the very round, very dense nucleus shrinks and the cytoplasm turns from blue to grey-pink.
    """
    age = float(rng.beta(1.6, 1.3))
    size = 19.8 - 7.5 * age + rng.normal(0, 0.9)
    radius = max(23.5 + rng.normal(0, 2.0), size + 3.5)
    xy = warped(rng, 0.9, 8)
    uneven = rng.uniform(0.02, 0.06)
    cell = blob(xy, (0, 0), radius, wobble(rng, [uneven] * 5), 1 + abs(rng.normal(0, 0.12)), rng.uniform(0, np.pi))
    cell = cell + np.float32(rng.uniform(0.1, 0.6)) * smooth_noise(rng, 3)
    middle = _towards(rng.uniform(0, 2 * np.pi), (radius - size - 1.5) * rng.uniform(0.1, 0.8))
    nucleus = clip_to(round_nucleus(rng, middle, size, 0.012, 1 + abs(rng.normal(0, 0.04))), cell, 0.5)
    pink = float(np.clip(age + rng.normal(0, 0.15), 0, 1))
    colour = (112 + 86 * pink, 98 + 66 * pink, 158 + 18 * pink)
    surface = paint_cytoplasm(rng, cell, colour, 0.13, 0.25 - 0.15 * pink)
    chromatin = Chromatin((57, 25, 113), (150, 98, 150), 2.6, 0.16 * (1 - age) + 0.03, 0.1)
    paint_nucleus(rng, surface, nucleus, chromatin)
    return DrawnCell.of(surface, cell, nucleus)


def platelet(rng: np.random.Generator) -> DrawnCell:
    """Draw a platelet: a small granular violet fragment with a ragged pale edge, without a nucleus."""
    return platelet_at(
        rng, (float(rng.normal(0, 1)), float(rng.normal(0, 1))), float(np.clip(rng.normal(12.3, 2.4), 7.5, 20))
    )


def platelet_at(rng: np.random.Generator, centre: Point, radius: float) -> DrawnCell:
    """Draw a platelet of a given size (pixels) anywhere in the picture."""
    xy = warped(rng, 0.8, 4)
    body = blob(
        xy,
        centre,
        radius,
        wobble(rng, [0.05, 0.04, 0.03, 0.03, 0.02, 0.02]),
        1 + abs(rng.normal(0, 0.15)),
        rng.uniform(0, np.pi),
    )
    core = body - np.float32(rng.uniform(0.0, 2.5))
    cell = body + np.float32(rng.uniform(0.1, 0.55)) * smooth_noise(rng, 2.2)
    for _ in range(int(rng.choice([0, 0, 0, 0, 2, 5]))):
        angle = rng.uniform(0, 2 * np.pi)
        tip = (centre[0] + (radius + 3) * np.cos(angle), centre[1] + (radius + 3) * np.sin(angle))
        cell = join(cell, chain(xy, [centre, tip], [2.5, 0.3]), 1.0)
    surface = paint_cytoplasm(rng, cell, (176, 164, 196), 0.2, 0.1)
    dense = rng.uniform(0.0, 1.0)
    zone = soft(core, 3)
    lay(surface, zone * np.float32(0.3 + 0.5 * dense), absorbance(128, 78, 162))
    cover = np.maximum(grains(rng, 2.2, 0.75, 0.7), grains(rng, 2.9, 1.05, 0.45 + 0.3 * dense))
    lay(surface, cover * zone * np.float32(0.9), absorbance(98 - 18 * dense, 42 - 10 * dense, 140 - 8 * dense))
    return DrawnCell.of(surface, cell, None, 1.4)
