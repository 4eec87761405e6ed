"""Test patterns: ramps, stripes, colour bars, gratings and chequers that devices put out instead of a picture."""

from __future__ import annotations

import numpy as np

from smearlab.audit.appearance import Floats

ALIKE = 0.06
"""Greatest part of the contrast by which rows, or repeats, of a pattern differ."""
_BLOCKS = 4
_EVEN_BLOCKS = 0.3  # a pattern repeats finely enough for its blocks to be alike, or is flat
_FLAT = 0.5
_STEP = 3  # every so many rows are enough to see whether they are alike, or lie on a plane
_MOST_BARS = 16
_LEAST_REPEATS = 2


def is_pattern(grey: Floats) -> bool:
    """Tell whether a picture ``float32 (h, w)`` on 0-255 is a device's pattern and not the picture of a thing."""
    contrast = float(grey.std()) + 1e-6
    for turned in (grey, grey.T):
        if float(turned[::_STEP].std(axis=0).mean()) < ALIKE * contrast:
            # All rows are alike, as they are in a bar code too, which is somebody's picture of a thing.
            return not _is_bar_code(turned.mean(0))
    return _may_repeat(grey, contrast) and _repeats(grey, contrast) and _repeats(grey.T, contrast)


def is_ramp(grey: Floats) -> bool:
    """Tell whether the levels of a picture ``float32 (h, w)`` lie on a plane."""
    grey = grey[::_STEP, ::_STEP]
    down, across = (np.arange(side, dtype=np.float32) - np.float32((side - 1) / 2) for side in grey.shape)
    left = grey - grey.mean()
    spread = float((left**2).mean()) ** 0.5
    left -= down[:, None] * (left.mean(1) @ down / (down @ down + 1e-6))
    left -= across * (left.mean(0) @ across / (across @ across + 1e-6))
    return bool(float((left**2).mean()) ** 0.5 < ALIKE * (spread + 1e-6))


def _is_bar_code(profile: Floats) -> bool:
    """Tell whether a profile has two levels only, in many runs of uneven widths."""
    low, high = profile.min(), profile.max()
    middling = np.mean((profile > low + 0.3 * (high - low)) & (profile < high - 0.3 * (high - low)))
    ends = np.flatnonzero(np.diff(profile > (low + high) / 2))
    widths = np.diff(ends)
    if middling > 0.3 or len(ends) <= _MOST_BARS:
        return False
    return bool(widths.std() > 0.3 * widths.mean())


def _may_repeat(grey: Floats, contrast: float) -> bool:
    """Rule out nearly every cell at little cost: its middle is darker than its border."""
    height, width = (side // _BLOCKS for side in grey.shape)
    if not height or not width:
        return False
    columns = grey[: height * _BLOCKS].reshape(_BLOCKS, height, -1).mean(1)
    blocks = columns[:, : width * _BLOCKS].reshape(_BLOCKS, _BLOCKS, width).mean(2)
    return float(blocks.std()) < _EVEN_BLOCKS * contrast or _flat_share(grey) > _FLAT


def _flat_share(grey: Floats) -> float:
    return float((np.abs(grey[:, 1:] - grey[:, :-1]) < 1).mean())


def _repeats(grey: Floats, contrast: float) -> bool:
    """Tell whether a picture shifted across by some whole number of pixels is itself again.

    What hardly changes on the way there (a blob, an even ground) does not repeat: it must first differ.
    """
    most = 0.0
    for lag in range(1, grey.shape[1] // _LEAST_REPEATS):
        change = float(np.abs(grey[:, lag:] - grey[:, :-lag]).mean()) / contrast
        if change < 3 * ALIKE and most > 0.5:
            return True
        most = max(most, change)
    return False
