"""The class that a competition's server calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from smearlab.deploy.bundled.reading import as_bytes
from smearlab.deploy.bundled.settings import SETTINGS
from smearlab.deploy.bundled.with_onnxruntime import Network


class Model:
    """Names the cells in pictures: ``Model().predict(X)``."""

    def __init__(self) -> None:
        # A server may run this file's text instead of importing it; then the weights lie where it runs.
        folder = Path(__file__).resolve().parent if "__file__" in globals() else Path.cwd()
        self.class_names = tuple(SETTINGS["class_names"])
        self.network = Network(str(folder / SETTINGS["weights"]), SETTINGS)

    def predict(self, X: Any) -> np.ndarray:  # noqa: ANN401 - anything like an array
        """Name cells.

        Args:
            X: pictures ``(n, 96, 96, 3)``, RGB from 0 to 255, in whole numbers or floats.

        Returns:
            ``int64 (n,)``: each picture's class, a place in `class_names`.
        """
        pictures = as_bytes(X)
        named = np.zeros(len(pictures), np.int64)
        step = SETTINGS["batch_size"]
        for start in range(0, len(pictures), step):
            named[start : start + step] = self.network.scores(pictures[start : start + step]).argmax(1)
        return named
