"""A network as a list of ONNX operators and their weights, in one ``.npz`` file that holds no code."""

from __future__ import annotations

import json
from typing import Any

import numpy as np


def read_graph(path: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read a network.

    Returns:
        Its description (``nodes``, each ``[operator, inputs, outputs, attributes]``; ``input``; ``output``), and its
        constants by name, half-precision ones widened.
    """
    with np.load(path, allow_pickle=False) as file:
        graph = json.loads(file["graph"].tobytes().decode("utf-8"))
        constants = {name: file[key] for name, key in graph["constants"].items()}
    widened = {name: _widened(array) for name, array in constants.items()}
    return graph, widened


def run_graph(graph: dict[str, Any], constants: dict[str, Any], operators: object, images: Any) -> Any:  # noqa: ANN401
    """Compute a network's output, operator by operator.

    Args:
        graph: see `read_graph`.
        constants: by name, in the form that the operators take.
        operators: has a method for each operator's name.
        images: the network's input, in the form that the operators take.
    """
    values = dict(constants)
    values[graph["input"]] = images
    for place, (name, inputs, outputs, attributes) in enumerate(graph["nodes"]):
        found = getattr(operators, name)(*[values[one] if one else None for one in inputs], **attributes)
        if len(outputs) == 1:
            values[outputs[0]] = found
        else:
            values.update((key, one) for key, one in zip(outputs, found) if key)  # noqa: B905 - new in Python 3.10
        for used in graph["done_after"][place]:
            del values[used]  # what nobody needs any more makes room
    return values[graph["output"]]


def resize_weights(old: int, new: int, mode: str, a: float, transformation: str) -> np.ndarray:
    """Return the weight of each old pixel in each new one, ``float32 (new, old)``, as ONNX's Resize defines it."""
    place = np.arange(new, dtype=np.float64)
    if transformation == "align_corners":
        place = place * (old - 1) / max(new - 1, 1)
    elif transformation == "asymmetric":
        place = place * old / new
    else:
        place = (place + 0.5) * old / new - 0.5
    weights = np.zeros((new, old))
    first = np.floor(place).astype(int) - 1
    for step in range(4):
        pixel = first + step
        value = _tap(np.abs(place - pixel), mode, a)
        np.add.at(weights, (np.arange(new), np.clip(pixel, 0, old - 1)), value)
    return weights.astype(np.float32)


def _tap(x: np.ndarray, mode: str, a: float) -> np.ndarray:
    if mode == "linear":
        return np.maximum(1.0 - x, 0.0)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def _widened(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype == np.float16 else array
