"""A tiny network and model folder, built without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from smearlab.data.framing import Framing
from smearlab.inference.info import IsCell, ModelInfo, NetworkInfo
from smearlab.inference.model_folder import write_model_folder
from smearlab.inference.spread import Floats

CLASS_NAMES = ("red", "green", "blue")


def tiny_network(classes: int = 3, size: int = 16, scale: float = 0.05) -> bytes:
    """Cast, mean over the pixels, and a matrix: the class is the brightest channel; the features are the means."""
    weights = {
        "axes": np.array([1, 2]),
        "w": np.eye(3, classes, dtype=np.float32) * scale,
        "b": np.zeros(classes, np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "axes"], ["features"], keepdims=0),
        helper.make_node("Gemm", ["features", "w", "b"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", size, size, 3])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", classes]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 3]),
        ],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def tiny_info(**changes: object) -> ModelInfo:
    fields: dict[str, object] = {
        "name": "tiny",
        "class_names": CLASS_NAMES,
        "framing": Framing(size=16, crop="none"),
        "network": NetworkInfo(name="mean colour", parameters=12),
        "is_cell": IsCell(threshold=20.0),
    }
    return ModelInfo.model_validate(fields | changes)


def tiny_trust() -> dict[str, Floats]:
    """Class means at saturated red, green and blue; a spread of 20 grey levels."""
    return {
        "temperature": np.array([2.0], np.float32),
        "class_means": np.eye(3, dtype=np.float32) * 200,
        "directions": np.zeros((3, 0), np.float32),
        "residual_variance": np.array([400.0], np.float32),
    }


def write_tiny_folder(parent: Path) -> Path:
    """Write the tiny model to ``parent/tiny``."""
    weights = {"w": np.eye(3, dtype=np.float32)}
    return write_model_folder(
        parent / "tiny", onnx=tiny_network(), weights=weights, trust=tiny_trust(), info=tiny_info()
    )
