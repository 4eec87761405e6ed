"""Weights of the classes in the loss: by how rare they are, or by how badly they are named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smearlab.data.cells import IntArray
    from smearlab.training.recipe import BalanceConfig

RECALL = "validation_recall_"
"""What the keys of a history's row begin with that hold a class's recall on validation."""


def class_weights(counts: IntArray, balance: BalanceConfig) -> Tensor:
    """Return ``float32 (classes,)`` weights of ``class_weights``, by how rare a class is; ones for any other kind.

    Args:
        counts: ``int64 (classes,)`` training pictures; a class without any gets weight 0.
        balance: the power, and what the weights are scaled to. ``pictures`` are scikit-learn's ``balanced`` weights
            to that power, ``none`` the plain N / N_class to that power.
    """
    if balance.kind != "class_weights":
        return torch.ones(len(counts))
    pictures = torch.as_tensor(counts, dtype=torch.float32)
    there = pictures > 0
    rarity = pictures.sum() / pictures.clamp(min=1)
    if balance.normalise == "pictures":
        rarity = rarity / len(counts)
    weights = torch.where(there, rarity**balance.power, 0.0)
    return weights / weights[there].mean() if balance.normalise == "classes" else weights


def worst_class_weights(recalls: Sequence[float | None], strength: float) -> Tensor:
    """Return ``float32 (classes,)`` weights: 1 for the class of the best recall, more for those behind it.

    Args:
        recalls: of each class on validation, 0–1; None for a class that has no picture there, which weighs 1.
        strength: the weight is 1 + strength · (best recall − own recall).
    """
    best = max((recall for recall in recalls if recall is not None), default=0.0)
    return torch.tensor([1.0 if recall is None else 1.0 + strength * (best - recall) for recall in recalls])


def recalls_of(row: Mapping[str, Any], class_names: Sequence[str]) -> list[float | None]:
    """Read the classes' recalls from a row of the history."""
    return [row.get(f"{RECALL}{name}") for name in class_names]
