"""Pictures on which nothing can be seen: empty, noise, test patterns, ruined by blur or light, broken off.

Each check states a physical fact about the pixels of one picture and needs no model and no other picture. The limits
lie far from whatever a microscope gives, so a picture that is merely bad stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smearlab.audit.appearance import LARGEST_SIDE, Floats, flat_shares, small
from smearlab.audit.findings import Finding
from smearlab.audit.patterns import is_pattern, is_ramp
from smearlab.data.progress import progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smearlab.data.cells import Cells, UInt8Array

BLANK_SPREAD = 6
"""Grey levels between the first and the last hundredth of the pixels, up to which a picture is empty."""
FAINT_SPREAD = 10
"""The same, up to which it shows too little to be told from the steps of 8-bit levels."""
DARKEST, LIGHTEST = 16, 205
"""A picture whose brightest hundredth lies below the one, or whose darkest pixels above the other, is misexposed."""
CLIPPED, BURNT, WHITE = 254, 0.995, 0.75
"""Level at which a sensor is full; share of the pixels with a full channel, and with all three full, from which light
has eaten the picture. Cells on a white slide keep pixels of which no channel is full."""
NOISE_CORRELATION = 0.14
"""Greatest correlation of neighbouring pixels in pure noise; in the worst camera's cells it is above 0.3."""
BLUR_WIDTH = 0.17
"""Width of the steepest edge, as a share of the side, from which nothing but a smudge is left.

Cells in focus have 0.02 to 0.06; the smudge left by a Gaussian blur of a tenth of the side has 0.2 and more.
"""
CUT_SHARE = 0.3
"""Share of the height that is empty in a file that broke off."""

_BLUR_GRID = 48
_TOP_STRUCTURE = 0.6  # share of equal neighbours above a cut; drawings have more, whatever a camera saw has less


class Verdict(NamedTuple):
    """Why a picture cannot be used, how certain that is on 0 to 1, and whether somebody drew it."""

    reason: str
    score: float
    drawn: bool = False


def find_unreadable(cells: Cells) -> list[Finding]:
    """Find pictures on which no cell can be seen, and the rows that could not be decoded at all.

    Args:
        cells: the pictures, of any and mixed sizes.

    Returns:
        One finding per such row, in the order of rows; its suggestion gives the reason.
    """
    found = [
        Finding(one.row, one.source, "unreadable", 1.0, suggestion=f"drop: {one.reason}") for one in cells.unreadable
    ]
    with progress("Looking for unreadable pictures", len(cells)) as advance:
        for position, picture in enumerate(cells):
            verdict = judge_picture(picture)
            if verdict is not None:
                found.append(_finding(cells, position, verdict))
            advance(1)
    return sorted(found, key=lambda finding: finding.row)


def _finding(cells: Cells, position: int, verdict: Verdict) -> Finding:
    row, source = int(cells.rows[position]), str(cells.sources[position])
    return Finding(row, source, "unreadable", verdict.score, suggestion=f"drop: {verdict.reason}")


def judge_picture(picture: UInt8Array) -> Verdict | None:
    """Say why a picture ``uint8 (h, w, 3)`` shows nothing; None where it shows something."""
    if max(picture.shape[:2]) > LARGEST_SIDE:
        picture = small(picture, LARGEST_SIDE)
    light = _light(picture)
    grey: Floats = picture.astype(np.float32) @ np.full(3, 1 / 3, np.float32)
    lit = _exposure(light) or _burnt(picture, light)
    return _empty(light) or _noise(grey) or _cut(picture) or lit or _pattern(grey) or _blur(picture)


@dataclass(frozen=True)
class _Light:
    """Levels of the channels' darkest and brightest pixels."""

    lowest: int  # of 0.2 % of the pixels, in the darkest channel
    low: NDArray[np.int64]  # of 1 %, by channel
    high: NDArray[np.int64]  # of 99 %, by channel
    full: float  # share of the pixels that are full, in the channel with the fewest

    @property
    def spread(self) -> int:
        return int((self.high - self.low).max())


def _light(picture: UInt8Array) -> _Light:
    shares = np.stack([np.bincount(picture[..., channel].ravel(), minlength=256) for channel in range(3)]).cumsum(1)
    shares = shares / shares[:, -1:]
    lowest, low, high = ((shares < share).sum(1) for share in (0.002, 0.01, 0.99))
    return _Light(int(lowest.min()), low, high, full=float(1 - shares[:, CLIPPED - 1].max()))


