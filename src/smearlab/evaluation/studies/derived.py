"""Cells that train nothing: networks of other cells, asked in another way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smearlab.evaluation.adapt_norm import NormAdapter
from smearlab.evaluation.studies.answers import seen_whole
from smearlab.evaluation.studies.refining import clusters_of
from smearlab.evaluation.views import ViewedPredictor, views_of
from smearlab.inference.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.data.cells import IntArray, UInt8Array
    from smearlab.data.framing import Framing
    from smearlab.evaluation.studies.answers import Answerer
    from smearlab.evaluation.studies.plan import Cell
    from smearlab.training.run_folder import Run

_BATCH = 256
_PRIOR = 64.0  # pictures
_CLUSTERS = 16


def answerer_of(cell: Cell, runs: Sequence[Run]) -> tuple[Answerer, Framing]:
    """Return how a cell answers, and what it wants to see of a picture.

    Args:
        cell: how the networks are asked.
        runs: where they lie.
    """
    predictors = [Predictor.load(run.path, second_look=False) for run in runs]
    first, framing = predictors[0], seen_whole(predictors[0].framing)
    if cell.how in ("high_pass", "nucleus"):
        return _average(predictors), framing.model_copy(update={"content": cell.how})
    if cell.how == "flipped":
        return _average([ViewedPredictor(first, views_of("rotations"))]), framing
    if cell.how == "adapted":
        return _adapted(NormAdapter.load(first, runs[0].path, _PRIOR)), framing
    return (_clustered(first) if cell.how == "clustered" else _average(predictors)), framing


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


def _clustered(predictor: Predictor) -> Answerer:
    """Draw doubtful answers towards the mean answer of the pictures that look alike to the network.

    Of those that are asked together; a sure answer stays what it is.
    """

    def answer(images: UInt8Array) -> IntArray:
        starts = range(0, len(images), _BATCH)
        asked = [predictor.predict_framed(images[at : at + _BATCH], features=True) for at in starts]
        probabilities = np.concatenate([one.probabilities for one in asked])
        clusters = clusters_of(np.concatenate([one.features for one in asked if one.features is not None]), _CLUSTERS)
        means = np.stack([probabilities[clusters == clusters[row]].mean(axis=0) for row in range(len(images))])
        sure = probabilities.max(axis=1, keepdims=True)
        return np.asarray((sure * probabilities + (1 - sure) * means).argmax(1), np.int64)

    return answer


def _probabilities(predictor: Predictor, images: UInt8Array) -> np.ndarray:
    starts = range(0, len(images), _BATCH)
    return np.concatenate([predictor.predict_framed(images[at : at + _BATCH]).probabilities for at in starts])
