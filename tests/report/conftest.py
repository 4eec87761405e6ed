"""A small report with everything in it, built from random pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from smearlab.celltypes import CLASS_NAMES
from smearlab.report import (
    DataFacts,
    DuplicatePair,
    Example,
    Machine,
    Mistake,
    ModelFacts,
    PartResult,
    RunReport,
    SkippedPicture,
)

EVIL = "<script>alert('x')</script>"


def picture(seed: int = 0, size: int = 24) -> Example:
    image = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    return Example(image, seed, f"/home/ann/secret/cell_{seed}.png")


def figure(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.01, "high": min(1.0, value + 0.01)}


def metrics(class_names: tuple[str, ...], value: float = 0.95) -> dict[str, Any]:
    overall = ("accuracy", "balanced_accuracy", "macro_precision", "macro_recall", "macro_f1", "macro_auc")
    one_class = {name: figure(value) for name in ("precision", "recall", "f1")}
    return {
        **{name: figure(value) for name in overall},
        "ece": figure(0.02),
        "per_class": {name: {**one_class, "support": 10} for name in class_names},
    }


def result(class_names: tuple[str, ...], value: float = 0.95) -> PartResult:
    size = len(class_names)
    confusion = np.eye(size, dtype=np.int64) * 9
    confusion[0, 1] = 1
    confidence = np.linspace(0.3, 1.0, 40)
    return PartResult(metrics(class_names, value), confusion, confidence, confidence > 0.4)


def history() -> list[dict[str, object]]:
    return [
        {
            "epoch": epoch,
            "phase": "head" if epoch < 3 else "all",
            "train_loss": 2 / epoch,
            "train_accuracy": 1 - 0.5 / epoch,
            "validation_loss": 2.1 / epoch,
            "validation_accuracy": 1 - 0.6 / epoch,
            "validation_balanced_accuracy": 1 - 0.65 / epoch,
            "learning_rate": 0.001 / epoch,
            "pictures_per_second": 1234.5,
            "seconds": 2.0,
        }
        for epoch in range(1, 6)
    ]


def full_report(class_names: tuple[str, ...] = CLASS_NAMES, data_name: str = "cells") -> RunReport:
    first, second = class_names[:2]
    size = len(class_names)
    data = DataFacts(
        name=data_name,
        class_names=class_names,
        counts={"train": [72] * size, "validation": [8] * size, "test": [20] * size},
        examples={name: [picture(seed) for seed in range(3)] for name in class_names},
        split="72 % train, 8 % validation, 20 % test.",
        leakage="No duplicate crosses a border.",
        duplicate_counts={"exact": 2, "near": 0},
        duplicates=[DuplicatePair("exact", picture(1), picture(2), first, first)],
        unreadable=[SkippedPicture(7, "/home/ann/secret/broken.png", "truncated: /home/ann/secret/broken.png")],
    )
    return RunReport(
        name="/home/ann/secret/cells-quick",
        data=data,
        results={"train": result(class_names, 0.99), "validation": result(class_names), "test": result(class_names)},
        model=ModelFacts("mobilenetv3_small", 1_528_106, class_names, "96×96", {"model.onnx": 6_100_000}),
        machine=Machine("cpu", 2, 0, "float32", {"numpy": "2.0"}, {"read": 1.5, "train": 60.0}, "2026-01-01"),
        history=history(),
        best_epoch=4,
        recipe_name="quick",
        recipe_toml='seed = 0\nsource = "/home/ann/secret/cells.npz"\n',
        mistakes=[Mistake(picture(3), first, second, 0.987)],
        mistake_count=5,
        notes=("One thing to know.",),
    )


@pytest.fixture
def make_report() -> Callable[..., RunReport]:
    return full_report


@pytest.fixture
def report() -> RunReport:
    return full_report()
