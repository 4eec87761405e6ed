"""What differs between laboratories: dyes, lamp, optics, camera, slide, and how cells are cut out.

Severity 1 is a second microscope in the same room; severity 5 another laboratory with other dyes, another camera and
other habits. Amounts are those of a severity's share, `SHARES`, of the greatest that a function names; where both
directions occur in practice, each picture draws one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smearlab.corruptions import (
    blur,
    colour,
    debris,
    digital,
    geometry,
    illumination,
    noise,
    occlusion,
    stain,
    tone,
)
from smearlab.corruptions.draws import Draws, Images, Reals
from smearlab.corruptions.pixels import border_colours, pick

SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)


def _share(images: Images, severity: int) -> Reals:
    return pick(SHARES, severity, len(images))


def _around(draws: Draws, share: Reals, size: tuple[int, ...] = ()) -> Reals:
    """Draw ``float64 (n, *size)`` between 60 % and all of a share, either way."""
    amount = draws.uniform(0.6, 1.0, size) * np.where(draws.uniform(size=size) < 0.5, -1.0, 1.0)
    return amount * share.reshape(-1, *(1 for _ in size))


def stain_hue(images: Images, severity: int, draws: Draws) -> Images:
    """Dyes of another hue, and another balance between the violet and the pink one."""
    share = _share(images, severity)
    amounts = np.exp(0.4 * _around(draws, share, (3,)))
    return stain.restained(images, stain.dye_matrices(amounts, 0.18 * _around(draws, share, (3, 3))))


def _strength(images: Images, factors: Reals) -> Images:
    return stain.restained(images, factors[:, None, None] * np.eye(3))


def stain_pale(images: Images, severity: int, draws: Draws) -> Images:
    """Stained too briefly, or faded: down to 30 % of the optical density."""
    return _strength(images, 1 - 0.7 * _share(images, severity))


def stain_dark(images: Images, severity: int, draws: Draws) -> Images:
    """Stained too long: up to 2.5 times the optical density."""
    return _strength(images, 2.5 ** _share(images, severity))


# Red, green and blue gains: a yellow lamp, a blue filter, greenish and rosy tubes.
CASTS = np.array([[1.08, 0.98, 0.55], [0.65, 0.85, 1.15], [0.80, 1.02, 0.80], [1.12, 0.82, 0.95]])


def _casts(images: Images, share: Reals, draws: Draws) -> Reals:
    cast = CASTS[draws.integers(0, len(CASTS) - 1)]
    return np.asarray(np.exp(share[:, None] * np.log(cast)), np.float64)


def white_balance(images: Images, severity: int, draws: Draws) -> Images:
    """A yellow, blue, green or rosy cast over everything."""
    return colour.gains(images, _casts(images, _share(images, severity), draws))


# Burnt-out white, yellow, grey, dark grey, lilac and bluish slides.
BACKGROUNDS = np.array(
    [[254, 254, 254], [238, 222, 160], [176, 176, 176], [120, 118, 112], [205, 180, 215], [180, 205, 222]], np.float64
)


def background(images: Images, severity: int, draws: Draws) -> Images:
    """An empty slide that is white, yellow, grey, lilac or bluish, behind the same cells."""
    colours = BACKGROUNDS[draws.integers(0, len(BACKGROUNDS) - 1)]
    return stain.other_background(images, colours, _share(images, severity))


def illumination_falloff(images: Images, severity: int, draws: Draws) -> Images:
    """One side brighter than the other, and a dark rim."""
    share = _share(images, severity)
    tilted = illumination.gradient(images, 0.5 * share, draws.uniform(0, 360), draws)
    return illumination.vignette(tilted, 0.6 * share, draws)


def dark_phone(images: Images, severity: int, draws: Draws) -> Images:
    """A phone held to an eyepiece: little light, a grey veil, a dark rim, a warm cast."""
    share = _share(images, severity)
    warm = colour.gains(images, np.exp(share[:, None] * np.log([1.0, 0.92, 0.75])))
    rimmed = illumination.vignette(warm, 0.55 * share, draws)
    return tone.levels(rimmed, 0.12 * share, 1 - 0.62 * share)


def focus(images: Images, severity: int, draws: Draws) -> Images:
    """Out of focus: a disk of up to 4 px in radius."""
    return blur.defocus(images, 0.6 + 3.4 * _share(images, severity), draws)


def magnification_in(images: Images, severity: int, draws: Draws) -> Images:
    """A stronger objective or a tighter crop: up to ×2."""
    return geometry.magnify(images, 2.0 ** _share(images, severity))


def magnification_out(images: Images, severity: int, draws: Draws) -> Images:
    """A weaker objective or a wider crop: down to ×1/2."""
    return geometry.magnify(images, 0.5 ** _share(images, severity))


def camera_noise(images: Images, severity: int, draws: Draws) -> Images:
    """A small sensor at high gain, in grains."""
    return noise.camera_noise(images, 0.14 * _share(images, severity), draws)


def camera_sharpening(images: Images, severity: int, draws: Draws) -> Images:
    """Edges sharpened inside the camera, with halos."""
    count = len(images)
    return blur.unsharp(images, 4 * _share(images, severity), np.full(count, 1.2), draws)


def camera_curve(images: Images, severity: int, draws: Draws) -> Images:
    """Another camera's tone curve: gamma 1/2.2 … 2.2 and a steeper or flatter middle."""
    share = _share(images, severity)
    bent = tone.gamma(images, 2.2 ** _around(draws, share), draws)
    return tone.s_curve(bent, 0.8 * _around(draws, share), draws)