def _empty(light: _Light) -> Verdict | None:
    if light.spread > BLANK_SPREAD:
        return None
    if light.high.max() < DARKEST:
        return Verdict("blank (black)", 1.0)
    if light.low.min() > 255 - DARKEST:
        return Verdict("blank (white)", 1.0)
    return Verdict("one colour", 1.0)


def _noise(grey: Floats) -> Verdict | None:
    """Pure noise: no pixel says anything of its neighbours, nor do pairs of pixels, should the grain be coarser."""
    fine = _correlation(grey)
    if fine > 0.8 or min(grey.shape) < 16:
        return None
    even = grey[: grey.shape[0] // 2 * 2, : grey.shape[1] // 2 * 2]
    coarse = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / np.float32(4)
    # A grid of dots or letters has some direction or distance in which pixels agree; in noise there is none.
    worst = min(max(fine, _correlation(grey, 2)), max(_correlation(coarse), _correlation(coarse, 2)))
    return Verdict("pure noise", 0.98) if worst < NOISE_CORRELATION and _correlation(coarse, 3) < 0.2 else None


def _correlation(grey: Floats, lag: int = 1) -> float:
    """Return the greatest absolute correlation of pixels with those `lag` further down or across."""
    left = grey - grey.mean()
    variance = float((left**2).mean()) + 1e-6
    down, across = (left[lag:] * left[:-lag]).mean(), (left[:, lag:] * left[:, :-lag]).mean()
    return max(abs(float(down)), abs(float(across))) / variance


def _exposure(light: _Light) -> Verdict | None:
    if light.high.max() < DARKEST:
        return Verdict("far too dark", 0.97)
    if light.lowest > LIGHTEST:
        return Verdict("far too bright", 0.95)
    return Verdict("hardly any contrast", 0.92) if light.spread <= FAINT_SPREAD else None


def _burnt(picture: UInt8Array, light: _Light) -> Verdict | None:
    """So much light that nothing is left but full channels; a drawing in pure colours on white looks the same."""
    if light.full < WHITE:
        return None  # known without a look: no more pixels are white than are full in any one channel
    if (picture.max(2) >= CLIPPED).mean() < BURNT or (picture.min(2) >= CLIPPED).mean() < WHITE:
        return None
    return Verdict("far too bright", 0.95, drawn=True)


def _cut(picture: UInt8Array) -> Verdict | None:
    """A file that broke off: from some row on all is one shade of grey, above it is what a camera saw."""
    fill = picture[-1, -1].astype(np.int16)
    if np.ptp(fill) > 3 or np.ptp(picture[-1].astype(np.int16), axis=0).max() > 3:
        return None
    differs = np.abs(picture.astype(np.int16) - fill).max(2) > 3
    # In every column the last row that differs; the block in which the file broke off may leave two such rows.
    ends = np.where(differs.any(0), len(picture) - differs[::-1].argmax(0), 0)
    last = int(ends.max())
    if not 2 <= last <= (1 - CUT_SHARE) * len(picture):
        return None
    straight = np.sort(np.bincount(ends))[-2:].sum() / len(ends)
    empty = 1 - last / len(picture)
    if straight < 0.8 or flat_shares(picture[:last])[0] > _TOP_STRUCTURE:
        return None
    return Verdict(f"broken off (the last {empty:.0%} of the rows are empty)", 0.97 if empty >= 0.4 else 0.85)


def _pattern(grey: Floats) -> Verdict | None:
    if is_ramp(grey):
        return Verdict("a ramp of light", 0.97)
    return Verdict("test pattern", 0.97, drawn=True) if is_pattern(grey) else None


def _blur(picture: UInt8Array) -> Verdict | None:
    """A smudge: the steepest edge is as wide as a part of the picture that no lens makes of a cell."""
    grid = small(picture, _BLUR_GRID).transpose(2, 0, 1).astype(np.float32, order="C")
    # Means of three pixels, lest the noise of the camera passes for an edge.
    smooth = grid[:, 2:] + grid[:, 1:-1] + grid[:, :-2]
    smooth = (smooth[..., 2:] + smooth[..., 1:-1] + smooth[..., :-2]) / 9
    down, across = smooth[:, 1:] - smooth[:, :-1], smooth[..., 1:] - smooth[..., :-1]
    steepest = float(max(down.max(), -down.min(), across.max(), -across.min()))
    channels = smooth.reshape(3, -1)
    spread = float((channels.max(1) - channels.min(1)).max())
    width = spread / max(steepest, 1e-3) / _BLUR_GRID
    if width < BLUR_WIDTH:
        return None
    return Verdict("blurred beyond recognition", min(0.99, 0.75 + 5 * (width - BLUR_WIDTH)))
