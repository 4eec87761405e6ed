"""What all cells are painted with: cytoplasm, nucleus, granules, vacuoles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smearlab.data.cells import BoolArray
from smearlab.data.smear.canvas import Field, absorbance, lay, layer
from smearlab.data.smear.shapes import rim, soft
from smearlab.data.smear.textures import fractal_noise, grains, openings, smooth_noise


@dataclass(frozen=True, eq=False)
class DrawnCell:
    """One cell before it is put on a slide.

    Attributes:
        surface: absorbance ``float32 (SIDE, SIDE, 3)``.
        cover: how much of each sample the cell fills, 0..1.
        cell: where the cell is, bool.
        nucleus: where its nucleus is, bool, within ``cell``; empty for a platelet.
    """

    surface: Field
    cover: Field
    cell: BoolArray
    nucleus: BoolArray

    @classmethod
    def of(cls, surface: Field, cell: Field, nucleus: Field | None = None, edge: float = 1.0) -> DrawnCell:
        """Cut a painted surface out along the cell's outline (signed distances in pixels)."""
        inside = cell > 0
        core = np.zeros_like(inside) if nucleus is None else (nucleus > 0) & inside
        return cls(surface, soft(cell, edge), inside, core)


@dataclass(frozen=True)
class Chromatin:
    """How a nucleus looks.

    Attributes:
        dark: colour of the condensed chromatin.
        light: colour of the gaps between its clumps.
        gap: width of a gap, pixels.
        share: part of the nucleus that is gap, 0..1.
        membrane: how much darker the nuclear membrane is, 0..1.
    """

    dark: tuple[float, float, float]
    light: tuple[float, float, float]
    gap: float
    share: float
    membrane: float = 0.15


def paint_cytoplasm(
    rng: np.random.Generator, cell: Field, colour: tuple[float, float, float], mottle: float = 0.12, edge: float = 0.2
) -> Field:
    """Return a surface of cytoplasm: cloudy by ``mottle`` and denser by ``edge`` along the cell's outline."""
    density = 1 + np.float32(mottle) * (0.6 * smooth_noise(rng, 9) + 0.6 * fractal_noise(rng, 2.4))
    density += np.float32(edge) * rim(cell, 0.8, 1.1)
    return layer(absorbance(*colour)) * np.maximum(density, 0.1)[..., None]


def paint_nucleus(rng: np.random.Generator, surface: Field, nucleus: Field, chromatin: Chromatin) -> None:
    """Paint a nucleus onto a surface, in place."""
    gaps = openings(rng, chromatin.gap, chromatin.share) * soft(nucleus - 1.6, 2.0)
    gaps *= np.clip(0.75 + 0.3 * smooth_noise(rng, 5), 0.2, 1)
    stain = layer(absorbance(*chromatin.dark))
    lay(stain, gaps, absorbance(*chromatin.light))
    density = 1 + 0.05 * smooth_noise(rng, 10) + np.float32(chromatin.membrane) * rim(nucleus, 0.6, 0.9)
    lay(surface, soft(nucleus, 1.0), stain * density[..., None])


def paint_granules(
    rng: np.random.Generator,
    surface: Field,
    colour: tuple[float, float, float],
    spacing: float,
    radius: float,
    density: float,
    strength: Field | float = 1.0,
) -> None:
    """Scatter granules over a surface, in place; see `textures.grains` for the sizes."""
    cover = grains(rng, spacing, radius, density) * np.float32(strength)
    lay(surface, cover, absorbance(*colour))


def paint_vacuoles(surface: Field, vacuoles: Field) -> None:
    """Empty round holes (a signed distance) out of a surface, in place; their edge is a little denser."""
    surface *= (1 + 0.1 * rim(vacuoles, -0.8, 0.8))[..., None]
    lay(surface, 0.9 * soft(vacuoles, 1.2), absorbance(240, 216, 200))
