"""A sheet of examples: pictures in rows, draws, amounts or the progress of a curriculum in columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from smearlab.augment.config import AugmentConfig
from smearlab.augment.draws import fixed
from smearlab.augment.mixing import mix
from smearlab.augment.operations import ENGINE, INDEX
from smearlab.augment.policy import apply, draw
from smearlab.augment.sets import named_policies, policy_of
from smearlab.errors import RecipeError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from smearlab.data.cells import UInt8Array

_GAP, _TOP, _PAD, _CAPTION = 4, 26, 8, 14  # pixels
_INK, _PAPER = (31, 27, 42), (255, 255, 255)


def policy_columns(
    pictures: UInt8Array, config: AugmentConfig, columns: int, seed: int
) -> tuple[list[UInt8Array], list[str]]:
    """Draw a policy several times, at the end of a training.

    Args:
        pictures: ``uint8 (n, h, w, 3)``.
        config: the policy; MixUp and CutMix mix the pictures of the sheet with one another.
        columns: how many draws.
        seed: of the draws.

    Returns:
        A column of pictures ``uint8 (n, h, w, 3)`` for each draw, the pictures as they are first; and their headings.
    """
    drawn = [_augmented(pictures, config, 1.0, _generator(seed, column)) for column in range(columns)]
    return [pictures, *drawn], ["as it is", *(str(column + 1) for column in range(columns))]


def progress_columns(
    pictures: UInt8Array, config: AugmentConfig, columns: int, seed: int
) -> tuple[list[UInt8Array], list[str]]:
    """Show how a curriculum grows: the same draw from the beginning of a training to its end.

    Args:
        pictures: ``uint8 (n, h, w, 3)``.
        config: the policy.
        columns: how many steps of the training, at least 2.
        seed: of the draw.

    Returns:
        As `policy_columns`.
    """
    shares = np.linspace(0, 1, max(2, columns)).tolist()
    drawn = [_augmented(pictures, config, share, _generator(seed, 0)) for share in shares]
    return [pictures, *drawn], ["as it is", *(f"{100 * share:.0f} %" for share in shares)]


def operation_columns(
    pictures: UInt8Array, name: str, columns: int, seed: int, magnitude: float = 1.0
) -> tuple[list[UInt8Array], list[str]]:
    """Show one operation from mild to full, both ways where it has two, all else as drawn once.

    Args:
        pictures: ``uint8 (n, h, w, 3)``.
        name: of the operation.
        columns: how many amounts.
        seed: of what else the operation draws: angles, places, noise.
        magnitude: of the greatest amount.

    Returns:
        As `policy_columns`; the headings are amounts in the operation's unit.

    Raises:
        RecipeError: there is no such operation.
    """
    if name not in INDEX:
        raise RecipeError(
            f"There is no operation '{name}'.{did_you_mean(name, INDEX)} The operations are: {', '.join(INDEX)}."
        )
    operation = ENGINE[INDEX[name]]
    full = operation.full * magnitude
    amounts = _signed(full, columns) if operation.signed else np.linspace(0, full, columns + 1)[1:]
    drawn = [
        _bytes(
            apply(torch.from_numpy(pictures), fixed(name, torch.full((len(pictures),), amount), _generator(seed, 0)))
        )
        for amount in amounts.tolist()
    ]
    return [pictures, *drawn], ["as it is", *(f"{amount:.3g}" for amount in amounts)]


def every_operation(
    picture: UInt8Array, columns: int, seed: int, magnitude: float = 1.0
) -> tuple[list[UInt8Array], list[list[str]], list[str]]:
    """Show one picture under each operation of the engine, from mild to full, both ways where it has two.

    Args:
        picture: ``uint8 (h, w, 3)``.
        columns: how many amounts; one fewer where that is odd, because half of them may go the other way.
        seed: of what else the operations draw.
        magnitude: of the greatest amounts.

    Returns:
        A column of pictures ``uint8 (operations, h, w, 3)`` for each amount, the picture as it is first; for each
        column the captions of its pictures; and the operations.
    """
    even = max(2, columns - columns % 2)
    return _each({name: operation_columns(picture[None], name, even, seed, magnitude) for name in INDEX})


def every_policy(
    pictures: UInt8Array, columns: int, seed: int, base: AugmentConfig
) -> tuple[list[UInt8Array], list[list[str]], list[str]]:
    """Show one picture under each policy, several draws of each.

    Args:
        pictures: ``uint8 (n, h, w, 3)``; the first is shown, the others are what it is mixed with.
        columns: how many draws.
        seed: of the draws.
        base: settings that the policies take their strengths from.

    Returns:
        As `every_operation`, with the policies in place of the operations.
    """
    configs = {name: policy_of(name, base) for name in named_policies()}
    alone = AugmentConfig(policy="none", mix_share=1.0)
    configs["mixup"] = alone.model_copy(update={"mixup": 0.2})
    configs["cutmix"] = alone.model_copy(update={"cutmix": 1.0})
    return _each({name: policy_columns(pictures, config, columns, seed) for name, config in configs.items()})


def _each(
    shown: dict[str, tuple[list[UInt8Array], list[str]]],
) -> tuple[list[UInt8Array], list[list[str]], list[str]]:
    """Make rows of the first picture of each of several sheets of equal width."""
    pictures = zip(*(sheet for sheet, _ in shown.values()), strict=True)
    captions = zip(*(headings for _, headings in shown.values()), strict=True)
    return [np.stack([column[0] for column in row]) for row in pictures], [list(row) for row in captions], list(shown)


def draw_sheet(
    columns: Sequence[UInt8Array],
    headings: Sequence[str],
    rows: Sequence[str],
    captions: Sequence[Sequence[str]] | None = None,
) -> Image.Image:
    """Lay out columns of pictures.

    Args:
        columns: of ``uint8 (n, h, w, 3)`` each.
        headings: one per column.
        rows: one per picture.
        captions: for each column one per picture, to be written below it; None for none.
    """
    height, width = columns[0].shape[1:3]
    step = height + _GAP + (_CAPTION if captions else 0)
    font, small = ImageFont.load_default(size=12), ImageFont.load_default(size=10)
    margin = 2 * _PAD + round(max((font.getlength(title) for title in rows), default=0))
    size = (margin + len(columns) * (width + _GAP), _TOP + len(rows) * step)
    sheet = Image.new("RGB", size, _PAPER)
    write = ImageDraw.Draw(sheet)
    for row, title in enumerate(rows):
        middle = _TOP + row * step + height // 2
        write.text((margin - _PAD, middle), title, _INK, font, anchor="rm")
    for column, (pictures, heading) in enumerate(zip(columns, headings, strict=True)):
        left = margin + column * (width + _GAP)
        write.text((left + width // 2, _TOP // 2), heading, _INK, font, anchor="mm")
        for row, picture in enumerate(pictures):
            sheet.paste(Image.fromarray(picture), (left, _TOP + row * step))
            if captions:
                below = left + width // 2, _TOP + row * step + height + _CAPTION // 2
                write.text(below, captions[column][row], _INK, small, anchor="mm")
    return sheet


def _signed(full: float, columns: int) -> np.ndarray:
    """Return amounts from -full to full without 0, which is the picture as it is."""
    half = max(1, columns // 2)
    steps = np.linspace(0, full, half + 1)[1:]
    return np.concatenate([-steps[::-1], steps])


def _generator(seed: int, column: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed * 1000 + column)


def _augmented(pictures: UInt8Array, config: AugmentConfig, progress: float, generator: torch.Generator) -> UInt8Array:
    count, height, width, _ = pictures.shape
    unit = apply(torch.from_numpy(pictures), draw(config, count, height, width, generator, progress))
    mixed, _ = mix(unit, torch.zeros(count, 1), config, generator)
    return _bytes(mixed)


def _bytes(unit: Tensor) -> UInt8Array:
    array: UInt8Array = (unit * 255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().numpy()
    return array
