"""Feature maps in TensorFlow, which convolves on a CPU only with the channels last, while ONNX has them first.

So maps are kept as `Maps`, channels last, from the first convolution on, and are turned only where an operator needs
ONNX's order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

LAST, FIRST = [0, 2, 3, 1], [0, 3, 1, 2]


class Maps:
    """Feature maps ``(n, h, w, channels)`` that stand for ONNX's ``(n, channels, h, w)``."""

    def __init__(self, tensor: Any) -> None:  # noqa: ANN401
        self.tensor = tensor


def turned(x: Any, order: list[int]) -> Any:  # noqa: ANN401
    """Exchange axes, of constants beforehand."""
    return np.transpose(x, order) if isinstance(x, np.ndarray) else tf.transpose(x, order)


def plain(x: Any) -> Any:  # noqa: ANN401
    """Return a value in ONNX's order."""
    return turned(x.tensor, FIRST) if isinstance(x, Maps) else x


def maps(x: Any) -> Any:  # noqa: ANN401
    """Return maps with the channels last."""
    return x.tensor if isinstance(x, Maps) else turned(x, LAST)


def beside(x: Any) -> Any:  # noqa: ANN401
    """Return a value of up to four axes so that it stands beside maps with the channels last."""
    if isinstance(x, Maps):
        return x.tensor
    missing = 4 - len(x.shape)
    if len(x.shape) == 0:
        return x
    for _ in range(missing):
        x = x[None]
    return turned(x, LAST)


def each(function: Any, *values: Any) -> Any:  # noqa: ANN401
    """Apply a function element by element, whatever the order of the values."""
    if any(isinstance(value, Maps) for value in values):
        return Maps(function(*[beside(value) for value in values]))
    return function(*values)


def whole(values: Any) -> list[int]:  # noqa: ANN401
    """Return constants as Python's integers."""
    found = tf.get_static_value(values)
    if found is None:
        raise ValueError("this model computes a shape that model.py must know beforehand")
    return [int(value) for value in np.ravel(found)]


def padded(x: Any, pads: Any, value: float) -> Any:  # noqa: ANN401
    """Pad height and width of maps with the channels last."""
    if not any(pads):
        return x
    return tf.pad(x, [[0, 0], [pads[0], pads[2]], [pads[1], pads[3]], [0, 0]], constant_values=value)


def overhang(x: Any, kernel: Any, pads: Any, strides: Any, wanted: int) -> list[int]:  # noqa: ANN401
    """Return how far the last windows of a pooling reach beyond maps and their pads, where they may: as pads."""
    if not wanted:
        return [0, 0, 0, 0]
    over = []
    for at in (0, 1):
        side, before, after = int(x.shape[at + 1]), pads[at], pads[at + 2]
        windows = -(-(side + before + after - kernel[at]) // strides[at]) + 1
        if (windows - 1) * strides[at] >= side + before:  # none may begin beyond the maps
            windows -= 1
        over.append(max(0, (windows - 1) * strides[at] + kernel[at] - side - before - after))
    return [0, 0, *over]
