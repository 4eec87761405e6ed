"""Test-time adaptation of batch normalisation (Schneider et al. 2020), with a guard that falls back.

The statistics m of every batch-norm layer become a mixture of those of training and those of the n pictures at hand:
N/(N+n) m_train + n/(N+n) m_test, with a prior strength of N pictures. This can help where all pictures are altered
alike, and does harm where the classes at hand are not mixed as in training: what is typical of a class is then taken
for the microscope's. The guard compares the answers with those of the model as it is, without needing labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from smearlab.errors import DataError
from smearlab.evaluation.rebuilding import NetworkPredictor, rebuild_network
from smearlab.networks.onnx import DeployedNetwork

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.data.cells import UInt8Array
    from smearlab.inference.predictor import Predictions, Predictor
    from smearlab.networks.build import CellNetwork

FEWEST = 64
"""Pictures below which the statistics of a batch are too rough."""
CONFIDENCE_LOST = 0.02
"""How much less confident, on average, the adapted model may be."""
CLASS_SHARE = 0.01
"""A class counts as named where it has at least this share of the answers."""


@dataclass(frozen=True, eq=False)
class NormAdapter:
    """Adapts a model to pictures; see the module.

    Attributes:
        predictor: the model as it is.
        network: the same in torch; its statistics are changed by every call.
        prior: the strength N of the training statistics, in pictures.
        original: the statistics of training.
    """

    predictor: Predictor
    network: CellNetwork
    prior: float
    original: dict[str, Tensor]

    @classmethod
    def load(cls, predictor: Predictor, model: str | Path, prior: float) -> NormAdapter:
        """Rebuild a model's network.

        Args:
            predictor: the model.
            model: as the user gave it.
            prior: strength of the training statistics in pictures; 0 takes those at hand alone.

        Raises:
            ModelError: the folder does not say how to rebuild the network, or what is rebuilt answers differently.
            DataError: `prior` is negative.
        """
        if not prior >= 0:
            raise DataError(
                f"--adapt-norm {prior:g}: give the strength of the training statistics in pictures, from 0."
            )
        network = rebuild_network(predictor, model, "--adapt-norm")
        state = {name: value.clone() for name, value in network.state_dict().items()}
        return cls(predictor, network, prior, state)

    def __call__(self, framed: UInt8Array) -> tuple[Predictor, str]:
        """Adapt to a batch of framed pictures ``uint8 (n, size, size, 3)``.

        Returns:
            A predictor, good until the next call, and why it is not adapted, empty where it is.
        """
        if len(framed) < FEWEST:
            return self.predictor, f"too few pictures ({len(framed)}, at least {FEWEST})"
        layers = _with_statistics(self.network)
        if not layers:
            return self.predictor, "the network has no batch normalisation"
        self.network.load_state_dict(self.original)
        self._take_statistics(framed, layers)
        adapted = NetworkPredictor(self.predictor, self.network)
        reason = implausible(_named(self.predictor, framed), _named(adapted, framed))
        return (self.predictor, reason) if reason else (adapted, "")

    def _take_statistics(self, framed: UInt8Array, layers: list[_BatchNorm]) -> None:
        """Mix every layer's statistics in one pass: each is reached with all layers before it already mixed."""
        share = len(framed) / (len(framed) + self.prior)

        def mix(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            values = inputs[0]
            axes = [axis for axis in range(values.ndim) if axis != 1]
            for kept, seen in (
                (layer.running_mean, values.mean(axes)),
                (layer.running_var, values.var(axes, correction=0)),
            ):
                assert isinstance(kept, Tensor)
                kept.lerp_(seen, share)

        hooks = [layer.register_forward_pre_hook(mix) for layer in layers]
        try:
            with torch.no_grad():
                DeployedNetwork(self.network).eval()(torch.from_numpy(np.array(framed)))
        finally:
            for hook in hooks:
                hook.remove()


def implausible(before: Predictions, after: Predictions) -> str:
    """Say why the answers of an adapted model are not to be believed, or nothing.

    Args:
        before: answers of the model as it is.
        after: answers of the adapted model on the same pictures.
    """
    lost = float(before.confidence.mean() - after.confidence.mean())
    classes_before, classes_after = _classes(before), _classes(after)
    if classes_after < classes_before:
        return f"the adapted model names {classes_after} instead of {classes_before} classes"
    share, limit = _largest_share(before), (1 + 1 / len(before.class_names)) / 2
    if share > limit and lost > 0:
        return f"{share:.0%} of the pictures look like one class, and the adapted model is less sure of itself"
    if lost > CONFIDENCE_LOST:
        return f"mean confidence falls by {lost:.3f}"
    return ""


def adaptation_words(reasons: list[str]) -> str:
    """Say in a sentence how often a model was adapted, and the first reason why it was not.

    Args:
        reasons: one per batch of pictures, empty where the model was adapted.
    """
    kept = [reason for reason in reasons if reason]
    if len(reasons) == 1:
        return f"Batch normalisation was not adapted: {kept[0]}." if kept else "Batch normalisation was adapted."
    if not kept:
        return f"Batch normalisation was adapted to each of {len(reasons)} conditions."
    return (
        f"Batch normalisation was adapted to {len(reasons) - len(kept)} of {len(reasons)} conditions; for the others "
        f"the model was left as it is, for example: {kept[0]}."
    )


def _named(predictor: Predictor, framed: UInt8Array) -> Predictions:
    return predictor.predict_framed(framed)


def _classes(predictions: Predictions) -> int:
    return int((_shares(predictions) >= CLASS_SHARE).sum())


def _largest_share(predictions: Predictions) -> float:
    return float(_shares(predictions).max())


def _shares(predictions: Predictions) -> np.ndarray:
    named = np.bincount(predictions.label_indices, minlength=len(predictions.class_names))
    return np.asarray(named / max(1, len(predictions)))


def _with_statistics(network: nn.Module) -> list[_BatchNorm]:
    return [layer for layer in network.modules() if isinstance(layer, _BatchNorm) and layer.running_mean is not None]
