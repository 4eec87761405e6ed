"""ONNX's operators in TensorFlow: a method for each, whose arguments are the operator's inputs and attributes."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from smearlab.deploy.bundled.graph import resize_weights
from smearlab.deploy.bundled.maps_tensorflow import (
    FIRST,
    LAST,
    Maps,
    each,
    maps,
    overhang,
    padded,
    plain,
    turned,
    whole,
)

TYPES = {1: tf.float32, 2: tf.uint8, 6: tf.int32, 7: tf.int64, 9: tf.bool, 11: tf.float64}


class Operators:
    """ONNX's operators."""

    def Conv(self, x, w, b=None, *, pads=(0, 0, 0, 0), strides=(1, 1), dilations=(1, 1), group=1):
        x, kernel = maps(x), turned(w, [2, 3, 1, 0])
        around = [(dilation * (side - 1)) // 2 for dilation, side in zip(dilations, w.shape[2:])]  # noqa: B905
        same = list(strides) == [1, 1] and list(pads) == around * 2 and all(side % 2 for side in w.shape[2:])
        x = x if same else padded(x, pads, 0.0)
        how = {"padding": "SAME" if same else "VALID", "dilations": list(dilations), "strides": list(strides)}
        if group > 1 and w.shape[1] == 1:
            kernel = kernel.reshape(*w.shape[2:], group, w.shape[0] // group)
            found = tf.nn.depthwise_conv2d(x, kernel, **{**how, "strides": [1, *strides, 1]})
        elif group > 1:
            parts = zip(tf.split(x, group, 3), np.split(kernel, group, 3))  # noqa: B905 - new in Python 3.10
            found = tf.concat([tf.nn.conv2d(part, weights, **how) for part, weights in parts], 3)
        else:
            found = tf.nn.conv2d(x, kernel, **how)
        return Maps(found if b is None else tf.nn.bias_add(found, b))

    def Gemm(self, a, b, c=None, *, alpha=1.0, beta=1.0, transA=0, transB=0):
        product = tf.matmul(plain(a), plain(b), transpose_a=bool(transA), transpose_b=bool(transB)) * alpha
        return product if c is None else product + c * beta

    def MatMul(self, a, b):
        return tf.matmul(plain(a), plain(b))

    def MaxPool(self, x, *, kernel_shape, pads=(0, 0, 0, 0), strides=(1, 1), ceil_mode=0):
        x = maps(x)
        x = padded(padded(x, pads, x.dtype.min), overhang(x, kernel_shape, pads, strides, ceil_mode), x.dtype.min)
        return Maps(tf.nn.max_pool2d(x, list(kernel_shape), list(strides), "VALID"))

    def AveragePool(self, x, *, kernel_shape, pads=(0, 0, 0, 0), strides=(1, 1), ceil_mode=0, count_include_pad=0):
        x, how = maps(x), (list(kernel_shape), list(strides), "VALID")
        over = overhang(x, kernel_shape, pads, strides, ceil_mode)
        total = tf.nn.avg_pool2d(padded(padded(x, pads, 0.0), over, 0.0), *how)
        if not any(over) and (count_include_pad or not any(pads)):
            return Maps(total)
        counted = padded(tf.ones_like(x[:1, :, :, :1]), pads, 1.0 if count_include_pad else 0.0)
        return Maps(total / tf.nn.avg_pool2d(padded(counted, over, 0.0), *how))

    def GlobalAveragePool(self, x):
        return Maps(tf.reduce_mean(maps(x), [1, 2], keepdims=True))

    def GlobalMaxPool(self, x):
        return Maps(tf.reduce_max(maps(x), [1, 2], keepdims=True))

    def BatchNormalization(self, x, scale, bias, mean, variance, *, epsilon=1e-5):
        factor = scale / np.sqrt(variance + epsilon)
        shift = bias - mean * factor
        if isinstance(x, Maps) or len(x.shape) == 4:
            return Maps(maps(x) * factor + shift)
        return x * factor + shift

    def InstanceNormalization(self, x, scale, bias, *, epsilon=1e-5):
        if isinstance(x, Maps) or len(x.shape) == 4:
            return Maps(self._standardised(maps(x), [1, 2], epsilon) * scale + bias)
        column = [-1] + [1] * (len(x.shape) - 2)
        found = self._standardised(x, list(range(2, len(x.shape))), epsilon)
        return found * scale.reshape(column) + bias.reshape(column)

    def LayerNormalization(self, x, scale, bias=None, *, axis=-1, epsilon=1e-5):
        x = plain(x)
        rank = len(x.shape)
        found = self._standardised(x, list(range(axis % rank, rank)), epsilon) * scale
        return found if bias is None else found + bias

    def Relu(self, x):
        return each(tf.nn.relu, x)

    def LeakyRelu(self, x, *, alpha=0.01):
        return each(lambda one: tf.nn.leaky_relu(one, alpha), x)

    def PRelu(self, x, slope):
        return each(lambda one, factor: tf.where(one < 0, one * factor, one), x, slope)

    def Elu(self, x, *, alpha=1.0):
        return each(lambda one: tf.where(one < 0, alpha * tf.math.expm1(one), one), x)

    def Sigmoid(self, x):
        return each(tf.sigmoid, x)

    def HardSigmoid(self, x, *, alpha=0.2, beta=0.5):
        return each(lambda one: tf.clip_by_value(one * alpha + beta, 0.0, 1.0), x)

    def HardSwish(self, x):
        return each(lambda one: one * tf.nn.relu6(one + 3.0) * (1 / 6), x)

    def Softplus(self, x):
        return each(tf.math.softplus, x)

    def Mish(self, x):
        return each(lambda one: one * tf.tanh(tf.math.softplus(one)), x)

    def Tanh(self, x):
        return each(tf.tanh, x)

    def Erf(self, x):
        return each(tf.math.erf, x)

    def Gelu(self, x, *, approximate="none"):
        return each(lambda one: tf.nn.gelu(one, approximate=approximate == "tanh"), x)

    def Softmax(self, x, *, axis=-1):
        return tf.nn.softmax(plain(x), axis=axis)

    def Clip(self, x, low=None, high=None):
        if low is not None:
            x = each(lambda one: tf.maximum(one, low), x)
        return x if high is None else each(lambda one: tf.minimum(one, high), x)

    def Sqrt(self, x):
        return each(tf.sqrt, x)

    def Exp(self, x):
        return each(tf.exp, x)

    def Log(self, x):
        return each(tf.math.log, x)

    def Abs(self, x):
        return each(tf.abs, x)

    def Neg(self, x):
        return each(tf.negative, x)

    def Floor(self, x):
        return each(tf.floor, x)

    def Reciprocal(self, x):
        return each(tf.math.reciprocal, x)

    def Pow(self, x, power):
        return each(lambda one, exponent: tf.pow(one, tf.cast(exponent, one.dtype)), x, power)

    def Add(self, a, b):
        return each(tf.add, a, b)

    def Sub(self, a, b):
        return each(tf.subtract, a, b)

    def Mul(self, a, b):
        return each(tf.multiply, a, b)

    def Div(self, a, b):
        return each(lambda one, other: tf.truncatediv(one, other) if self._is_whole(one) else one / other, a, b)

    def Max(self, *values):
        return self._folded(tf.maximum, values)

    def Min(self, *values):
        return self._folded(tf.minimum, values)

    def Equal(self, a, b):
        return each(tf.equal, a, b)

    def Less(self, a, b):
        return each(tf.less, a, b)

    def Greater(self, a, b):
        return each(tf.greater, a, b)

    def Not(self, x):
        return each(tf.logical_not, x)

    def And(self, a, b):
        return each(tf.logical_and, a, b)

    def Where(self, condition, a, b):
        return each(tf.where, condition, a, b)

    def ReduceMean(self, x, axes=None, *, keepdims=1):
        return self._reduced(tf.reduce_mean, x, axes, keepdims)

    def ReduceSum(self, x, axes=None, *, keepdims=1):
        return self._reduced(tf.reduce_sum, x, axes, keepdims)

    def ReduceMax(self, x, axes=None, *, keepdims=1):
        return self._reduced(tf.reduce_max, x, axes, keepdims)

    def ReduceMin(self, x, axes=None, *, keepdims=1):
        return self._reduced(tf.reduce_min, x, axes, keepdims)

    def ReduceL2(self, x, axes=None, *, keepdims=1):
        return self._reduced(tf.math.reduce_euclidean_norm, x, axes, keepdims)

    def Shape(self, x, *, start=0, end=None):
        shape = tf.shape(x.tensor if isinstance(x, Maps) else x, out_type=tf.int64)
        return (tf.gather(shape, FIRST) if isinstance(x, Maps) else shape)[start:end]

    def Cast(self, x, *, to):
        return each(lambda one: tf.cast(one, TYPES[to]), x)

    def Identity(self, x):
        return x

    def Transpose(self, x, *, perm):
        if isinstance(x, Maps):
            return x.tensor if list(perm) == LAST else turned(plain(x), list(perm))
        return Maps(x) if list(perm) == FIRST else turned(x, list(perm))

    def Reshape(self, x, shape, *, allowzero=0):
        x = plain(x)
        if not isinstance(shape, np.ndarray) or allowzero:
            return tf.reshape(x, shape)
        known = tf.shape(x)
        return tf.reshape(x, [known[at] if side == 0 else int(side) for at, side in enumerate(shape)])

    def Flatten(self, x, *, axis=1):
        x = plain(x)
        sides = tf.shape(x)
        return tf.reshape(x, [tf.reduce_prod(sides[:axis]), int(np.prod(x.shape[axis:]))])

    def Squeeze(self, x, axes=None):
        return tf.squeeze(plain(x), None if axes is None else whole(axes))

    def Unsqueeze(self, x, axes):
        x, places = plain(x), whole(axes)
        for place in sorted(place % (len(x.shape) + len(places)) for place in places):
            x = tf.expand_dims(x, place)
        return x

    def Concat(self, *values, axis):
        if axis == 1 and all(isinstance(value, Maps) for value in values):
            return Maps(tf.concat([value.tensor for value in values], 3))
        return tf.concat([plain(value) for value in values], axis)

    def Split(self, x, sizes=None, *, axis=0, num_outputs=0):
        x = plain(x)
        return tf.split(x, num_outputs if sizes is None else whole(sizes), axis)

    def Slice(self, x, starts, ends, axes=None, steps=None):
        x = plain(x)
        # Numbers beyond any side stand for the border.
        begin, end = ([side if abs(side) < 2**31 else None for side in whole(sides)] for sides in (starts, ends))
        places = range(len(begin)) if axes is None else whole(axes)
        strides = [1] * len(begin) if steps is None else whole(steps)
        cuts = [slice(None)] * len(x.shape)
        for number, place in enumerate(places):
            cuts[place] = slice(begin[number], end[number], strides[number])
        return x[tuple(cuts)]

    def Gather(self, x, indices, *, axis=0):
        x = plain(x)
        indices = tf.cast(indices, tf.int64)
        return tf.gather(x, tf.where(indices < 0, indices + tf.shape(x, tf.int64)[axis], indices), axis=axis)

    def Expand(self, x, shape):
        x = plain(x)
        shape = tf.cast(shape, tf.int64)
        return tf.broadcast_to(x, tf.broadcast_dynamic_shape(tf.shape(x, tf.int64), shape))

    def Range(self, start, end, step):
        return tf.range(start, end, step)

    def Pad(self, x, pads, value=None, *, mode="constant"):
        widths = np.reshape(whole(pads), (2, -1)).T
        filled = 0.0 if value is None else value
        if isinstance(x, Maps):
            return Maps(tf.pad(x.tensor, widths[LAST], mode, constant_values=filled))
        return tf.pad(x, widths, mode, constant_values=filled)

    def Resize(
        self, x, roi=None, scales=None, sizes=None, *, mode, coordinate_transformation_mode, cubic_coeff_a=-0.75
    ):
        x = plain(x)
        old = [int(side) for side in x.shape[2:]]
        wanted = whole(sizes)[2:] if sizes is not None else [int(old[at] * float(scales[at + 2])) for at in (0, 1)]
        how = (mode, cubic_coeff_a, coordinate_transformation_mode)
        rows, columns = (resize_weights(old[at], wanted[at], *how) for at in (0, 1))
        return tf.matmul(rows, tf.matmul(x, columns, transpose_b=True))

    def _standardised(self, x, axes, epsilon):
        mean = tf.reduce_mean(x, axes, keepdims=True)
        centred = x - mean
        return centred * tf.math.rsqrt(tf.reduce_mean(tf.square(centred), axes, keepdims=True) + epsilon)

    def _reduced(self, function, x, axes, keepdims):
        rank = 4 if isinstance(x, Maps) else len(x.shape)
        places = list(range(rank)) if axes is None else [axis % rank for axis in whole(axes)]
        if not isinstance(x, Maps):
            return function(x, places, keepdims=bool(keepdims))
        inside = [FIRST[place] for place in places]
        if keepdims:
            return Maps(function(x.tensor, inside, keepdims=True))
        # What is left keeps its order only where neither height nor width is.
        return function(x.tensor, inside) if {2, 3} <= set(places) else function(plain(x), places)

    def _is_whole(self, x):
        return np.issubdtype(x.dtype if isinstance(x, np.ndarray) else x.dtype.as_numpy_dtype, np.integer)

    def _folded(self, function, values):
        found = values[0]
        for value in values[1:]:
            found = each(function, found, value)
        return found
