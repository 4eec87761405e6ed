"""A network as a list of operators computes what its ONNX file does, and what is not known is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from tests.deploy.networks import SIZE, conv_network, network, pictures

from smearlab.deploy.bundled.graph import read_graph, resize_weights, run_graph
from smearlab.deploy.flat_graph import flatten, known_operators, refuse_unknown
from smearlab.errors import ModelError


def expected(model: bytes, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["logits"], {"images": images})[0])


def in_torch(path: Path, images: np.ndarray) -> np.ndarray:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from smearlab.deploy.bundled.operators_torch import Operators

    graph, constants = read_graph(str(path))
    ready = {name: torch.from_numpy(array) for name, array in constants.items()}
    return np.asarray(run_graph(graph, ready, Operators(), torch.from_numpy(images)))


def written(folder: Path, model: bytes, runtime: str = "torch", **options: Any) -> Path:
    path = folder / "weights.npz"
    path.write_bytes(flatten(model, runtime, **options))
    return path


def test_torch_computes_what_onnx_runtime_does(tmp_path: Path) -> None:
    model, images = conv_network(), pictures(5, SIZE, SIZE)
    found = in_torch(written(tmp_path, model), images)
    np.testing.assert_allclose(found, expected(model, images), atol=1e-4)


def test_half_precision_halves_the_file_and_changes_little(tmp_path: Path) -> None:
    model, images = conv_network(), pictures(5, SIZE, SIZE)
    whole = written(tmp_path, model).stat().st_size
    half = written(tmp_path, model, half=True)
    assert half.stat().st_size < whole
    _, constants = read_graph(str(half))
    assert {array.dtype for array in constants.values()} <= {np.dtype(np.float32), np.dtype(np.int64)}
    np.testing.assert_allclose(in_torch(half, images), expected(model, images), rtol=0.02, atol=0.1)


def test_what_the_logits_do_not_need_is_left_out(tmp_path: Path) -> None:
    graph, constants = read_graph(str(written(tmp_path, conv_network(), "tensorflow")))
    used = {name for _, inputs, _, _ in graph["nodes"] for name in inputs}
    assert set(constants) <= used
    assert graph["nodes"][-1][0] == "Gemm"


def test_both_interpreters_know_the_same_operators() -> None:
    torch, tensorflow = known_operators("torch"), known_operators("tensorflow")
    assert len(torch) > 60
    assert set(torch) - set(tensorflow) == {"GroupNormalization"}
    assert not set(tensorflow) - set(torch)
    assert torch["Conv"].inputs == 3
    assert torch["Concat"].inputs is None
    assert "group" in tensorflow["Conv"].attributes


@pytest.mark.parametrize("runtime", ["torch", "tensorflow"])
def test_what_is_not_known_is_named(runtime: str) -> None:
    nodes = [
        helper.make_node("NonZero", ["x"], ["y"]),
        helper.make_node("Attention", ["x"], ["z"], domain="com.microsoft"),
        helper.make_node("Conv", ["x", "w"], ["c"], auto_pad="SAME_UPPER"),
        helper.make_node("Resize", ["x", "", "s"], ["r"], mode="nearest", coordinate_transformation_mode="asymmetric"),
        helper.make_node("Relu", ["x"], ["k"]),
    ]
    with pytest.raises(ModelError, match="does not know") as refused:
        refuse_unknown(nodes, runtime)
    for name in ("NonZero", "com.microsoft.Attention", "Conv with auto_pad = SAME_UPPER", "Resize with mode = nearest"):
        assert name in str(refused.value)
    assert "Relu" not in str(refused.value)
    assert "--runtime onnxruntime" in str(refused.value)


def test_attributes_that_change_nothing_are_no_hindrance() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], auto_pad="NOTSET", kernel_shape=[3, 3], dilations=[2, 2]),
        helper.make_node("MaxPool", ["c"], ["p"], kernel_shape=[2, 2], ceil_mode=0, storage_order=0),
        helper.make_node("ReduceMean", ["p", "a"], ["r"], keepdims=0, noop_with_empty_axes=0),
    ]
    refuse_unknown(nodes, "tensorflow")


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("transformation", ["half_pixel", "align_corners", "asymmetric"])
def test_resizing_inside_a_network_is_onnx_s(mode: str, transformation: str) -> None:
    sizes = np.array([1, 1, 5, 19])
    node = helper.make_node(
        "Resize",
        ["x", "", "", "sizes"],
        ["y"],
        mode=mode,
        coordinate_transformation_mode=transformation,
        cubic_coeff_a=-0.75,
    )
    shape = [1, 1, 9, 7]
    types = onnx.TensorProto
    graph = helper.make_graph(
        [node],
        "resize",
        [helper.make_tensor_value_info("x", types.FLOAT, shape)],
        [helper.make_tensor_value_info("y", types.FLOAT, sizes.tolist())],
        [numpy_helper.from_array(sizes, "sizes")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    rows, columns = (resize_weights(old, new, mode, -0.75, transformation) for old, new in ((9, 5), (7, 19)))
    np.testing.assert_allclose(rows @ x @ columns.T, session.run(None, {"x": x})[0], atol=1e-5)


def test_operators_one_by_one_in_torch(tmp_path: Path) -> None:
    """Everything that the tiny network above does not use, after one another on its pictures."""
    weights: dict[str, Any] = {
        "power": np.float32(2),
        "slope": np.full((3, 1, 1), 0.1, np.float32),
        "g": np.array([1, 2, 0.5], np.float32),
        "b": np.array([0, 0.1, -0.1], np.float32),
        "starts": np.array([1]),
        "ends": np.array([9]),
        "axis": np.array([2]),
        "pads": np.array([0, 0, 1, 2, 0, 0, 2, 1]),
        "picked": np.array([2, 0, -1]),
        "w": np.random.default_rng(0).normal(size=(8, 3 * 5 * 8)).astype(np.float32),
        "c": np.zeros(8, np.float32),
        "half": np.float32(0.5),
        "places": np.array([2, 3]),
    }
    make = helper.make_node
    nodes = [
        make("Transpose", ["images"], ["t"], perm=[0, 3, 1, 2]),
        make("Cast", ["t"], ["f"], to=1),
        make("Div", ["f", "hundred"], ["x0"]),
        make("InstanceNormalization", ["x0", "g", "b"], ["x1"], epsilon=1e-3),
        make("PRelu", ["x1", "slope"], ["x2"]),
        make("HardSwish", ["x2"], ["x3"]),
        make("Erf", ["x3"], ["x4"]),
        make("Pad", ["x4", "pads"], ["x5"], mode="reflect"),
        make("AveragePool", ["x5"], ["x6"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        make("Slice", ["x6", "starts", "ends", "axis"], ["x7"]),
        make("Gather", ["x7", "picked"], ["x8"], axis=1),
        make("Sub", ["x7", "x8"], ["d"]),
        make("Pow", ["d", "power"], ["x9"]),
        make("Add", ["x9", "half"], ["x10"]),
        make("Sqrt", ["x10"], ["x11"]),
        make("Softmax", ["x11"], ["x12"], axis=-1),
        make("MaxPool", ["x12"], ["x13"], kernel_shape=[2, 2], strides=[2, 2], pads=[1, 0, 1, 0]),
        make("ReduceMax", ["x13", "places"], ["m"], keepdims=1),
        make("Mul", ["x13", "m"], ["x14"]),
        make("Shape", ["x14"], ["shape"], start=0, end=1),
        make("Concat", ["shape", "minus"], ["flat"], axis=0),
        make("Reshape", ["x14", "flat"], ["features"]),
        make("Gemm", ["features", "w", "c"], ["logits"], transB=1, alpha=2.0),
    ]
    weights |= {"hundred": np.float32(100), "minus": np.array([-1])}
    images = pictures(2, SIZE, SIZE)
    model = network(nodes, weights, SIZE, 8, 120)
    np.testing.assert_allclose(in_torch(written(tmp_path, model), images), expected(model, images), atol=1e-3)
