"""The network in ONNX Runtime; cutting and resizing are inside its file."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime


class Network:
    """Computes the scores of pictures ``uint8 (n, h, w, 3)``."""

    def __init__(self, path: str, settings: dict[str, Any]) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def scores(self, pictures: np.ndarray) -> np.ndarray:
        """Return ``float32 (n, classes)``."""
        found: np.ndarray = self.session.run(["logits"], {"images": np.ascontiguousarray(pictures)})[0]
        return found
