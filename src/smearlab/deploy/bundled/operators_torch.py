"""ONNX's operators in PyTorch: a method for each, whose arguments are the operator's inputs and attributes."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from smearlab.deploy.bundled.graph import resize_weights

TYPES = {1: torch.float32, 2: torch.uint8, 6: torch.int32, 7: torch.int64, 9: torch.bool, 11: torch.float64}


def padded(x: Any, pads: Any, value: float) -> Any:
    """Pad the last axes of a tensor; `pads` names all beginnings and then all ends, as ONNX does."""
    pairs = list(zip(pads[: len(pads) // 2], pads[len(pads) // 2 :]))  # noqa: B905 - new in Python 3.10
    flat = [width for pair in reversed(pairs) for width in pair]
    return functional.pad(x, flat, value=value) if any(flat) else x


def channelwise(vector: Any, x: Any) -> Any:
    """Shape a vector to stand beside the second axis."""
    return vector.reshape(-1, *[1] * (x.ndim - 2))


def reduced(axes: Any, x: Any) -> list[int]:
    """Return the axes of a reduction: all where none are named."""
    return list(range(x.ndim)) if axes is None else [int(axis) for axis in axes]


class Operators:
    """ONNX's operators."""

    def Conv(self, x, w, b=None, *, pads=(0, 0, 0, 0), strides=(1, 1), dilations=(1, 1), group=1):
        return functional.conv2d(padded(x, pads, 0.0), w, b, tuple(strides), 0, tuple(dilations), group)

    def Gemm(self, a, b, c=None, *, alpha=1.0, beta=1.0, transA=0, transB=0):
        product = (a.T if transA else a) @ (b.T if transB else b) * alpha
        return product if c is None else product + c * beta

    def MatMul(self, a, b):
        return a @ b

    def MaxPool(self, x, *, kernel_shape, pads=(0, 0, 0, 0), strides=(1, 1), dilations=(1, 1), ceil_mode=0):
        x = padded(x, pads, float("-inf"))
        return functional.max_pool2d(x, tuple(kernel_shape), tuple(strides), 0, tuple(dilations), bool(ceil_mode))

    def AveragePool(self, x, *, kernel_shape, pads=(0, 0, 0, 0), strides=(1, 1), ceil_mode=0, count_include_pad=0):
        how = (tuple(kernel_shape), tuple(strides), 0, bool(ceil_mode))
        total = functional.avg_pool2d(padded(x, pads, 0.0), *how)
        if count_include_pad or not any(pads):
            return total
        return total / functional.avg_pool2d(padded(torch.ones_like(x[:1, :1]), pads, 0.0), *how)

    def GlobalAveragePool(self, x):
        return x.mean((2, 3), keepdim=True)

    def GlobalMaxPool(self, x):
        return x.amax((2, 3), keepdim=True)

    def BatchNormalization(self, x, scale, bias, mean, variance, *, epsilon=1e-5):
        factor = scale / torch.sqrt(variance + epsilon)
        return x * channelwise(factor, x) + channelwise(bias - mean * factor, x)

    def InstanceNormalization(self, x, scale, bias, *, epsilon=1e-5):
        return functional.instance_norm(x, weight=scale, bias=bias, eps=epsilon)

    def GroupNormalization(self, x, scale, bias, *, num_groups, epsilon=1e-5):
        if len(scale) == num_groups:  # up to opset 20 there is one weight for a group
            scale, bias = (one.repeat_interleave(x.shape[1] // num_groups) for one in (scale, bias))
        return functional.group_norm(x, num_groups, scale, bias, epsilon)

    def LayerNormalization(self, x, scale, bias=None, *, axis=-1, epsilon=1e-5):
        return functional.layer_norm(x, x.shape[axis % x.ndim :], scale, bias, epsilon)

    def Relu(self, x):
        return torch.relu(x)

    def LeakyRelu(self, x, *, alpha=0.01):
        return functional.leaky_relu(x, alpha)

    def PRelu(self, x, slope):
        return torch.where(x < 0, x * slope, x)

    def Elu(self, x, *, alpha=1.0):
        return functional.elu(x, alpha)

    def Sigmoid(self, x):
        return torch.sigmoid(x)

    def HardSigmoid(self, x, *, alpha=0.2, beta=0.5):
        return (x * alpha + beta).clamp(0, 1)

    def HardSwish(self, x):
        return functional.hardswish(x)

    def Softplus(self, x):
        return functional.softplus(x)

    def Mish(self, x):
        return functional.mish(x)

    def Tanh(self, x):
        return torch.tanh(x)

    def Erf(self, x):
        return torch.erf(x)

    def Gelu(self, x, *, approximate="none"):
        return functional.gelu(x, approximate=approximate)

    def Softmax(self, x, *, axis=-1):
        return torch.softmax(x, axis)

    def Clip(self, x, low=None, high=None):
        return torch.clamp(x, low, high)

    def Sqrt(self, x):
        return torch.sqrt(x)

    def Exp(self, x):
        return torch.exp(x)

    def Log(self, x):
        return torch.log(x)

    def Abs(self, x):
        return torch.abs(x)

    def Neg(self, x):
        return -x

    def Floor(self, x):
        return torch.floor(x)

    def Reciprocal(self, x):
        return 1 / x

    def Pow(self, x, power):
        return torch.pow(x, power).to(x.dtype)

    def Add(self, a, b):
        return a + b

    def Sub(self, a, b):
        return a - b

    def Mul(self, a, b):
        return a * b

    def Div(self, a, b):
        return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")

    def Max(self, *values):
        return self._folded(torch.maximum, values)

    def Min(self, *values):
        return self._folded(torch.minimum, values)

    def Equal(self, a, b):
        return a == b

    def Less(self, a, b):
        return a < b

    def Greater(self, a, b):
        return a > b

    def Not(self, x):
        return ~x

    def And(self, a, b):
        return a & b

    def Where(self, condition, a, b):
        return torch.where(condition, a, b)

    def ReduceMean(self, x, axes=None, *, keepdims=1):
        return x.mean(reduced(axes, x), bool(keepdims))

    def ReduceSum(self, x, axes=None, *, keepdims=1):
        return x.sum(reduced(axes, x), bool(keepdims))

    def ReduceMax(self, x, axes=None, *, keepdims=1):
        return x.amax(reduced(axes, x), bool(keepdims))

    def ReduceMin(self, x, axes=None, *, keepdims=1):
        return x.amin(reduced(axes, x), bool(keepdims))

    def ReduceL2(self, x, axes=None, *, keepdims=1):
        return x.square().sum(reduced(axes, x), bool(keepdims)).sqrt()

    def Shape(self, x, *, start=0, end=None):
        return torch.tensor(x.shape[start:end], dtype=torch.int64)

    def Cast(self, x, *, to):
        return x.to(TYPES[to])

    def Identity(self, x):
        return x

    def Transpose(self, x, *, perm):
        return x.permute(*perm)

    def Reshape(self, x, shape, *, allowzero=0):
        sides = [int(side) for side in shape]
        return x.reshape([x.shape[at] if side == 0 and not allowzero else side for at, side in enumerate(sides)])

    def Flatten(self, x, *, axis=1):
        return x.flatten(axis) if axis == 1 else x.reshape(x.shape[:axis].numel(), -1)

    def Squeeze(self, x, axes=None):
        return x.squeeze() if axes is None else x.squeeze(tuple(int(axis) for axis in axes))

    def Unsqueeze(self, x, axes):
        places = sorted(int(axis) % (x.ndim + len(axes)) for axis in axes)
        for place in places:
            x = x.unsqueeze(place)
        return x

    def Concat(self, *values, axis):
        return torch.cat(values, axis)

    def Split(self, x, sizes=None, *, axis=0, num_outputs=0):
        if sizes is not None:
            return torch.split(x, [int(size) for size in sizes], axis)
        return torch.split(x, -(-x.shape[axis] // num_outputs), axis)

    def Slice(self, x, starts, ends, axes=None, steps=None):
        places = range(len(starts)) if axes is None else [int(axis) for axis in axes]
        cuts = [slice(None)] * x.ndim
        for number, place in enumerate(places):
            step = 1 if steps is None else int(steps[number])
            cuts[place] = slice(int(starts[number]), int(ends[number]), step)
        return x[tuple(cuts)]

    def Gather(self, x, indices, *, axis=0):
        found = torch.index_select(x, axis, indices.reshape(-1) % x.shape[axis])
        return found.reshape(*x.shape[:axis], *indices.shape, *x.shape[axis % x.ndim + 1 :])

    def Expand(self, x, shape):
        return x.expand(torch.broadcast_shapes(x.shape, tuple(int(side) for side in shape)))

    def Range(self, start, end, step):
        return torch.arange(int(start), int(end), int(step), dtype=start.dtype)

    def Pad(self, x, pads, value=None, *, mode="constant"):
        widths = [int(width) for width in pads]
        if mode == "reflect":  # PyTorch reflects height and width alone
            return functional.pad(x, (widths[3], widths[7], widths[2], widths[6]), mode="reflect")
        return padded(x, widths, 0.0 if value is None else float(value))

    def Resize(
        self, x, roi=None, scales=None, sizes=None, *, mode, coordinate_transformation_mode, cubic_coeff_a=-0.75
    ):
        wanted = sizes[2:] if sizes is not None else [int(x.shape[at] * float(scales[at])) for at in (2, 3)]
        how = (mode, cubic_coeff_a, coordinate_transformation_mode)
        rows, columns = (torch.from_numpy(resize_weights(x.shape[at + 2], int(wanted[at]), *how)) for at in (0, 1))
        return rows @ (x @ columns.T)

    def _folded(self, function, values):
        found = values[0]
        for value in values[1:]:
            found = function(found, value)
        return found
