"""Neutrophils, eosinophils, basophils and their immature forms."""

from __future__ import annotations

import numpy as np

from smearlab.data.smear.canvas import Field, absorbance, grid, lay
from smearlab.data.smear.nuclei import band_nucleus, indented_nucleus, lobed_nucleus, round_nucleus
from smearlab.data.smear.shapes import Point, blob, clip_to, rim, soft, warped, wobble
from smearlab.data.smear.stains import Chromatin, DrawnCell, paint_cytoplasm, paint_granules, paint_nucleus
from smearlab.data.smear.textures import grains, smooth_noise


def _body(rng: np.random.Generator, radius: float, uneven: float = 0.018, stretch: float = 0.12) -> Field:
    """Return the outline of a round, slightly uneven cell near the picture's middle."""
    centre = (float(rng.normal(0, 1.0)), float(rng.normal(0, 1.0)))
    outline = wobble(rng, [uneven, uneven, uneven * 0.6, uneven * 0.4])
    return blob(warped(rng, 0.5, 6), centre, radius, outline, 1 + abs(rng.normal(0, stretch)), rng.uniform(0, np.pi))


def _aside(rng: np.random.Generator, distance: float) -> tuple[Point, float]:
    """Return a point ``distance`` pixels from the middle, and the direction it lies in."""
    angle = rng.uniform(0, 2 * np.pi)
    return (distance * float(np.cos(angle)), distance * float(np.sin(angle))), angle


def neutrophil(rng: np.random.Generator) -> DrawnCell:
    """Draw a neutrophil: two to five lobes on thin filaments or a band, in pale pink, finely granular cytoplasm."""
    radius = rng.normal(30.5, 2.4)
    cell = _body(rng, radius)
    area = 0.42 * np.pi * radius**2 * rng.uniform(0.8, 1.08)
    middle, _ = _aside(rng, rng.uniform(0, 3))
    if rng.random() < 0.22:
        nucleus = band_nucleus(rng, middle, radius - 2, area, rng.uniform(1.8, 4.6))
    else:
        lobes = int(rng.choice([2, 3, 4, 5], p=[0.2, 0.42, 0.28, 0.1]))
        bend, gap, thread = rng.uniform(1.5, 5.0), rng.uniform(1.05, 1.4), rng.uniform(0.8, 1.8)
        nucleus = lobed_nucleus(rng, middle, radius - 2, lobes, 0.93 * area, bend, gap, thread)
    nucleus = clip_to(nucleus, cell, 1.5)
    surface = paint_cytoplasm(rng, cell, (214, 173, 180), 0.14, 0.3)
    lay(surface, 0.35 * np.clip(smooth_noise(rng, 14), 0, 1), absorbance(200, 172, 196))
    paint_granules(rng, surface, (182, 124, 160), 2.1, 0.5, 0.8, rng.uniform(0.5, 0.9))
    paint_granules(rng, surface, (140, 72, 146), 3.2, 0.6, 0.45, rng.uniform(0.1, 0.75))
    paint_nucleus(rng, surface, nucleus, Chromatin((72, 30, 130), (146, 96, 164), 1.9, 0.24, 0.1))
    return DrawnCell.of(surface, cell, nucleus)


def eosinophil(rng: np.random.Generator) -> DrawnCell:
    """Draw an eosinophil: two (seldom three) plump lobes in cytoplasm packed with coarse orange-pink granules."""
    radius = rng.normal(32, 2.4)
    cell = _body(rng, radius)
    lobes = 3 if rng.random() < 0.25 else 2
    middle, _ = _aside(rng, rng.uniform(4, 12))
    area = 0.43 * np.pi * radius**2 * rng.uniform(0.85, 1.12)
    bend, gap, thread = rng.uniform(0.3, 2.6), rng.uniform(0.95, 1.25), rng.uniform(0.9, 2.6)
    nucleus = lobed_nucleus(rng, middle, radius - 1.5, lobes, area, bend, gap, thread)
    nucleus = clip_to(nucleus, cell, 1.0)
    surface = paint_cytoplasm(rng, cell, (192, 138, 166), 0.14, 0.15)
    warm = rng.uniform(0, 1)
    packed = np.clip(1.3 + 0.5 * smooth_noise(rng, 16), 0.2, 1) * soft(cell - 0.6, 2)
    paint_granules(rng, surface, (186 + 12 * warm, 106 + 8 * warm, 134 - 8 * warm), 3.0, 1.6, 0.98, packed)
    paint_granules(rng, surface, (162 + 14 * warm, 80 + 10 * warm, 118 - 8 * warm), 2.8, 0.95, 0.7, packed)
    paint_granules(rng, surface, (212, 146, 156), 3.8, 0.55, 0.35, 0.35)
    paint_nucleus(rng, surface, nucleus, Chromatin((74, 32, 128), (158, 112, 172), 2.0, 0.45, 0.3))
    return DrawnCell.of(surface, cell, nucleus)


