"""Debris on the slide: dust, precipitate, drops, smudges - blobs of any colour, edge and opacity over the picture."""

from __future__ import annotations

import math

import torch

from smearlab.augment.randomness import numbers

MOST_SPOTS = 6

_WAVES = 3
_DRAWS_EACH = 12 + 3 * _WAVES
_SMALLEST = 0.02  # radius of a speck as a share of the shorter side
# From black to white through what is found on stained slides: dye, rust, dust, skin, mounting medium, air.
_COLOURS = (
    (0.02, 0.02, 0.03),
    (0.02, 0.02, 0.03),  # twice, as white: the ends of the range cover most and would otherwise be the rarest
    (0.20, 0.10, 0.35),
    (0.35, 0.20, 0.55),
    (0.25, 0.30, 0.60),
    (0.70, 0.30, 0.50),
    (0.45, 0.28, 0.15),
    (0.55, 0.55, 0.50),
    (0.85, 0.75, 0.50),
    (0.90, 0.75, 0.80),
    (0.98, 0.98, 0.97),
    (0.98, 0.98, 0.97),
)


def spots(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Lay one to six blobs over the picture: ellipses with wobbled outlines, soft or hard, clear or dense, some rimmed.

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)`` in 0–1; scales number, size and opacity.
        chance: ``float32 (m, 8)`` in [0, 1); column 0 decides everything about each blob.
    """
    draws = numbers(chance[:, 0], 1 + MOST_SPOTS * _DRAWS_EACH)
    number = 1 + (draws[:, 0] * (1 + (MOST_SPOTS - 1) * amounts)).floor().clamp(max=MOST_SPOTS - 1)
    number = torch.where(amounts > 0, number, 0.0)
    # Pictures with many blobs first: those that have a second, a third ... are then a slice, changed where it lies.
    number, order = number.sort(descending=True)
    present = torch.arange(MOST_SPOTS, device=number.device).unsqueeze(1) < number
    each = draws[order, 1:].view(-1, MOST_SPOTS, _DRAWS_EACH).transpose(0, 1)[present]
    cover, inside, body, border = _blobs(each, amounts[order].expand_as(present)[present], *pictures.shape[2:])
    result, done = pictures.index_select(0, order), 0
    for some in present.sum(dim=1).tolist():
        blobs = slice(done, done + some)
        colour = (inside[blobs] * (body[blobs] - border[blobs])).add_(border[blobs])
        result[:some].lerp_(colour, cover[blobs])
        done += some
    return result.clamp_(0, 1).index_select(0, order.argsort())


def _blobs(
    draws: torch.Tensor, amounts: torch.Tensor, height: int, width: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Make every blob of the batch at once.

    Args:
        draws: ``float32 (k, 21)`` in [0, 1), a blob a row.
        amounts: ``float32 (k,)`` in 0–1.
        height: of the pictures.
        width: of the pictures.

    Returns:
        ``float32 (k, 1, h, w)`` how much each pixel is covered, and how far it is from the rim, 0–1;
        ``float32 (k, 3, 1, 1)`` the colours of body and rim.
    """
    # Sizes are spread over their logarithm, so that there are specks and drops.
    radius = min(height, width) * _SMALLEST * ((0.06 + 0.22 * amounts) / _SMALLEST) ** draws[:, 2].sqrt()
    hard = 3 / radius
    edge = torch.where(draws[:, 7] < 0.5, hard, torch.maximum(hard, 2 * draws[:, 7] - 0.6))
    field = _field(draws, radius, edge, height, width)
    rim = 0.15 + 0.5 * draws[:, 9]
    inside = (field - 0.5).mul_(_plane(edge / rim)).clamp_(0, 1)
    opacity = (0.35 + draws[:, 6]).clamp(max=1) * amounts**0.25
    hollow = torch.where(draws[:, 10] < 0.6, 0.0, 2 * draws[:, 10] - 1.2)
    cover = (inside * _plane(-hollow * opacity)).add_(_plane(opacity)).mul_(field.clamp_(0, 1))
    body, border = _colours(draws)
    return cover.unsqueeze(1), inside.unsqueeze(1), body.view(-1, 3, 1, 1), border.view(-1, 3, 1, 1)


def _field(draws: torch.Tensor, radius: torch.Tensor, edge: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Return ``float32 (m, h, w)``: 0.5 on the outline, growing inwards by 1 over the edge's width.

    A rotated ellipse is a sum of three products of a row term and a column term, a plane wave that wobbles its outline
    of two, so one small matrix product makes the whole field.
    """
    down = torch.arange(height, device=draws.device) + 0.5 - (draws[:, 1:2] * 1.1 - 0.05) * height
    across = torch.arange(width, device=draws.device) + 0.5 - (draws[:, 0:1] * 1.1 - 0.05) * width
    long, short = radius.unsqueeze(1), (radius * (0.35 + 0.65 * draws[:, 3])).unsqueeze(1)
    cos, sin = (draws[:, 4:5] * math.pi).cos(), (draws[:, 4:5] * math.pi).sin()
    waves = 0.7 / torch.arange(1, _WAVES + 1, device=draws.device).view(-1, 1)
    angle, rate, phase = draws[:, 12:].view(-1, 3, _WAVES, 1).unbind(dim=1)
    rate, size = (1.2 + 2.5 * rate) / long.unsqueeze(1), draws[:, 11].view(-1, 1, 1) * waves
    steep = rate * (angle * math.pi).sin() * down.unsqueeze(1)
    flat = rate * (angle * math.pi).cos() * across.unsqueeze(1) + phase * (2 * math.pi)
    rows = [torch.ones_like(down), -((sin / long).square() + (cos / short).square()) * down.square(), down]
    columns = [
        1 + edge.unsqueeze(1) / 2 - ((cos / long).square() + (sin / short).square()) * across.square(),
        torch.ones_like(across),
        2 * sin * cos * (1 / short.square() - 1 / long.square()) * across,
    ]
    rows_all = torch.cat([torch.stack(rows, dim=1), steep.cos() * size, steep.sin() * size], dim=1)
    columns_all = torch.cat([torch.stack(columns, dim=1), flat.sin(), flat.cos()], dim=1)
    return torch.bmm((rows_all / edge.view(-1, 1, 1)).transpose(1, 2), columns_all)


def _colours(draws: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the colour of each blob's body and of its rim, ``float32 (m, 3)``."""
    palette = torch.tensor(_COLOURS, device=draws.device)
    place = draws[:, 5] * (len(_COLOURS) - 1)
    below = place.long().clamp_(max=len(_COLOURS) - 2)
    body = torch.lerp(palette[below], palette[below + 1], (place - below).unsqueeze(1))
    target = (draws[:, 8:9] < 0.25).float()
    share = torch.where(draws[:, 8:9] < 0.5, 0.7, 0.0)
    return body, torch.lerp(body, target.expand_as(body), share)


def _plane(values: torch.Tensor) -> torch.Tensor:
    return values.view(-1, 1, 1)
