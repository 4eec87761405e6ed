"""A network in half precision, or in whole numbers: smaller, and on processors made for it faster."""

from __future__ import annotations

import logging
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from smearlab.deploy.onnx_graph import WEIGHTED, nodes_before_weights
from smearlab.errors import ModelError
from smearlab.inference.session import INPUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smearlab.data.cells import UInt8Array

Precision = Literal["float32", "float16", "int8"]
QUANTISED = ("Conv", "Gemm", "MatMul", "Add")
"""Operators done in whole numbers: those with weights, and the sums of residual branches between them, which would
otherwise force a conversion on both sides of every block."""
KEPT_AT_START = 4
"""Layers with weights, counted from the pictures, that are not quantised."""
LARGEST_HALF = 65504.0
"""The largest number in half precision."""
_FRONT = "front/"
_BATCH = 16  # pictures that are calibrated with at once: all values of the network are kept for each


def to_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Convert weights and arithmetic to half precision; inputs, outputs and the scaling of pixels stay.

    Args:
        model: in ``float32``.

    Raises:
        ModelError: a weight does not fit into half precision.
    """
    largest = max((float(np.abs(onnx.numpy_helper.to_array(one)).max(initial=0)) for one in _floats(model)), default=0)
    if largest > LARGEST_HALF:
        raise ModelError(
            f"A weight of {largest:.3g} does not fit into float16, which ends at {LARGEST_HALF:.0f}. Export float32 or "
            "int8 instead."
        )
    inputs, outputs, front = list(model.graph.input), list(model.graph.output), _take_front(model)
    with _quiet():
        half: onnx.ModelProto = convert_float_to_float16(model, keep_io_types=True)
    OnnxModel.graph_topological_sort(half.graph)  # the conversion appends its own nodes at the end
    rest = list(half.graph.node)
    del half.graph.node[:], half.graph.input[:], half.graph.output[:], half.graph.value_info[:]
    half.graph.node.extend([*front.node, *rest])
    half.graph.initializer.extend(front.initializer)
    half.graph.input.extend(inputs)
    half.graph.output.extend(outputs)
    return half


def _take_front(model: onnx.ModelProto) -> onnx.GraphProto:
    """Take the nodes before the first weights out of a network, which then has what they give as its inputs.

    Their constants go with them under names of their own, as the others may be used, and converted, by the rest.
    """
    shapes = onnx.shape_inference.infer_shapes(model).graph.value_info
    types = {one.name: one for one in [*shapes, *model.graph.input, *model.graph.output]}
    names = set(nodes_before_weights(model))
    front = [node for node in model.graph.node if node.name in names]
    rest = [node for node in model.graph.node if node.name not in names]
    given = {name for node in front for name in node.output} | {one.name for one in model.graph.input}
    used = list(dict.fromkeys(name for node in rest for name in node.input if name in given))
    taken = onnx.GraphProto()
    for constant in model.graph.initializer:
        if any(constant.name in node.input for node in front):
            taken.initializer.add().CopyFrom(constant)
            taken.initializer[-1].name = _FRONT + constant.name
    constants = {one.name: one for one in model.graph.initializer}
    for node in front:
        taken.node.add().CopyFrom(node)
        taken.node[-1].input[:] = [_FRONT + name if name in constants else name for name in node.input]
    del model.graph.node[:], model.graph.input[:]
    model.graph.node.extend(rest)
    model.graph.input.extend([types[name] for name in used])
    for output in list(model.graph.output):
        if output.name in given:
            model.graph.output.remove(output)
    for name, constant in constants.items():
        if not any(name in node.input for node in rest):
            model.graph.initializer.remove(constant)
    return taken


def to_int8(model: onnx.ModelProto, pictures: UInt8Array) -> onnx.ModelProto:
    """Quantise weights and values between layers to 8 bits, with ranges measured on pictures.

    Weights get a scale for each channel, as those of depthwise convolutions differ widely (Krishnamoorthi 2018); values
    between layers get one each. The graph keeps its operators, with rounding nodes around them (QDQ), which every
    runtime reads and fuses as it can.

    Args:
        model: in ``float32``, without framing.
        pictures: ``uint8 (n, size, size, 3)``, framed, n ≥ 1; varied as those that it will see.
    """
    with tempfile.TemporaryDirectory(prefix="smearlab-int8-") as folder, _quiet():
        source, target = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
        onnx.save(onnx.shape_inference.infer_shapes(model), source)
        quantize_static(
            source,
            target,
            _Pictures(pictures),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTISED),
            nodes_to_exclude=[*nodes_before_weights(model), *_sensitive(model)],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return onnx.load(target)


class _Pictures(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime comes without types
    """Hands pictures to the calibration, batch by batch."""

    def __init__(self, pictures: UInt8Array) -> None:
        self.batches = iter([pictures[start : start + _BATCH] for start in range(0, len(pictures), _BATCH)])

    def get_next(self) -> dict[str, UInt8Array] | None:
        """Return the next batch, None at the end."""
        batch = next(self.batches, None)
        return None if batch is None else {INPUT: np.ascontiguousarray(batch)}


def _floats(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    return (one for one in model.graph.initializer if one.data_type == onnx.TensorProto.FLOAT)


def _sensitive(model: onnx.ModelProto) -> list[str]:
    """Name the layers that stay in ``float32``: a few at the start, whose errors grow all the way, and the last one.

    The last decides between classes by small differences. All of them together hold few weights. The shipped model
    loses 0.4 points on clean cells with its first layers quantised and nothing without.
    """
    weighted = [node.name for node in model.graph.node if node.op_type in WEIGHTED]
    return [*weighted[:KEPT_AT_START], *weighted[-1:]]


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence advice that speaks to the developers of a quantised model."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            root.setLevel(level)
