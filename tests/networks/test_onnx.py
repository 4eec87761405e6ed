"""The exported file says what the network says, and a file that does not is refused."""

from __future__ import annotations

import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from tests.networks.tiny_network import SIZE, tiny_network
from torch import Tensor, nn

from smearlab.errors import ModelError
from smearlab.networks.build import CellNetwork
from smearlab.networks.config import HeadConfig
from smearlab.networks.onnx import TOLERANCE, check_onnx, export_onnx, strip_origins


def raw(count: int = 5) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def network() -> CellNetwork:
    return tiny_network(HeadConfig(layers=(6,), dropout=0.5)).to(memory_format=torch.channels_last)


@pytest.fixture(scope="module")
def exported(network: CellNetwork) -> bytes:
    return export_onnx(network, SIZE)


def test_the_file_is_valid_and_takes_bytes(exported: bytes) -> None:
    model = onnx.load_from_string(exported)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    (images,) = session.get_inputs()
    assert (images.name, images.type, images.shape[1:]) == ("images", "tensor(uint8)", [SIZE, SIZE, 3])
    assert [output.name for output in session.get_outputs()] == ["logits", "features"]


@pytest.mark.parametrize("count", [1, 5])
def test_logits_and_features_agree_for_any_batch(network: CellNetwork, exported: bytes, count: int) -> None:
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    logits, features = session.run(["logits", "features"], {"images": raw(count)})
    with torch.inference_mode():
        pictures = torch.from_numpy(raw(count)).permute(0, 3, 1, 2).float() / 255
        expected = network.eval().features(pictures)
        np.testing.assert_allclose(features, expected.numpy(), atol=1e-4)
        np.testing.assert_allclose(logits, network.head(expected).numpy(), atol=1e-4)
    assert logits.shape == (count, 3)
    assert check_onnx(exported, network, raw(count)) < 1e-4


def test_the_file_holds_no_transposed_weights(exported: bytes) -> None:
    nodes = [node.op_type for node in onnx.load_from_string(exported).graph.node]
    assert nodes.count("Transpose") == 1  # the one that puts the channels first


def test_the_file_tells_nothing_of_the_machine(exported: bytes) -> None:
    folders = (sys.prefix, Path(torch.__file__).parent, Path(__file__).parents[1], Path.home())
    for trace in ("site-packages", "stack_trace", ".py", *map(str, folders)):
        assert trace.encode() not in exported, trace


def test_metadata_and_doc_strings_are_removed_at_every_depth() -> None:
    inner = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"], doc_string="inner")], "inner", [], []
    )
    branch = onnx.helper.make_node("If", ["c"], ["z"], doc_string="outer", then_branch=inner, else_branch=inner)
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1], doc_string="value")
    graph = onnx.helper.make_graph([branch], "outer", [value], [], doc_string="graph")
    function = onnx.helper.make_function("d", "f", ["x"], ["y"], [branch], [onnx.helper.make_opsetid("", 18)])
    model = onnx.helper.make_model(graph, doc_string="model", functions=[function])
    for part in (model, model.graph, model.graph.node[0], model.graph.input[0], model.functions[0].node[0]):
        part.metadata_props.add(key="trace", value="/home/someone/network.py")
    strip_origins(model)
    text = str(model)
    assert "doc_string" not in text
    assert "metadata_props" not in text
    assert text.count('op_type: "Identity"') == 4
    assert text.count('op_type: "If"') == 2


def test_a_network_that_differs_is_refused(exported: bytes) -> None:
    other = tiny_network(HeadConfig(layers=(6,), dropout=0.5), seed=1)
    with pytest.raises(ModelError, match=r"differs from the network it was made from by .* on 5 pictures"):
        check_onnx(exported, other, raw())


def test_a_network_that_is_no_number_is_refused(exported: bytes) -> None:
    broken = tiny_network(HeadConfig(layers=(6,), dropout=0.5))
    with torch.no_grad():
        broken.head[-1].bias.fill_(torch.nan)  # type: ignore[index]
    with pytest.raises(ModelError, match="differs"):
        check_onnx(exported, broken, raw())


class Cancelling(nn.Module):
    """Loses all but the first digits in float32, and none to speak of in float64."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Add much, and take it away again."""
        return (pictures.mean((2, 3)) + 1e6) - 1e6


def test_a_network_that_magnifies_rounding_is_held_to_its_own_precision() -> None:
    network = CellNetwork(Cancelling(), nn.Sequential(nn.Linear(3, 3)), "imagenet").eval()
    model, other = export_onnx(network, SIZE), deepcopy(network)
    with torch.no_grad():
        network.head[0].bias.add_(0.02)  # type: ignore[index]
        other.head[0].bias.add_(5.0)  # type: ignore[index]
    assert check_onnx(model, network, raw()) > TOLERANCE
    with pytest.raises(ModelError, match="differs"):
        check_onnx(model, other, raw())
