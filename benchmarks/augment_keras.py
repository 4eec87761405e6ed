"""Keras 3's preprocessing layers, which draw for every picture of a batch.

Runs in an environment of its own (see requirements-peers.txt), where smearlab is not installed. The whole sequence is
compiled where the job's precision says ``compiled``, and called layer by layer where it says ``eager``. Each layer that
moves a picture resamples it anew, as they always do. Layers without a probability of their own work on every picture.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import alterations as amounts
from benchmarks.turns import Job, Stopwatch, Turn, serve

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from keras import layers


def make(job: Job) -> Callable[[], Turn]:
    images = np.load(f"{job.data}/images.npy")
    batches = [images[at : at + job.batch_size] for at in range(0, len(images), job.batch_size)]
    change = compiled(alterations(), batches[0]) if job.precision == "compiled" else eager(alterations())

    def turn() -> Turn:
        watch, done = Stopwatch(), 0
        for step in range(job.steps):
            changed = np.asarray(change(batches[step % len(batches)]))  # waits for the result
            done += len(changed)
        return watch.turn(done)

    return turn


def alterations() -> keras.Sequential:
    """Return the thirteen alterations in sequence."""
    turn, shear = amounts.ROTATION / 360, amounts.SHEAR / 90
    zoom = (1 / amounts.ZOOM - 1, amounts.ZOOM - 1)
    share, unit = amounts.SOMETIMES_SHARE, {"value_range": (0.0, 1.0)}
    return keras.Sequential(
        [
            layers.Rescaling(1 / 255),
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(turn, fill_mode="reflect"),
            layers.RandomZoom(zoom, fill_mode="reflect"),
            layers.RandomTranslation(amounts.SHIFT, amounts.SHIFT, fill_mode="reflect"),
            layers.RandomShear(shear, shear, fill_mode="reflect"),
            layers.RandomBrightness(amounts.LIGHT, **unit),
            layers.RandomContrast(amounts.LIGHT, **unit),
            layers.RandomSaturation((0.25, 0.75), **unit),
            layers.RandomHue(amounts.HUE, **unit),
            # Keras allows no more than 1 here; the time depends on the kernel's side alone.
            layers.RandomGaussianBlur(share, amounts.KERNEL, (amounts.SIGMA[0], 1.0), **unit),
            layers.RandomSharpness(0.5, **unit),
            layers.GaussianNoise(amounts.NOISE),
            layers.RandomErasing(share, amounts.ERASED, **unit),
        ]
    )


def eager(model: keras.Sequential) -> Callable[[Any], Any]:
    """Call layer by layer."""
    return lambda batch: model(batch, training=True)


def compiled(model: keras.Sequential, batch: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - an array of any backend
    """Compile the sequence as one function; the state of its random draws goes round as values."""
    import jax

    model(batch, training=True)
    step = jax.jit(lambda fixed, state, pictures: model.stateless_call(fixed, state, pictures, training=True))
    fixed = [variable.value for variable in model.trainable_variables]
    state = [variable.value for variable in model.non_trainable_variables]

    def call(pictures: Any) -> Any:  # noqa: ANN401 - an array of any backend
        nonlocal state
        changed, state = step(fixed, state, pictures)
        return changed

    return call


def named() -> str:
    """Say which Keras, on what."""
    backend = keras.backend.backend()
    return f"Keras {keras.__version__} on {backend} {__import__(backend).__version__}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--version"]:
        print(named())
    else:
        serve(make)
