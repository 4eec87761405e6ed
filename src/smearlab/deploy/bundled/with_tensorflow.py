"""The network in TensorFlow, operator by operator; neither Keras layers nor ONNX are needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from smearlab.deploy.bundled.graph import read_graph, run_graph
from smearlab.deploy.bundled.maps_tensorflow import plain
from smearlab.deploy.bundled.operators_tensorflow import Operators
from smearlab.deploy.bundled.pixels import cut_out, resized


class Network:
    """Computes the scores of pictures ``uint8 (n, h, w, 3)``."""

    def __init__(self, path: str, settings: dict[str, Any]) -> None:
        self.settings = settings
        graph, constants = read_graph(path)
        size = settings["size"]

        def scores(images: Any) -> Any:  # noqa: ANN401
            return plain(run_graph(graph, constants, Operators(), images))

        # Traced once for any number of pictures; after that TensorFlow runs it without Python.
        signature = tf.TensorSpec([None, size, size, 3], tf.uint8)
        self.compiled = tf.function(scores, input_signature=[signature], autograph=False)

    def scores(self, pictures: np.ndarray) -> np.ndarray:
        """Return ``float32 (n, classes)``."""
        size = self.settings["size"]
        part = cut_out(pictures, self.settings["crop"], self.settings["fraction"], size)
        framed = resized(part, size, self.settings["filter"])
        found: np.ndarray = self.compiled(tf.constant(framed)).numpy()
        return found
