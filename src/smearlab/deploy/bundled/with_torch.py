"""The network in PyTorch, operator by operator; neither timm nor ONNX is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from smearlab.deploy.bundled.graph import read_graph, run_graph
from smearlab.deploy.bundled.operators_torch import Operators
from smearlab.deploy.bundled.pixels import cut_out, resized


class Network:
    """Computes the scores of pictures ``uint8 (n, h, w, 3)``."""

    def __init__(self, path: str, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.graph, constants = read_graph(path)
        self.constants = {name: torch.from_numpy(array) for name, array in constants.items()}

    def scores(self, pictures: np.ndarray) -> np.ndarray:
        """Return ``float32 (n, classes)``."""
        size = self.settings["size"]
        part = cut_out(pictures, self.settings["crop"], self.settings["fraction"], size)
        framed = np.ascontiguousarray(resized(part, size, self.settings["filter"]))
        with torch.inference_mode():
            found: np.ndarray = run_graph(self.graph, self.constants, Operators(), torch.from_numpy(framed)).numpy()
        return found
