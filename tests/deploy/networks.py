"""Tiny networks and model folders to export, built without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tests.inference.tiny_model import tiny_info

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.framing import Framing, frame_pictures
from smearlab.inference.model_folder import write_model_folder

SIZE = 28


def conv_network(size: int = SIZE, classes: int = 8, seed: int = 5) -> bytes:
    """Scaling, a convolution, a depthwise one with its residual, pooling and a dense layer that names all classes."""
    offset = np.zeros(classes, np.float32)
    images = frame_pictures(pictures(64, seed=9), Framing(size=size))
    session = onnxruntime.InferenceSession(_conv_network(size, classes, seed, offset))
    logits = session.run(["logits"], {"images": images})[0]
    return _conv_network(size, classes, seed, -logits.mean(0))


def _conv_network(size: int, classes: int, seed: int, offset: np.ndarray) -> bytes:
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(0, 1.5 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)

    weights = {
        "w1": normal(8, 3, 3, 3),
        "b1": normal(8),
        "w2": normal(8, 1, 3, 3),
        "b2": normal(8),
        "w3": normal(16, 8, 1, 1),
        "b3": normal(16),
        "w4": normal(classes, 16) * 5,
        "b4": offset.astype(np.float32),
        "scale": np.float32(127.5),
        "one": np.float32(1),
        "low": np.float32(0),
        "high": np.float32(6),
        "axes": np.array([2, 3]),
    }
    around: dict[str, Any] = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Transpose", ["images"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["floats", "scale"], ["divided"]),
        helper.make_node("Sub", ["divided", "one"], ["scaled"]),
        helper.make_node("Conv", ["scaled", "w1", "b1"], ["c1"], strides=[2, 2], **around),
        helper.make_node("Clip", ["c1", "low", "high"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], group=8, **around),
        helper.make_node("Add", ["c2", "r1"], ["sum"]),
        helper.make_node("Conv", ["sum", "w3", "b3"], ["c3"], kernel_shape=[1, 1]),
        helper.make_node("Relu", ["c3"], ["r3"]),
        helper.make_node("ReduceMean", ["r3", "axes"], ["features"], keepdims=0),
        helper.make_node("Gemm", ["features", "w4", "b4"], ["logits"], transB=1),
    ]
    return network(nodes, weights, size, classes, 16)


def network(nodes: list[onnx.NodeProto], weights: dict[str, Any], size: int, classes: int, width: int) -> bytes:
    """Put nodes together to a network of the model folder's form."""
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", size, size, 3])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", classes]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", width]),
        ],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def write_conv_folder(target: Path, framing: Framing | None = None) -> Path:
    """Write a model folder around `conv_network`."""
    framing = framing or Framing(size=SIZE)
    trust = {
        "temperature": np.array([2.0], np.float32),
        "class_means": np.zeros((8, 16), np.float32),
        "directions": np.zeros((16, 0), np.float32),
        "residual_variance": np.array([1.0], np.float32),
    }
    info = tiny_info(class_names=CLASS_NAMES, framing=framing)
    weights = {"w": np.eye(3, dtype=np.float32)}
    return write_model_folder(target, onnx=conv_network(framing.size), weights=weights, trust=trust, info=info)


def pictures(count: int, height: int = 96, width: int = 96, seed: int = 1) -> np.ndarray:
    """Return noise of many colours, smooth enough for resizing to matter: ``uint8 (count, height, width, 3)``."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    tints = rng.uniform(0.1, 1.0, (count, 1, 1, 3))
    fine = coarse.repeat(8, 1).repeat(8, 2)[:, :height, :width] * tints
    return np.clip(fine + rng.integers(-20, 21, fine.shape), 0, 255).astype(np.uint8)


def write_cells(path: Path, per_class: int = 6) -> Path:
    """Write labelled pictures of eight classes as a ``.npz``."""
    labels = np.repeat(np.arange(8), per_class)
    np.savez(path, images=pictures(len(labels)), labels=labels)
    return path