def basophil(rng: np.random.Generator) -> DrawnCell:
    """Draw a basophil: large dark violet granules that hide the nucleus and stand out over the cell's edge."""
    radius = rng.normal(29, 1.8)
    cell = _body(rng, radius, 0.035)
    granules = grains(rng, rng.uniform(2.7, 3.5), rng.uniform(1.15, 1.5), rng.uniform(0.8, 0.98))
    cell = cell + 1.6 * (granules - 0.6)
    middle, angle = _aside(rng, rng.uniform(2, 6))
    if rng.random() < 0.5:
        nucleus = lobed_nucleus(rng, middle, radius - 2, 2, 0.5 * np.pi * radius**2, rng.uniform(0.5, 2), 0.75, 5.0)
    else:
        nucleus = indented_nucleus(rng, middle, 0.72 * radius, rng.uniform(0.2, 0.6), angle)
    nucleus = clip_to(nucleus, cell, 2.0)
    surface = paint_cytoplasm(rng, cell, (196, 150, 182), 0.16, 0.25)
    paint_nucleus(rng, surface, nucleus, Chromatin((90, 46, 140), (140, 94, 168), 2.6, 0.3, 0.3))
    strength = np.clip(rng.uniform(0.75, 1.05) + 0.2 * smooth_noise(rng, 14), 0.3, 1)
    lay(surface, granules * strength, absorbance(68, 28, 116))
    paint_granules(rng, surface, (80, 30, 118), 2.8, 0.95, 0.75, strength)
    return DrawnCell.of(surface, cell, nucleus)


def immature_granulocyte(rng: np.random.Generator) -> DrawnCell:
    """Draw a promyelocyte, myelocyte or metamyelocyte by its maturity.

    With age the nucleus shrinks and dents, the cytoplasm turns from blue to pink, and the coarse azurophilic granules
    become few.
    """
    age = float(rng.random())
    radius = rng.normal(32.5 - 1.5 * age, 2.4)
    cell = _body(rng, radius, 0.03)
    size = radius * (0.80 - 0.14 * age + rng.normal(0, 0.025))
    middle, angle = _aside(rng, max(radius - size - 2, 1) * rng.uniform(0.5, 1))
    if age < 0.45:
        nucleus = round_nucleus(rng, middle, size, 0.035, 1.12)
    else:
        nucleus = indented_nucleus(rng, middle, size, rng.uniform(0.15, 0.35) + 0.45 * (age - 0.45), angle + np.pi)
    nucleus = clip_to(nucleus, cell, 1.2)
    surface = paint_cytoplasm(rng, cell, (160 + 38 * age, 138 + 24 * age, 178 - 2 * age), 0.16, 0.35)
    _golgi_zone(surface, middle, radius)
    paint_granules(rng, surface, (128, 70, 150), 2.0, 0.5, 0.7, rng.uniform(0.35, 0.75))
    paint_granules(rng, surface, (110, 38, 132), 2.6, 0.62, 0.55 - 0.2 * age, rng.uniform(0.45, 0.85) - 0.2 * age)
    colour = (78 + 8 * rng.normal(), 33, 130)
    paint_nucleus(rng, surface, nucleus, Chromatin(colour, (150, 100, 170), 1.7, 0.45, 0.15))
    if age < 0.5:
        # Granules of young forms lie over the nucleus too.
        paint_granules(rng, surface, (92, 28, 124), 3.0, 0.65, 0.4, 0.5 * rim(nucleus, 0, 8))
    return DrawnCell.of(surface, cell, nucleus)


def _golgi_zone(surface: Field, nucleus: Point, radius: float) -> None:
    """Lighten the cytoplasm beside the nucleus, where the Golgi apparatus takes no stain."""
    x, y = grid()
    away = np.hypot(*nucleus) + 1e-3
    centre_x, centre_y = -nucleus[0] / away * 0.35 * radius, -nucleus[1] / away * 0.35 * radius
    light = np.exp(-((x - centre_x) ** 2 + (y - centre_y) ** 2) / np.float32(0.22 * radius) ** 2 / 2)
    lay(surface, 0.55 * light, absorbance(206, 168, 190))
