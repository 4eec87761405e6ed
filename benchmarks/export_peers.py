"""Peers of exporting.py in an environment of their own (see requirements-peers.txt): Keras on JAX, and OpenVINO.

The job's policy is ``keras compiled``, ``keras predict_on_batch`` or ``openvino``; its network is Keras' name of an
application, or an ONNX file. smearlab is not needed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.turns import Job, Stopwatch, Turn, serve

os.environ.setdefault("KERAS_BACKEND", "jax")


def make(job: Job) -> Callable[[], Turn]:
    images = np.load(f"{job.data}/{'pictures' if job.precision == 'pictures' else 'framed'}.npy")
    run = in_openvino(job) if job.policy == "openvino" else in_keras(job, images.shape[1])
    batches = [images[at : at + job.batch_size] for at in range(0, len(images) - job.batch_size + 1, job.batch_size)]

    def turn() -> Turn:
        watch = Stopwatch()
        for step in range(job.steps):
            np.asarray(run(batches[step % len(batches)]))  # waits for the result
        return watch.turn(job.pictures)

    return turn


def in_keras(job: Job, side: int) -> Callable[[Any], Any]:
    import jax
    import keras

    network = getattr(keras.applications, job.network)(weights=None, classes=8, input_shape=(side, side, 3))
    model = keras.Sequential([keras.layers.Rescaling(1 / 127.5, offset=-1), network])
    model.build((None, side, side, 3))
    if job.policy == "keras predict_on_batch":
        return lambda batch: model.predict_on_batch(batch)
    trained = [variable.value for variable in model.trainable_variables]
    others = [variable.value for variable in model.non_trainable_variables]
    call = jax.jit(lambda first, second, batch: model.stateless_call(first, second, batch, training=False)[0])
    return lambda batch: call(trained, others, batch)


def in_openvino(job: Job) -> Callable[[Any], Any]:
    import openvino

    core = openvino.Core()
    core.set_property("CPU", {"INFERENCE_NUM_THREADS": job.threads})
    compiled = core.compile_model(job.network, "CPU")
    return lambda batch: compiled([batch])["logits"]


def named() -> str:
    """Say which Keras on what, and which OpenVINO, as far as they are installed."""
    found = []
    for module in ("keras", "jax", "openvino"):
        try:
            found.append(f"{module} {__import__(module).__version__}")
        except ImportError:
            continue
    return ", ".join(found)


if __name__ == "__main__":
    if sys.argv[1:] == ["--version"]:
        print(named())
    else:
        serve(make)
