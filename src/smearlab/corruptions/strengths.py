"""Single operations at any strength: what chains are made of.

Every function takes ``(images, strengths, draws)`` with strengths ``float64 (n,)`` in 0–1 and alters each picture by
its own strength; the constants are what a strength of 1 means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from smearlab.corruptions import blur, colour, debris, digital, geometry, illumination, noise, occlusion, stain, tone
from smearlab.corruptions.draws import Draws, Images, Reals

Strong: TypeAlias = Callable[[Images, Reals, Draws], Images]


def _geometric(low: float, high: float) -> Callable[[Reals], Reals]:
    """Return a map from strength to an amount between `low` (at 0) and `high` (at 1) in even ratios."""
    return lambda strengths: low * (high / low) ** strengths


def _either(draws: Draws) -> Reals:
    return np.where(draws.uniform() < 0.5, -1.0, 1.0)


def rotate(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Turn by up to 180° either way; half of the pictures are mirrored too."""
    mirrored = geometry.flip(images, draws.uniform() < 0.5, np.zeros(len(images), bool))
    turned = geometry.rotation(180 * strengths * _either(draws))
    return geometry.warp(mirrored, turned, geometry.fills_for(images, draws))


def zoom(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Magnify ×1/2 … ×2."""
    return geometry.magnify(images, 2.0 ** (strengths * _either(draws)))


def crop(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Cut out a part, down to 55 % of the side, anywhere."""
    return geometry.crop(images, 1 - 0.45 * strengths, draws.uniform(size=2))


def translate(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Shift by up to 35 % of the side in a random direction."""
    angle = draws.uniform(0, 2 * np.pi)
    far = 0.35 * strengths * min(images.shape[1:3])
    matrices = geometry.shifting(far * np.cos(angle), far * np.sin(angle))
    return geometry.warp(images, matrices, geometry.fills_for(images, draws))


def shear(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Shear by up to half a pixel a pixel, across or down."""
    amount, across = 0.5 * strengths * _either(draws), draws.uniform() < 0.5
    matrices = geometry.shearing(np.where(across, amount, 0), np.where(across, 0, amount))
    return geometry.warp(images, matrices, geometry.fills_for(images, draws))


def elastic(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Displace smoothly, over 8 px, by 4 px in the root mean square."""
    fields = geometry.elastic_fields(images, np.full(len(images), 8 * draws.unit), draws)
    fields *= (4 * draws.unit * strengths).astype(np.float32)[:, None, None, None]
    return geometry.displaced(images, fields)


def brightness(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Multiply by 0.3 … 1.7."""
    return tone.brightness(images, 1 + 0.7 * strengths * _either(draws), draws)


def gamma(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Exponents 1/3 … 3."""
    return tone.gamma(images, 3.0 ** (strengths * _either(draws)), draws)


def contrast(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Factors 0.2 … 1.8 around the mean grey."""
    return tone.contrast(images, 1 + 0.8 * strengths * _either(draws), draws)


def saturation(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Factors 0 … 3."""
    sign = _either(draws)
    return tone.saturation(images, 1 + strengths * np.where(sign > 0, 2, -1), draws)


def greyscale(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Fade to grey, wholly at a strength of a half."""
    return tone.saturation(images, 1 - np.minimum(1, 2 * strengths), draws)


def hue(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Turn the colours by up to half a circle."""
    return colour.hue(images, 0.5 * strengths * _either(draws), draws)


def channel_shift(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Shift each channel by up to 40 % of the range."""
    return colour.channel_shift(images, 0.4 * strengths[:, None] * draws.uniform(-1, 1, 3))


def white_balance(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Multiply each channel by 0.55 … 1.8."""
    return colour.gains(images, np.exp(0.6 * strengths[:, None] * draws.uniform(-1, 1, 3)))


def solarise(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Turn over the brightest 70 % of the levels."""
    return tone.solarise(images, 0.7 * strengths, draws)


def posterise(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Keep 6 … 2 bits."""
    return tone.posterise(images, 6 - 4 * strengths, draws)


def invert(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Turn over one channel, two from a strength of 0.4, all from 0.8."""
    number = 1 + (strengths > 0.4).astype(int) + (strengths > 0.8)
    order = np.argsort(draws.uniform(size=3), axis=1)
    return colour.negative(images, (order < number[:, None]).astype(np.float64))


def restain(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Amounts of the dyes × 0.4 … 2.5, and dyes of another hue."""
    amounts = np.exp(0.9 * strengths[:, None] * draws.uniform(-1, 1, 3))
    turns = 0.35 * strengths[:, None, None] * draws.uniform(-1, 1, (3, 3))
    return stain.restained(images, stain.dye_matrices(amounts, turns))


def light_gradient(images: Images, strengths: Reals, draws: Draws) -> Images:
    """One side brighter, the other darker, by 70 %."""
    return illumination.gradient(images, 0.7 * strengths, draws.uniform(0, 360), draws)


def vignette(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Corners without light."""
    return illumination.vignette(images, strengths, draws, begin=0.2)


def background(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Empty parts of the slide in any colour."""
    return stain.other_background(images, draws.uniform(0, 255, 3), 0.8 * strengths)


def gaussian_blur(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Standard deviations 0.5 … 4 px."""
    return blur.gaussian_blur(images, np.round(_geometric(0.5, 4)(strengths), 1), draws)


def motion_blur(images: Images, strengths: Reals, draws: Draws) -> Images:
    """A trail 4 … 21 px long in any direction."""
    length = _geometric(1.5, 10)(strengths)
    return blur.motion_blur(images, length, 0.8 * length, draws.uniform(-180, 180), draws)


def defocus(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Radii 1 … 6 px."""
    return blur.defocus(images, np.round(_geometric(1, 6)(strengths), 1), draws)


def zoom_blur(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Up to ×1.4 while exposed."""
    return blur.zoom_blur(images, 1 + 0.4 * strengths, draws)


def downsample(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Through a picture of 80 … 18 % of the side."""
    return digital.downsample(images, _geometric(0.8, 0.18)(strengths), draws)


def pixelate(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Blocks: through a picture of 80 … 20 % of the side."""
    return digital.pixelate(images, _geometric(0.8, 0.2)(strengths), draws)


def jpeg(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Qualities 50 … 5."""
    return digital.jpeg(images, np.round(_geometric(50, 5)(strengths)), draws)


def gaussian_noise(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Standard deviations 0.03 … 0.25 of the range."""
    return noise.gaussian_noise(images, _geometric(0.03, 0.25)(strengths), draws)


def shot_noise(images: Images, strengths: Reals, draws: Draws) -> Images:
    """200 … 8 photons, in a few steps, because each number needs a table of its own."""
    return noise.shot_noise(images, 200 * (8 / 200) ** (np.round(strengths * 8) / 8), draws)


def speckle_noise(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Standard deviations 0.05 … 0.5 of the value."""
    return noise.speckle_noise(images, _geometric(0.05, 0.5)(strengths), draws)


def salt_pepper(images: Images, strengths: Reals, draws: Draws) -> Images:
    """1 … 20 % of the values."""
    return noise.salt_pepper(images, _geometric(0.01, 0.2)(strengths), draws)


def sharpness(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Pillow's sharpness, factors 1.5 … 10."""
    return tone.sharpness(images, _geometric(1.5, 10)(strengths), draws)


def erase(images: Images, strengths: Reals, draws: Draws) -> Images:
    """A rectangle of 5 … 35 % of the area."""
    return occlusion.erase(images, 0.05 + 0.3 * strengths, draws)


def grid_mask(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Black squares of 25 … 60 % of the pitch."""
    return occlusion.grid_mask(images, 0.25 + 0.35 * strengths, draws)


def spots(images: Images, strengths: Reals, draws: Draws) -> Images:
    """3 … 12 spots with radii up to 4 … 14 px."""
    return occlusion.spots(images, np.round(3 + 9 * strengths), 4 + 10 * strengths, draws)


def stain_deposits(images: Images, strengths: Reals, draws: Draws) -> Images:
    """1 … 4 blots of 16 … 32 px."""
    return debris.stain_deposits(images, np.round(16 + 16 * strengths), np.round(1 + 3 * strengths), draws)


def bubbles(images: Images, strengths: Reals, draws: Draws) -> Images:
    """7 … 13 bubbles with radii up to 5 … 16 px."""
    return debris.bubbles(images, np.round(5 + 11 * strengths), np.round(7 + 6 * strengths), draws)


def dust(images: Images, strengths: Reals, draws: Draws) -> Images:
    """2 … 8 specks of 2 … 6 px."""
    return debris.dust(images, np.round(2 + 6 * strengths), 2 + 4 * strengths, draws)


def neighbour(images: Images, strengths: Reals, draws: Draws) -> Images:
    """1 … 5 cells that reach in by up to 80 % of their width."""
    return occlusion.neighbours(images, np.round(1 + 4 * strengths), 0.3 + 0.5 * strengths, draws)


def fractal(images: Images, strengths: Reals, draws: Draws) -> Images:
    """A pattern over 10 … 45 % of the contrast."""
    return occlusion.pattern(images, 0.1 + 0.35 * strengths, draws)


OPERATIONS: dict[str, Strong] = {
    **{"rotate": rotate, "zoom": zoom, "crop": crop, "translate": translate, "shear": shear, "elastic": elastic},
    **{"brightness": brightness, "gamma": gamma, "contrast": contrast, "auto_contrast": tone.auto_contrast},
    **{"equalise": tone.equalise, "saturation": saturation, "greyscale": greyscale, "hue": hue},
    **{"channel_shift": channel_shift, "white_balance": white_balance, "solarise": solarise, "posterise": posterise},
    **{"invert": invert, "stain": restain, "illumination": light_gradient, "vignette": vignette},
    **{"background": background, "gaussian_blur": gaussian_blur, "motion_blur": motion_blur, "defocus": defocus},
    **{"zoom_blur": zoom_blur, "downsample": downsample, "pixelate": pixelate, "jpeg": jpeg},
    **{"gaussian_noise": gaussian_noise, "shot_noise": shot_noise, "speckle_noise": speckle_noise},
    **{"salt_pepper": salt_pepper, "sharpness": sharpness, "erase": erase, "grid_mask": grid_mask, "spots": spots},
    **{"stain_deposits": stain_deposits, "bubbles": bubbles, "dust": dust, "neighbour": neighbour},
    **{"fractal": fractal},
}
"""Row of `families.OPERATIONS` → function."""
