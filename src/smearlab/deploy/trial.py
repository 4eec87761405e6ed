"""What a trial run of a bundle must show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from smearlab.data.cells import FloatArray, IntArray, UInt8Array
    from smearlab.deploy.assembly import Runtime
    from smearlab.deploy.precision import Precision

LEAST_SAME: dict[Precision, float] = {"float32": 1.0, "float16": 0.99, "int8": 0.95}
"""Share of labels that must be the Predictor's."""
TIE = 1e-3
"""Difference of a picture's two largest logits up to which either label is right."""
MOST_BYTES = 2**31
FORBIDDEN = ("smearlab", "timm", "onnx", "PIL", "scipy", "sklearn", "skimage", "pandas", "cv2")
"""Libraries that a server need not have; none of them may be loaded by a bundle itself."""
_INPUTS = {"same_float32": "float32 input", "same_float64": "float64 input", "same_int64": "int64 input"}
_REPEATS = {
    "same_again": "determinism",
    "same_new": "a second Model()",
    "same_alone": "batch invariance",
    "same_reversed": "order invariance",
}


@dataclass(frozen=True, eq=False)
class Expected:
    """Pictures for a trial, and what is right for them.

    Attributes:
        pictures: ``uint8 (n, 96, 96, 3)``.
        labels: ``int64 (n,)`` what the Predictor says.
        margins: ``float64 (n,)`` by how much, in logits.
        truth: ``int64 (n,)`` the true classes, -1 where unknown; None without labels.
        classes: how many there are.
        precision: of the bundle.
    """

    pictures: UInt8Array
    labels: IntArray
    margins: FloatArray
    truth: IntArray | None
    classes: int
    precision: Precision


@dataclass(frozen=True)
class Check:
    """One thing that was tried: its name, what came out, and whether that is right."""

    name: str
    figure: str
    passed: bool


def judge(found: dict[str, Any], expected: Expected, runtime: Runtime, size: int) -> list[Check]:
    """Judge what `probe` found.

    Args:
        found: its result.
        expected: what it was given, and what is right.
        runtime: of the bundle.
        size: of the zip in bytes.
    """
    if "labels" not in found or found["faults"]:
        return [Check("runs", found["faults"].get("runs", "it gave no labels"), passed=False)]
    return [
        *_form(found, expected),
        *(Check(name, _same(found[key]), found[key]) for key, name in _REPEATS.items()),
        *(Check(name, _same(found[key]), found[key]) for key, name in _INPUTS.items()),
        *_odd(found),
        *_agreement(found, expected),
        _modules(found, runtime),
        *_cost(found, len(expected.pictures), size),
    ]


def _form(found: dict[str, Any], expected: Expected) -> list[Check]:
    labels = np.asarray(found["labels"])
    whole = np.issubdtype(np.dtype(found["dtype"]), np.integer)
    within = bool(whole and len(labels) and labels.min() >= 0 and labels.max() < expected.classes)
    span = f"{labels.min()} to {labels.max()}" if labels.size else "nothing"
    return [
        Check("type", found["type"], found["type"] == "ndarray"),
        Check("dtype", found["dtype"], bool(whole)),
        Check("shape", str(tuple(found["shape"])), found["shape"] == [len(expected.pictures)]),
        Check("range", f"{span}, of 0 to {expected.classes - 1}", within),
    ]


def _same(same: bool) -> str:
    return "the same labels" if same else "other labels"


def _odd(found: dict[str, Any]) -> list[Check]:
    return [
        Check("no picture", f"shape {tuple(found['none'])}", found["none"] == [0]),
        Check("one picture", f"shape {tuple(found['one'])}", found["one"] == [1]),
        Check("black and white pictures", "labels for each", found["flat"] == [2, 2]),
    ]


def _agreement(found: dict[str, Any], expected: Expected) -> list[Check]:
    labels = np.asarray(found["labels"])
    if labels.shape != expected.labels.shape:
        return []
    same = (labels == expected.labels) | (expected.margins < TIE)
    share = float(same.mean())
    checks = [
        Check(
            "labels of smearlab's Predictor",
            f"{int(same.sum())} of {len(same)} the same",
            share >= LEAST_SAME[expected.precision],
        )
    ]
    if expected.truth is not None and (known := expected.truth >= 0).any():
        checks.append(Check("accuracy", f"{float((labels == expected.truth)[known].mean()):.2%}", passed=True))
    return checks


def _modules(found: dict[str, Any], runtime: Runtime) -> Check:
    loaded = [name for name in FORBIDDEN if name in found["modules"]]
    # A runtime may load some of them by itself where they happen to be installed.
    allowed = not loaded or runtime != "onnxruntime"
    return Check("libraries", f"{', '.join(loaded)} loaded" if loaded else f"NumPy and {runtime}", allowed)


def _cost(found: dict[str, Any], count: int, size: int) -> list[Check]:
    memory, each, alone = (found[key] for key in ("memory_mb", "ms_batch", "ms_single"))
    return [
        Check("loading", f"{found['load_seconds']:.1f} s", passed=True),
        Check("time", f"{each:.2f} ms a picture of {count}, {alone:.2f} ms alone", passed=True),
        Check("memory", "unknown" if memory is None else f"{memory:,.0f} MB at most", passed=True),
        Check("size", f"{size / 1e6:.1f} MB", size < MOST_BYTES),
    ]