def camera_resolution(images: Images, severity: int, draws: Draws) -> Images:
    """A camera of fewer pixels: down to a quarter of the side, and colour to half of that."""
    share = 0.25 ** _share(images, severity)
    return digital.chroma_loss(digital.downsample(images, share, draws), share / 2, draws)


COMPRESSION = (40, 25, 15, 9, 5)


def compression(images: Images, severity: int, draws: Draws) -> Images:
    """Saved as JPEG, shifted by a few pixels, and saved again."""
    quality = pick(COMPRESSION, severity, len(images))
    once = digital.jpeg(images, quality, draws)
    # The second grid of blocks lies elsewhere, as in a cell that was cut out of a compressed field.
    again = digital.jpeg(np.roll(once, (3, 5), axis=(1, 2)), np.minimum(95, quality + 10), draws)
    return np.ascontiguousarray(np.roll(again, (-3, -5), axis=(1, 2)))


def dust(images: Images, severity: int, draws: Draws) -> Images:
    """Specks and fibres on slide and lens."""
    share = _share(images, severity)
    return debris.dust(images, np.round(2 + 12 * share), 1.5 + 3.5 * share, draws)


def crop_offset(images: Images, severity: int, draws: Draws) -> Images:
    """A cell that is not in the middle of its picture: by up to 40 % of the side."""
    angle = draws.uniform(0, 2 * np.pi)
    far = 0.4 * _share(images, severity) * min(images.shape[1:3])
    return geometry.warp(images, geometry.shifting(far * np.cos(angle), far * np.sin(angle)))


def neighbouring_cells(images: Images, severity: int, draws: Draws) -> Images:
    """A crowded slide: up to seven cells that reach in from the rim."""
    share = _share(images, severity)
    return occlusion.neighbours(images, np.round(2 + 5 * share), 0.3 + 0.5 * share, draws)


@dataclass(frozen=True)
class _Habits:
    """What one other laboratory does, drawn once per picture; each ``float64 (n, …)``."""

    amounts: Reals
    turns: Reals
    lamp: Reals
    magnification: Reals
    radius: Reals
    dark: Reals
    curve: Reals
    grain: Reals
    quality: Reals


def _habits(images: Images, share: Reals, draws: Draws) -> _Habits:
    slide = border_colours(images)
    cast = _casts(images, share * draws.uniform(0, 1), draws)
    exposed = 1 - 0.55 * share * draws.uniform() * (draws.uniform() < 0.5)
    white = draws.uniform() < 0.3
    lamp = np.where(white[:, None], slide + share[:, None] * (252 - slide), slide) * cast * exposed[:, None]
    strength = np.exp(0.7 * _around(draws, share))
    return _Habits(
        amounts=strength[:, None] * np.exp(0.3 * share[:, None] * draws.uniform(-1, 1, 3)),
        turns=0.18 * share[:, None, None] * draws.uniform(-1, 1, (3, 3)),
        lamp=np.clip(lamp, 10, 255),
        magnification=2.0 ** (share * draws.uniform(-1, 1)),
        radius=2.6 * share * draws.uniform(),
        dark=share * draws.uniform(0.3, 1) * (draws.uniform() < 0.4),
        curve=1.6 ** (share * draws.uniform(-1, 1)),
        grain=0.05 * share * draws.uniform(),
        quality=np.round(90 - 60 * share * draws.uniform()),
    )


def other_laboratory(images: Images, severity: int, draws: Draws) -> Images:
    """All at once, as one other laboratory has it: dyes, lamp, slide, objective, focus, light, camera, file."""
    share = _share(images, severity)
    habits = _habits(images, share, draws)
    altered = geometry.magnify(images, habits.magnification)
    altered = stain.restained(altered, stain.dye_matrices(habits.amounts, habits.turns), habits.lamp)
    altered = illumination.vignette(altered, 0.6 * habits.dark, draws)
    altered = blur.defocus(altered, habits.radius, draws)
    altered = tone.levels(altered, 0.1 * habits.dark, 1 - 0.5 * habits.dark)
    altered = tone.gamma(altered, habits.curve, draws)
    altered = noise.camera_noise(altered, habits.grain, draws)
    return digital.jpeg(altered, habits.quality, draws)
