"""Framing as part of an ONNX graph: pictures of any size in, the same pixels as Pillow's out.

Pillow resizes in two passes, along the rows and then along the columns, with weights rounded to 22 binary places and a
result rounded to whole levels after each. A graph that does the same in ``float64``, where all of this is exact, gives
the same bytes; ONNX's own Resize rounds nothing in between and differs by a level in many pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from onnx import TensorProto, helper

from smearlab.data.window import ANALYSER_SIDES, ANALYSER_WINDOW, LEAST_SIDE, SQUARE_ENOUGH
from smearlab.deploy.onnx_graph import Builder, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnx

    from smearlab.data.framing import Framing

Wide = Literal["refuse", "whole"]
"""What a graph does with a picture of which only an estimate of the field's width could say whether it is a whole
field: ``refuse`` it, or take it ``whole``, as cut out around a cell."""

PRECISION_BITS = 22
"""Binary places of Pillow's weights for 8-bit pictures."""
PREFIX = "framing/"
INPUT = "images"
REFUSAL = (
    f"A picture with both sides from {LEAST_SIDE} px may be a whole field, which this file cannot tell:"
    " cut it to the cell first, or export with --wide whole"
)
"""Name of the node that fails, which ONNX Runtime puts into its message: graphs have no other way of saying why."""


@dataclass(frozen=True)
class Kernel:
    """A resampling filter: how far it reaches at a scale of one, and its weight at a distance."""

    support: float
    weight: Callable[[Builder, Value], Value]


def can_be_inside(framing: Framing) -> bool:
    """Whether a graph can do this framing: not where the picture's content decides what is cut out, or is changed."""
    return framing.crop != "cell" and framing.content == "whole"


def with_framing(model: onnx.ModelProto, framing: Framing, wide: Wide = "refuse") -> None:
    """Put a framing in front of a network, in place.

    Args:
        model: takes ``images`` ``uint8 (n, size, size, 3)``; afterwards ``uint8 (n, h, w, 3)`` with any h and w.
        framing: one that `can_be_inside`.
        wide: for the crop ``auto``.
    """
    builder = Builder(PREFIX)
    framed = _framed(builder, framing, wide)
    graph = model.graph
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name == INPUT:
                node.input[place] = framed.name
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*builder.nodes, *rest])
    graph.initializer.extend(builder.initializers())
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["n", "h", "w", 3]))


def _framed(builder: Builder, framing: Framing, wide: Wide) -> Value:
    images = builder.value(INPUT)
    shape = builder.op("Shape", images)
    height, width = (builder.op("Gather", shape, axis) for axis in (1, 2))
    if framing.crop in ("centre", "auto"):
        cut = _auto if framing.crop == "auto" else _centre
        images, height, width = cut(builder, images, height, width, framing, wide)
    planes = builder.op("Transpose", images, perm=[0, 3, 1, 2]).cast(TensorProto.DOUBLE)
    across = builder.op("Transpose", _weights(builder, width, framing), perm=[1, 0])
    planes = _whole_levels(builder, builder.op("MatMul", planes, across))
    planes = _whole_levels(builder, builder.op("MatMul", _weights(builder, height, framing), planes))
    return builder.op("Transpose", planes, perm=[0, 2, 3, 1]).cast(TensorProto.UINT8)


def _centre(
    builder: Builder, images: Value, height: Value, width: Value, framing: Framing, _: Wide
) -> tuple[Value, Value, Value]:
    shorter = builder.op("Min", height, width).cast(TensorProto.DOUBLE)
    side = builder.op("Max", builder.op("Round", shorter * framing.fraction).cast(TensorProto.INT64), 1)
    return _cut(builder, images, (height, width), (side, side)), side, side


def _auto(
    builder: Builder, images: Value, height: Value, width: Value, framing: Framing, wide: Wide
) -> tuple[Value, Value, Value]:
    """Follow `smearlab.data.window.auto_window` as far as the picture's shape decides."""
    short, long = builder.op("Min", height, width), builder.op("Max", height, width)
    framed = builder.op("Equal", height, framing.size) & builder.op("Equal", width, framing.size)
    analyser = (short >= ANALYSER_SIDES[0]) & (long < ANALYSER_SIDES[1] + 1)
    oblong = ~(builder.op("LessOrEqual", *_doubles(long, short, SQUARE_ENOUGH)))
    cropped = (analyser | oblong) & ~framed
    side = builder.where(analyser, ANALYSER_WINDOW, short)
    sides = (builder.where(cropped, side, height), builder.where(cropped, side, width))
    if wide == "refuse":
        refused = (short >= LEAST_SIDE) & ~analyser & ~framed
        # Element 1 of a list of one: reading it stops the run, with this node's name in the message.
        nothing = builder.op("Gather", np.zeros(1, np.int64), refused.cast(TensorProto.INT64), says=REFUSAL)
        sides = (sides[0] + nothing, sides[1])
    return _cut(builder, images, (height, width), sides), *sides


