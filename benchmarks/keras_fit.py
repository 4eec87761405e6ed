"""The counterpart in Keras 3: `model.fit`, preprocessing layers inside the model, all of it compiled.

Runs in an environment of its own (see requirements-peers.txt), where smearlab is not installed. The backend is
KERAS_BACKEND's, JAX unless that says otherwise; `fit` compiles the step by itself where the backend can (jit_compile
"auto"). The rotation policy only flips and rotates, since each further layer would resample the pictures once more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.turns import Job, Stopwatch, Turn, serve

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from keras import KerasTensor, layers

CLASSES = 8
SIDE = 96


class EpochWatch(keras.callbacks.Callback):  # type: ignore[misc, unused-ignore]
    """Measures the epoch itself: not the start of `fit`, not its end."""

    def __init__(self, pictures: int) -> None:
        super().__init__()
        self.pictures, self.turn = pictures, Turn(0.0)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start."""
        self._watch = Stopwatch()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Stop; by now the epoch's loss is known, so all its steps are done."""
        self.turn = self._watch.turn(self.pictures)


def make(job: Job) -> Callable[[], Turn]:
    half = job.precision == "bfloat16"
    keras.config.set_dtype_policy("mixed_bfloat16" if half else "float32")
    model = build(job)
    optimiser = keras.optimizers.AdamW(1e-3, weight_decay=0.05)
    model.compile(optimiser, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    positions = np.arange(job.pictures) % len(np.load(f"{job.data}/labels.npy"))
    images = np.load(f"{job.data}/images.npy")[positions]
    labels = np.load(f"{job.data}/labels.npy")[positions].astype(np.int32)
    watch = EpochWatch(job.pictures)

    def turn() -> Turn:
        model.fit(images, labels, batch_size=job.batch_size, epochs=1, verbose=0, shuffle=True, callbacks=[watch])
        return watch.turn

    return turn


def build(job: Job) -> keras.Model:
    """Build augmentation, scaling and network as one model; logits come out in float32."""
    pictures = keras.Input((SIDE, SIDE, 3), dtype="uint8")
    x = layers.RandomFlip("horizontal_and_vertical")(pictures)
    if job.policy == "geometry":
        x = layers.RandomRotation(0.5, fill_mode="reflect", interpolation="bilinear")(x)
    features = mobilenet(x) if job.network.startswith("mobilenet") else resnet18(x)
    return keras.Model(pictures, layers.Dense(CLASSES, dtype="float32")(features))


def mobilenet(x: KerasTensor) -> KerasTensor:
    """MobileNetV3-small from keras.applications; its scaling is inside."""
    body = keras.applications.MobileNetV3Small((SIDE, SIDE, 3), include_top=False, weights=None, pooling="avg")
    # Its top's hidden layer of 1024 is part of the network that timm calls mobilenetv3_small_100.
    return layers.Activation("hard_silu")(layers.Dense(1024)(body(x)))


def resnet18(x: KerasTensor) -> KerasTensor:
    """ResNet-18 (He et al. 2016) from basic blocks: keras.applications begins at ResNet-50."""
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(x)
    x = layers.MaxPooling2D(3, 2, padding="same")(normalised(x, 64, 7, 2))
    for width, stride in ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)):
        short = x if stride == 1 else layers.BatchNormalization()(convolved(x, width, 1, stride))
        y = layers.BatchNormalization()(convolved(normalised(x, width, 3, stride), width, 3, 1))
        x = layers.ReLU()(layers.Add()([short, y]))
    return layers.GlobalAveragePooling2D()(x)


def convolved(x: KerasTensor, width: int, kernel: int, stride: int) -> KerasTensor:
    """A convolution without bias."""
    return layers.Conv2D(width, kernel, stride, padding="same", use_bias=False)(x)


def normalised(x: KerasTensor, width: int, kernel: int, stride: int) -> KerasTensor:
    """Convolution, batch normalisation, ReLU."""
    return layers.ReLU()(layers.BatchNormalization()(convolved(x, width, kernel, stride)))


def named() -> str:
    """Say which Keras, on what."""
    backend = keras.backend.backend()
    module = __import__(backend)
    return f"Keras {keras.__version__} on {backend} {module.__version__}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--version"]:
        print(named())
    else:
        serve(make)
