"""Thumbnails of thousands of pictures in sheets: few large JPEGs instead of many small ones, within a budget of bytes.

A sheet is one picture with 8×8 thumbnails. Sides are multiples of 16 pixels, so that no block of JPEG's transform
(16×16 with halved colour) lies across two thumbnails and one colours the other by more than its outermost pixel.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image

from smearlab.data.cells import Pictures, UInt8Array
from smearlab.data.loading import threads_at_hand

ACROSS = 8  # thumbnails in a line of a sheet
PER_SHEET = ACROSS * ACROSS
FILL = (216, 211, 222)  # beside pictures that are not square
TIERS: tuple[tuple[int, int], ...] = ((128, 84), (96, 84), (96, 74), (80, 72), (64, 70), (48, 62))
"""Side in pixels and JPEG quality, the finest first."""


@dataclass(frozen=True)
class Sheets:
    """Thumbnails in sheets.

    Attributes:
        side: of one thumbnail in pixels.
        count: how many there are; the last sheet may be partly empty.
        sheets: each one as JPEG in base64.
    """

    side: int
    count: int
    sheets: tuple[str, ...]

    @property
    def size(self) -> int:
        """Characters in the page."""
        return sum(map(len, self.sheets))


NO_SHEETS = Sheets(TIERS[-1][0], 0, ())


def draw_sheets(pictures: Pictures, positions: Sequence[int], budget: int) -> Sheets | None:
    """Draw thumbnails, as fine as the budget allows.

    Args:
        pictures: ``uint8 (h, w, 3)`` RGB of any size.
        positions: which pictures, in the order of the thumbnails.
        budget: characters that the sheets may take in the page.

    Returns:
        The sheets, or None where even the coarsest would not fit.
    """
    if not positions:
        return NO_SHEETS
    tier = _fitting_tier(pictures, positions, budget)
    if tier is None:
        return None
    side, quality = tier
    parts = [positions[start : start + PER_SHEET] for start in range(0, len(positions), PER_SHEET)]
    with ThreadPoolExecutor(threads_at_hand()) as pool:
        drawn = tuple(pool.map(lambda part: _sheet(pictures, part, side, quality), parts))
    return Sheets(side, len(positions), drawn)


def _fitting_tier(pictures: Pictures, positions: Sequence[int], budget: int) -> tuple[int, int] | None:
    """Find the finest tier that a sample of the pictures says will fit."""
    picks = np.unique(np.linspace(0, len(positions) - 1, PER_SHEET).round().astype(np.int64))
    sample = [pictures[positions[int(pick)]] for pick in picks]
    largest = max(max(picture.shape[:2]) for picture in sample)
    useful = [tier for tier in TIERS if tier[0] < largest + 16] or [TIERS[-1]]
    for side, quality in useful:
        needed = len(_sheet(sample, range(len(sample)), side, quality)) / len(sample) * len(positions)
        if needed <= budget:
            return side, quality
    return None


def _sheet(pictures: Pictures, positions: Sequence[int], side: int, quality: int) -> str:
    sheet = Image.new("RGB", (ACROSS * side, side * -(-len(positions) // ACROSS)), FILL)
    for place, position in enumerate(positions):
        picture = _thumbnail(pictures[position], side)
        left = place % ACROSS * side + (side - picture.width) // 2
        top = place // ACROSS * side + (side - picture.height) // 2
        sheet.paste(picture, (left, top))
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=quality, subsampling=2)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _thumbnail(image: UInt8Array, side: int) -> Image.Image:
    """Fit a picture into a square; small ones are enlarged, so that all thumbnails are of one size."""
    picture = Image.fromarray(np.ascontiguousarray(image, dtype=np.uint8))
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    # Twice as fast on large pictures, and no difference to be seen at this size.
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
