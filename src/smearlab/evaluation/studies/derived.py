"""Cells that train nothing: networks of other cells, asked in another way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smearlab.evaluation.adapt_norm import NormAdapter
from smearlab.evaluation.views import ViewedPredictor, views_of
from smearlab.inference.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.data.cells import IntArray, UInt8Array
    from smearlab.evaluation.studies.answers import Answerer
    from smearlab.evaluation.studies.plan import Cell
    from smearlab.training.run_folder import Run

_BATCH = 256
_PRIOR = 64.0  # pictures


def answerer_of(cell: Cell, runs: Sequence[Run]) -> tuple[Answerer, int]:
    """Return how a cell answers, and the side of the pictures in pixels that it wants.

    Args:
        cell: how the networks are asked.
        runs: where they lie.
    """
    predictors = [Predictor.load(run.path) for run in runs]
    size = predictors[0].framing.size
    if cell.how == "flipped":
        return _average([ViewedPredictor(predictors[0], views_of("rotations"))]), size
    if cell.how == "adapted":
        return _adapted(NormAdapter.load(predictors[0], runs[0].path, _PRIOR)), size
    return _average(predictors), size


def _average(predictors: Sequence[Predictor]) -> Answerer:
    def answer(images: UInt8Array) -> IntArray:
        total = np.mean([_probabilities(predictor, images) for predictor in predictors], axis=0)
        return np.asarray(total.argmax(1), np.int64)

    return answer


def _adapted(adapter: NormAdapter) -> Answerer:
    def answer(images: UInt8Array) -> IntArray:
        predictor, _ = adapter(images)
        return np.asarray(_probabilities(predictor, images).argmax(1), np.int64)

    return answer


def _probabilities(predictor: Predictor, images: UInt8Array) -> np.ndarray:
    starts = range(0, len(images), _BATCH)
    return np.concatenate([predictor.predict_framed(images[at : at + _BATCH]).probabilities for at in starts])
