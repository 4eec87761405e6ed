"""From an ONNX file to a list of operators and weights that `bundled.graph` runs where there is no ONNX Runtime."""

from __future__ import annotations

import ast
import io
import json
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from smearlab.deploy.onnx_graph import load_graph
from smearlab.errors import ModelError
from smearlab.inference.session import INPUT, LOGITS

if TYPE_CHECKING:
    from collections.abc import Sequence

HARMLESS: dict[str, dict[str, Any]] = {
    "Conv": {"auto_pad": "NOTSET", "kernel_shape": None},
    "MaxPool": {"auto_pad": "NOTSET", "storage_order": 0, "dilations": [1, 1]},
    "AveragePool": {"auto_pad": "NOTSET", "dilations": [1, 1]},
    "BatchNormalization": {"momentum": None, "training_mode": 0},
    "LayerNormalization": {"stash_type": None},
    "GroupNormalization": {"stash_type": None},
    "Cast": {"saturate": None},
    "Resize": {
        "antialias": 0,
        "exclude_outside": 0,
        "extrapolation_value": None,
        "keep_aspect_ratio_policy": "stretch",
        "nearest_mode": None,
    },
    **{f"Reduce{kind}": {"noop_with_empty_axes": 0} for kind in ("Mean", "Sum", "Max", "Min", "L2")},
}
"""Attributes that change nothing at this value (None: at any), so that no runtime needs to know them."""
VALUES = {
    ("Resize", "mode"): ("linear", "cubic"),
    ("Resize", "coordinate_transformation_mode"): (
        "half_pixel",
        "pytorch_half_pixel",
        "align_corners",
        "asymmetric",
    ),
    ("Pad", "mode"): ("constant", "reflect"),
}
"""The values that are known of attributes that choose a method."""


@dataclass(frozen=True)
class Known:
    """What a runtime's interpreter knows of an operator.

    Attributes:
        inputs: how many it takes; None for any number.
        attributes: their names.
    """

    inputs: int | None
    attributes: frozenset[str]


def known_operators(runtime: str) -> dict[str, Known]:
    """Read from the source of an interpreter which operators it knows; the runtime need not be installed.

    Args:
        runtime: ``torch`` or ``tensorflow``.
    """
    source = resources.files("smearlab.deploy.bundled").joinpath(f"operators_{runtime}.py").read_text("utf-8")
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == "Operators"]
    methods = [node for node in classes[0].body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    return {
        method.name: Known(
            inputs=None if method.args.vararg else len(method.args.args) - 1,
            attributes=frozenset(argument.arg for argument in method.args.kwonlyargs),
        )
        for method in methods
    }


def flatten(network: bytes, runtime: str, *, half: bool = False) -> bytes:
    """Write a network as an ``.npz`` file for an interpreter.

    Args:
        network: an ONNX file with the input ``images`` and an output ``logits``.
        runtime: ``torch`` or ``tensorflow``.
        half: whether weights are stored in half precision; they are computed with in ``float32`` all the same.

    Raises:
        ModelError: the network uses an operator that the interpreter does not know; the message names it.
    """
    model = load_graph(_simplified(network))
    nodes, constants = _needed(model)
    refuse_unknown(nodes, runtime)
    kept = [node for node in nodes if node.op_type != "Constant"]
    described = [[node.op_type, list(node.input), list(node.output), attributes_of(node)] for node in kept]
    names = {name: f"w{number}" for number, name in enumerate(constants)}
    graph = {
        "input": INPUT,
        "output": LOGITS,
        "nodes": described,
        "constants": names,
        "done_after": _done_after(described, set(constants)),
    }
    arrays = {names[name]: _stored(array, half) for name, array in constants.items()}
    file = io.BytesIO()
    np.savez(file, graph=np.frombuffer(json.dumps(graph).encode(), np.uint8), **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def refuse_unknown(nodes: Sequence[onnx.NodeProto], runtime: str) -> None:
    """Check that an interpreter knows all operators of a network, with the attributes that they have.

    Raises:
        ModelError: it does not; all that it does not know is named.
    """
    known = known_operators(runtime)
    faults = {fault for node in nodes if node.op_type != "Constant" for fault in _faults(node, known)}
    if faults:
        raise ModelError(
            f"model.py for {runtime} does not know what this network uses: {', '.join(sorted(faults))}. Choose "
            "--runtime onnxruntime, which runs every network."
        )


def _faults(node: onnx.NodeProto, known: dict[str, Known]) -> list[str]:
    name = node.op_type
    if node.domain not in ("", "ai.onnx"):
        return [f"{node.domain}.{name}"]
    if name not in known:
        return [name]
    limit, attributes = known[name].inputs, attributes_of(node)
    faults = [f"{name} with {key} = {value}" for key, value in attributes.items() if key not in known[name].attributes]
    faults += [
        f"{name} with {key} = {value}"
        for key, value in attributes.items()
        if value not in VALUES.get((name, key), (value,))
    ]
    return faults + ([f"{name} with {len(node.input)} inputs"] if limit is not None and len(node.input) > limit else [])


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """Return a node's attributes as plain values, without those that change nothing."""
    harmless = HARMLESS.get(node.op_type, {})
    values = {attribute.name: _plain(helper.get_attribute_value(attribute)) for attribute in node.attribute}
    return {
        key: value
        for key, value in values.items()
        if key not in harmless or (harmless[key] is not None and harmless[key] != value)
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever an attribute holds
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (int, float, str)):
        return value
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value).tolist()
    return [_plain(one) for one in value]


def _simplified(network: bytes) -> bytes:
    """Let ONNX Runtime compute beforehand what does not depend on the pictures, and fold normalisation into weights."""
    with tempfile.TemporaryDirectory(prefix="smearlab-flat-") as folder:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(Path(folder) / "simple.onnx")
        onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        simple = (Path(folder) / "simple.onnx").read_bytes()
    foreign = [node for node in onnx.load_from_string(simple).graph.node if node.domain not in ("", "ai.onnx")]
    return network if foreign else simple


def _needed(model: onnx.ModelProto) -> tuple[list[onnx.NodeProto], dict[str, np.ndarray]]:
    """Return the nodes that the logits depend on, in order, and the constants that they use."""
    wanted, nodes = {LOGITS}, []
    for node in reversed(model.graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            nodes.append(node)
    constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer if one.name in wanted}
    for node in nodes:
        if node.op_type == "Constant":
            constants[node.output[0]] = _constant(node)
    return nodes[::-1], constants


def _constant(node: onnx.NodeProto) -> np.ndarray:
    attribute = node.attribute[0]
    value = helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return np.asarray(numpy_helper.to_array(value))
    return np.asarray(value, np.float32 if attribute.name.startswith("value_float") else np.int64)


def _done_after(nodes: list[list[Any]], constants: set[str]) -> list[list[str]]:
    """Name, for each node, the values that no later one uses."""
    last: dict[str, int] = {}
    for place, (_, inputs, outputs, _attributes) in enumerate(nodes):
        last.update((name, place) for name in [*inputs, *outputs] if name)
    done: list[list[str]] = [[] for _ in nodes]
    for name, place in last.items():
        if name != LOGITS and name not in constants:
            done[place].append(name)
    return done


def _stored(array: np.ndarray, half: bool) -> np.ndarray:
    # Single numbers and short vectors stay as they are: they cost nothing, and some of them are shapes and limits.
    return array.astype(np.float16) if half and array.dtype == np.float32 and array.size > 64 else array