def _doubles(long: Value, short: Value, factor: float) -> tuple[Value, Value]:
    return long.cast(TensorProto.DOUBLE), short.cast(TensorProto.DOUBLE) * factor


def _cut(builder: Builder, images: Value, whole: tuple[Value, Value], sides: tuple[Value, Value]) -> Value:
    """Cut out the centred rectangle."""
    starts = [(full - side) / 2 for full, side in zip(whole, sides, strict=True)]
    ends = [start + side for start, side in zip(starts, sides, strict=True)]
    listed = [
        builder.op("Concat", *(builder.op("Unsqueeze", one, np.array([0])) for one in pair), axis=0)
        for pair in (starts, ends)
    ]
    return builder.op("Slice", images, *listed, np.array([1, 2]))


def _weights(builder: Builder, length: Value, framing: Framing) -> Value:
    """Return the weight of each old pixel in each new one, ``float64 (size, length)``, in units of 2**-22.

    The formulas and their order are those of ``precompute_coeffs`` in Pillow's ``Resample.c``.
    """
    kernel = KERNELS[framing.filter]
    old = length.cast(TensorProto.DOUBLE)
    scale = old / float(framing.size)
    # A picture that shrinks is blurred as much as it must be not to flicker: the filter is stretched.
    stretch = builder.op("Max", scale, 1.0)
    reach = stretch * kernel.support
    centre = scale * (np.arange(framing.size) + 0.5)[:, None]
    first = builder.op("Floor", centre - reach + 0.5)
    end = builder.op("Floor", centre + reach + 0.5)
    pixel = builder.op("Range", 0.0, old, 1.0)
    distance = (pixel - centre + 0.5) * builder.op("Reciprocal", stretch)
    raw = builder.where((pixel >= first) & (pixel < end), kernel.weight(builder, distance), 0.0)
    share = raw / builder.op("ReduceSum", raw, np.array([1]), keepdims=1)
    return builder.op("Round", share * float(2**PRECISION_BITS))


def _whole_levels(builder: Builder, total: Value) -> Value:
    rounded = builder.op("Floor", (total + float(2 ** (PRECISION_BITS - 1))) * 2.0**-PRECISION_BITS)
    return builder.op("Clip", rounded, 0.0, 255.0)


def _box(builder: Builder, x: Value) -> Value:
    # Open to the left and closed to the right, as Pillow has it.
    inside = ~builder.op("LessOrEqual", x, -0.5) & builder.op("LessOrEqual", x, 0.5)
    return builder.where(inside, 1.0, 0.0)


def _bilinear(builder: Builder, x: Value) -> Value:
    return builder.op("Max", builder.op("Neg", builder.op("Abs", x)) + 1.0, 0.0)


def _bicubic(builder: Builder, x: Value) -> Value:
    """Weigh by Keys' cubic convolution (1981) with a = -0.5."""
    a = -0.5
    x = builder.op("Abs", x)
    near = (x * (a + 2.0) - (a + 3.0)) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * a
    return builder.where(x < 1.0, near, builder.where(x < 2.0, far, 0.0))


def _lanczos(builder: Builder, x: Value) -> Value:
    inside = (x >= -3.0) & (x < 3.0)
    return builder.where(inside, _sinc(builder, x) * _sinc(builder, x * (1.0 / 3.0)), 0.0)


def _sinc(builder: Builder, x: Value) -> Value:
    angle = x * np.pi
    zero = builder.op("Equal", angle, 0.0)
    return builder.where(zero, 1.0, builder.op("Sin", angle) / builder.where(zero, 1.0, angle))


KERNELS = {
    "box": Kernel(0.5, _box),
    "bilinear": Kernel(1.0, _bilinear),
    "bicubic": Kernel(2.0, _bicubic),
    "lanczos": Kernel(3.0, _lanczos),
}
