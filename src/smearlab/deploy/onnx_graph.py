"""ONNX graphs: small ones written as formulas, and what is done to whole ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from smearlab.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operators that hold a network's weights."""
OLDEST_OPSET = 13
"""Oldest version of the operators that the framing can be put in front of: since then axes are inputs."""


@dataclass(frozen=True, eq=False)
class Value:
    """A value of a graph that is being built, to be used in formulas as NumPy arrays are.

    A Python or NumPy float beside it becomes a ``float64`` constant, an integer an ``int64`` constant.
    """

    builder: Builder
    name: str

    def __add__(self, other: Operand) -> Value:
        return self.builder.op("Add", self, other)

    def __sub__(self, other: Operand) -> Value:
        return self.builder.op("Sub", self, other)

    def __mul__(self, other: Operand) -> Value:
        return self.builder.op("Mul", self, other)

    def __truediv__(self, other: Operand) -> Value:
        return self.builder.op("Div", self, other)

    def __lt__(self, other: Operand) -> Value:
        return self.builder.op("Less", self, other)

    def __ge__(self, other: Operand) -> Value:
        return self.builder.op("GreaterOrEqual", self, other)

    def __and__(self, other: Value) -> Value:
        return self.builder.op("And", self, other)

    def __or__(self, other: Value) -> Value:
        return self.builder.op("Or", self, other)

    def __invert__(self) -> Value:
        return self.builder.op("Not", self)

    def cast(self, kind: int) -> Value:
        """Convert to an element type of ``onnx.TensorProto``."""
        return self.builder.op("Cast", self, to=kind)


Operand = Value | float | int | np.ndarray


@dataclass
class Builder:
    """Collects the nodes and constants of a graph, under names that begin with `prefix`.

    Attributes:
        prefix: of every name, so that it meets no name of a graph that this one is joined to.
        nodes: in the order of computation.
        constants: by name.
    """

    prefix: str
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)

    def value(self, name: str) -> Value:
        """Return a value that comes from outside."""
        return Value(self, name)

    def const(self, array: ArrayLike) -> Value:
        """Return a constant."""
        name = f"{self.prefix}c{len(self.constants)}"
        self.constants[name] = np.asarray(array)
        return Value(self, name)

    def op(self, kind: str, *inputs: Operand, says: str = "", **attributes: Any) -> Value:  # noqa: ANN401
        """Add a node and return its output.

        Args:
            kind: the operator.
            inputs: values, or numbers and arrays that become constants.
            says: the node's own name, which a runtime puts into its error message.
            attributes: of the node.
        """
        names = [(one if isinstance(one, Value) else self.const(one)).name for one in inputs]
        output = f"{self.prefix}v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [output], name=says or output, **attributes))
        return Value(self, output)

    def where(self, condition: Value, then: Operand, otherwise: Operand) -> Value:
        """Choose element by element."""
        return self.op("Where", condition, then, otherwise)

    def initializers(self) -> list[onnx.TensorProto]:
        """Return the constants as they stand in a file."""
        return [numpy_helper.from_array(array, name) for name, array in self.constants.items()]


def load_graph(network: bytes) -> onnx.ModelProto:
    """Read an ONNX file whose nodes may have no names, and give each one.

    Raises:
        ModelError: it is no ONNX, or older than `OLDEST_OPSET`.
    """
    try:
        model = onnx.load_from_string(network)
    except Exception as error:  # protobuf's own error classes, which depend on its version
        raise ModelError(
            f"The model's network is no ONNX file ({str(error)[:100]}). Copy the model folder again."
        ) from None
    version = opset(model)
    if version < OLDEST_OPSET:
        raise ModelError(
            f"The model's network is of opset {version}; {OLDEST_OPSET} or newer is needed. Export it again."
        )
    taken = {node.name for node in model.graph.node}
    for number, node in enumerate(model.graph.node):
        if not node.name or len(taken) < len(model.graph.node):
            node.name = f"node_{number}_{node.op_type}"
    return model


def opset(model: onnx.ModelProto) -> int:
    """Return the version of ONNX's own operators that a file uses."""
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def nodes_before_weights(model: onnx.ModelProto) -> list[str]:
    """Return the names of the nodes before the first one that has weights: scaling and input normalisation.

    They measure and divide pixel values, which takes the full precision; they cost next to nothing.
    """
    names = []
    for node in model.graph.node:
        if node.op_type in WEIGHTED:
            break
        names.append(node.name)
    return names


def set_metadata(model: onnx.ModelProto, entries: Mapping[str, str]) -> None:
    """Write what a file says about itself, in place of what it said."""
    del model.metadata_props[:]
    helper.set_model_props(model, dict(entries))


def checked(model: onnx.ModelProto) -> bytes:
    """Return the file's bytes, after ONNX's own checker has gone through it, types and shapes too.

    Raises:
        ModelError: the checker finds a fault.
    """
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.checker.ValidationError as error:
        raise ModelError(f"The exported network is not valid ONNX ({str(error).splitlines()[0]}).") from None
    return bytes(model.SerializeToString())
