"""Pictures as ten imagined laboratories would have them: dyes, slide, lamp, optics, camera and files, all at once.

One alteration alone is not another laboratory. There everything differs together, and for all pictures in the same way,
while staining, light, focus and place still vary from cell to cell. A severity goes a fifth of the way from the
picture's own laboratory to the other one, two fifths, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smearlab.corruptions import blur, debris, digital, geometry, illumination, noise, occlusion, stain, tone
from smearlab.corruptions.draws import Draws, Function, Images, Reals
from smearlab.corruptions.habits import Habits
from smearlab.corruptions.microscope import SHARES
from smearlab.corruptions.pixels import border_colours, pick


@dataclass(frozen=True)
class _Way:
    """How far each of n pictures has gone towards a laboratory: ``share``, ``float64 (n,)`` in 0–1."""

    habits: Habits
    share: Reals
    draws: Draws

    def factor(self, full: float) -> Reals:
        """Return 1 at the start of the way and ``full`` at its end, in even ratios."""
        return np.asarray(full**self.share, np.float64)

    def amount(self, full: float, start: float = 0.0) -> Reals:
        """Return ``start`` at the start of the way and ``full`` at its end, in even steps."""
        return np.asarray(start + self.share * (full - start), np.float64)

    def varied(self, most: float) -> Reals:
        """Draw factors within ``most`` (a share) of 1, for what varies from cell to cell."""
        return np.asarray(np.exp(most * self.share * self.draws.uniform(-1, 1)), np.float64)


def laboratory(habits: Habits) -> Function:
    """Return the function that shows pictures as a laboratory would have them."""

    def shown(images: Images, severity: int, draws: Draws) -> Images:
        way = _Way(habits, pick(SHARES, severity, len(images)), draws)
        # The rim shows the slide best before cells are moved and crowded there.
        slide = border_colours(images)
        dyed = _dyed(_placed(images, way), slide, way)
        return _filed(_taken(_lit(dyed, way), way), way)

    shown.__doc__ = f"{habits.title}."
    return shown


def _placed(images: Images, way: _Way) -> Images:
    """Crowd, magnify and move the cells."""
    habits, draws = way.habits, way.draws
    placed = images
    if habits.neighbours:
        placed = occlusion.neighbours(placed, np.round(way.amount(habits.neighbours)), way.amount(0.6), draws)
    placed = geometry.magnify(placed, way.factor(habits.magnification) * way.varied(0.1))
    if not habits.offset:
        return placed
    angle = draws.uniform(0, 2 * np.pi)
    far = way.amount(habits.offset) * draws.uniform() * min(images.shape[1:3])
    return geometry.warp(placed, geometry.shifting(far * np.cos(angle), far * np.sin(angle)))


def _dyed(images: Images, slide: Reals, way: _Way) -> Images:
    """Stain with other dyes, on another slide before another lamp, some cells deeper than others."""
    habits = way.habits
    amounts = np.stack([way.factor(one) * way.varied(0.15) for one in habits.amounts], axis=1)
    hues = np.array([habits.violet, habits.pink, (0.0, 0.0, 0.0)])
    lamp = slide if habits.slide is None else slide + way.share[:, None] * (np.array(habits.slide) - slide)
    lamp = np.clip(lamp * way.varied(0.08)[:, None], 10, 254)
    return stain.restained(images, stain.dye_matrices(amounts, way.share[:, None, None] * hues), lamp, slide)


def _lit(images: Images, way: _Way) -> Images:
    """Add what lies in the light: dust, a dark rim, and a lens that is not quite in focus."""
    habits, draws = way.habits, way.draws
    lit = images
    if habits.dust:
        lit = debris.dust(lit, np.round(way.amount(habits.dust)), way.amount(3.0, start=1.5), draws)
    if habits.rim:
        lit = illumination.vignette(lit, way.amount(habits.rim), draws)
    return blur.defocus(lit, way.amount(habits.focus) * draws.uniform(0.4, 1.0), draws) if habits.focus else lit


def _taken(images: Images, way: _Way) -> Images:
    """Take the picture with another sensor: fewer pixels, noise, less light."""
    habits, draws = way.habits, way.draws
    taken = images
    if habits.resolution < 1:
        taken = digital.downsample(taken, way.factor(habits.resolution), draws)
    if habits.grain:
        taken = noise.camera_noise(taken, way.amount(habits.grain), draws)
    return tone.levels(taken, way.amount(habits.black), way.amount(habits.white, start=1.0))


def _filed(images: Images, way: _Way) -> Images:
    """Develop and write as the camera does: tone curve, colours, sharpening, compression."""
    habits, draws = way.habits, way.draws
    filed = tone.gamma(images, way.factor(habits.gamma), draws)
    filed = tone.s_curve(filed, way.amount(habits.curve), draws)
    filed = tone.saturation(filed, way.factor(habits.saturation), draws)
    if habits.sharpening:
        filed = blur.unsharp(filed, way.amount(habits.sharpening), np.ones(len(images)), draws)
    if habits.chroma < 1:
        filed = digital.chroma_loss(filed, way.factor(habits.chroma), draws)
    return digital.jpeg(filed, np.round(way.amount(habits.quality, start=95.0)), draws)
