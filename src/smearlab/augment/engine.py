"""From raw pictures and draws to what the network trains on: each stage composed, each picture its own draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from smearlab.augment import (
    blur,
    colour,
    compression,
    debris,
    fractals,
    geometry,
    illumination,
    kernels,
    noise,
    occlusion,
    tone,
)
from smearlab.augment import stain as stains
from smearlab.augment.operations import INDEX
from smearlab.augment.portions import change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor

    from smearlab.augment.draws import Draws

    Pixels = Callable[[Tensor, Tensor, Tensor], Tensor]
    Parameters = Callable[[Tensor, Tensor], Tensor]

PIXELS: dict[str, Pixels] = {
    "spots": debris.spots,
    "stain": stains.stain,
    "background": illumination.background,
    "illumination": illumination.illumination,
    "vignette": illumination.vignette,
    "gaussian_noise": noise.gaussian_noise,
    "shot_noise": noise.shot_noise,
    "speckle_noise": noise.speckle_noise,
    "salt_pepper": noise.salt_pepper,
    "sharpness": blur.sharpness,
    "jpeg": compression.jpeg,
    "erase": occlusion.erase,
    "grid_mask": occlusion.grid_mask,
    "fractal": fractals.pixmix,
}
COLOURS: dict[str, Parameters] = {
    "white_balance": colour.white_balance,
    "brightness": colour.brightness,
    "contrast": colour.contrast,
    "saturation": colour.saturation,
    "hue": colour.hue,
    "channel_shift": colour.channel_shift,
    "degenerate": colour.degenerate,
    "greyscale": colour.greyscale,
}
CURVES: dict[str, Parameters] = {
    "gamma": tone.gamma,
    "solarise": tone.solarise,
    "posterise": tone.posterise,
    "invert": tone.invert,
}
PICTURE_CURVES: dict[str, Pixels] = {"auto_contrast": tone.auto_contrast, "equalise": tone.equalise}
SCENE = ("spots", "stain", "background", "illumination", "vignette")
"""What happens before the camera sees the cell, and therefore before its colours and tone curve."""
BLURS: dict[tuple[str, ...], Pixels] = {kernels.OPTICS: kernels.optics, kernels.FILTERS: kernels.filters}
"""Operations that are composed, and what does them all; their functions take the amounts of all operations."""
CAMERA = tuple(name for name in PIXELS if name not in SCENE)


def run_engine(pictures: Tensor, draws: Draws) -> Tensor:
    """Do to each picture what was drawn for it, stage after stage.

    Args:
        pictures: ``float32 (n, 3, h, w)`` in 0–1, or ``uint8``, on any device; not changed.
        draws: with amounts and chances, on the CPU.

    Returns:
        ``float32`` of the same shape on the same device, in 0–1.
    """
    amounts, chance = draws.amounts, draws.chance
    assert amounts is not None
    assert chance is not None
    moved = geometry.warp(pictures, amounts, chance, draws.turns)
    done = moved.clone() if moved is pictures else moved
    _run_pixels(done, SCENE, amounts, chance)
    _run_colours(done, amounts, chance)
    _run_curves(done, amounts, chance)
    _run_blurs(done, amounts, chance)
    _run_pixels(done, CAMERA, amounts, chance)
    return done


def _run_pixels(pictures: Tensor, names: tuple[str, ...], amounts: Tensor, chance: Tensor) -> None:
    """Run operations on the pictures that drew them, in place."""
    for name in names:
        column = INDEX[name]
        rows = amounts[:, column].nonzero().squeeze(1)
        if len(rows):
            _run(pictures, rows, PIXELS[name], amounts[:, column], chance[:, column])


def _run_blurs(pictures: Tensor, amounts: Tensor, chance: Tensor) -> None:
    for names, function in BLURS.items():
        rows = _drawn(amounts, names)
        if len(rows):
            _run(pictures, rows, function, amounts, chance)


def _run(pictures: Tensor, rows: Tensor, function: Pixels, amounts: Tensor, chance: Tensor) -> None:
    """Run one function on some pictures, with their share of the amounts and chances."""
    drawn = [table.index_select(0, rows).to(pictures.device) for table in (amounts, chance)]
    change(pictures, rows, lambda taken: function(taken, *drawn))


def _run_colours(pictures: Tensor, amounts: Tensor, chance: Tensor) -> None:
    rows = _drawn(amounts, COLOURS)
    if not len(rows):
        return
    amounts, chance = amounts.index_select(0, rows), chance.index_select(0, rows)
    drawn = [name for name, used in zip(COLOURS, _columns(amounts, COLOURS).any(0).tolist(), strict=True) if used]
    matrices = [COLOURS[name](amounts[:, INDEX[name]], chance[:, INDEX[name]]) for name in drawn]
    change(pictures, rows, lambda taken: colour.apply_colour(taken, colour.compose(matrices)))


def _run_curves(pictures: Tensor, amounts: Tensor, chance: Tensor) -> None:
    rows = _drawn(amounts, (*CURVES, *PICTURE_CURVES))
    if len(rows):
        _run(pictures, rows, _curved, amounts, chance)


def _curved(pictures: Tensor, amounts: Tensor, chance: Tensor) -> Tensor:
    """Apply all curves of each picture as one; those that depend on the picture come first."""
    total, begun = tone.identity(len(pictures), pictures), torch.zeros_like(amounts[:, 0], dtype=torch.bool)
    for name in (*PICTURE_CURVES, *CURVES):
        amount = amounts[:, INDEX[name]]
        some = amount.nonzero().squeeze(1)
        if len(some):
            drawn = amount.index_select(0, some), chance[:, INDEX[name]].index_select(0, some)
            own = PICTURE_CURVES.get(name)
            curves = CURVES[name](*drawn) if own is None else own(pictures.index_select(0, some), *drawn)
            if bool(begun.index_select(0, some).any()):
                curves = tone.compose_curves([total.index_select(0, some), curves])
            total[some], begun[some] = curves, True
    return tone.apply_curves(pictures, total)


def _drawn(amounts: Tensor, names: Iterable[str]) -> Tensor:
    return _columns(amounts, names).any(1).nonzero().squeeze(1)


def _columns(amounts: Tensor, names: Iterable[str]) -> Tensor:
    return amounts[:, [INDEX[name] for name in names]] != 0


def mix_chains(pictures: Tensor, draws: Draws) -> Tensor:
    """Mix what each chain makes of the pictures with the pictures themselves (AugMix)."""
    assert draws.weights is not None
    assert draws.blend is not None
    mixture = torch.zeros_like(pictures)
    for number, chain in enumerate(draws.chains):
        mixture += draws.weights[:, number].to(pictures).view(-1, 1, 1, 1) * run_engine(pictures, chain)
    return torch.lerp(pictures, mixture, draws.blend.to(pictures).view(-1, 1, 1, 1))
