"""Measuring a network between epochs, and choosing among epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from smearlab.augment.config import AugmentConfig
from smearlab.augment.policy import augment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from accelerate import Accelerator
    from torch import Tensor, nn

    from smearlab.data.cells import IntArray, UInt8Array
    from smearlab.training.corrupted import Corrupted
    from smearlab.training.job import TrainingData
    from smearlab.training.recipe import Recipe
    from smearlab.training.sections import SelectionConfig

_BATCH = 256
_UNCHANGED = AugmentConfig(policy="none")


@torch.inference_mode()
def predict_logits(
    network: nn.Module, images: UInt8Array, positions: IntArray, accelerator: Accelerator, classes: int
) -> np.ndarray:
    """Run a network in evaluation mode over some pictures, shared between all processes.

    Args:
        network: takes ``float32 (n, 3, h, w)`` in 0–1.
        images: ``uint8 (N, h, w, 3)``.
        positions: ``int64 (m,)`` the pictures to use.
        accelerator: device and precision.
        classes: the number of classes.

    Returns:
        ``float32 (m, classes)`` in the order of `positions`, on every process.
    """
    network.eval()
    shares = np.array_split(positions, accelerator.num_processes)
    mine = shares[accelerator.process_index]
    parts = []
    for batch in np.array_split(mine, -(-len(mine) // _BATCH) or 1):
        if len(batch):
            pictures = torch.from_numpy(images[batch]).to(accelerator.device)
            planes = augment(pictures, _UNCHANGED, torch.Generator())
            with accelerator.autocast():
                parts.append(network(planes.contiguous(memory_format=torch.channels_last)).float())
    own = torch.cat(parts) if parts else torch.zeros((0, classes), device=accelerator.device)
    if accelerator.num_processes == 1:
        return own.cpu().numpy()
    return _gather(own, [len(share) for share in shares], accelerator)


def _gather(own: Tensor, lengths: list[int], accelerator: Accelerator) -> np.ndarray:
    """Put every process's rows together; all must send equally many, so short ones are padded."""
    padded = torch.zeros((max(lengths), own.shape[1]), device=own.device)
    padded[: len(own)] = own
    everyone = accelerator.gather(padded).cpu().numpy().reshape(len(lengths), max(lengths), own.shape[1])
    return np.concatenate([rows[:length] for rows, length in zip(everyone, lengths, strict=True)])


def validation_figures(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Return loss, accuracy and balanced accuracy of ``(n, classes)`` logits; absent classes are left out."""
    right = (logits.argmax(1) == labels).double()
    recalls = [float(right[labels == label].mean()) for label in sorted(set(labels.tolist()))]
    return {
        "loss": float(torch.nn.functional.cross_entropy(logits, labels)),
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.mean(recalls)),
    }


class Validator:
    """Measures networks on the validation pictures, and on their altered copy where the recipe asks for one.

    Args:
        data: pictures, labels and which of them validate.
        recipe: its selection, policy and seed.
        accelerator: device and precision.
    """

    def __init__(self, data: TrainingData, recipe: Recipe, accelerator: Accelerator) -> None:
        self.data, self.accelerator, self.corrupted = data, accelerator, _corrupted(data, recipe)

    def figures(self, network: nn.Module) -> dict[str, float]:
        """Return the figures by their names in a history's row; nothing where there are no validation pictures."""
        positions = self.data.validation
        if not len(positions):
            return {}
        figures = self._measure(network, self.data.images, positions, self.data.labels[positions], "validation_")
        if self.corrupted is not None:
            altered, labels = self.corrupted.images, self.data.labels[self.corrupted.positions]
            everywhere = np.arange(len(altered))
            figures |= self._measure(network, altered, everywhere, labels, "validation_corrupted_")
        return figures

    def _measure(
        self, network: nn.Module, images: UInt8Array, positions: IntArray, labels: IntArray, prefix: str
    ) -> dict[str, float]:
        logits = predict_logits(network, images, positions, self.accelerator, len(self.data.class_names))
        measured = validation_figures(torch.from_numpy(logits), torch.from_numpy(labels))
        return {f"{prefix}{name}": value for name, value in measured.items()}


def _corrupted(data: TrainingData, recipe: Recipe) -> Corrupted | None:
    selection = recipe.selection
    if selection.suite == "none" or not len(data.validation):
        return None
    # Imported only where it is asked for, as most runs validate on clean pictures alone.
    from smearlab.training.corrupted import chosen_corruptions, corrupted_copy

    corruptions = chosen_corruptions(selection, recipe.augment)
    return corrupted_copy(data.images, data.validation, selection, corruptions, recipe.seed)


def selection_score(row: Mapping[str, Any], selection: SelectionConfig) -> float:
    """Return what selection compares, higher is better; without validation pictures, later epochs count as better.

    Args:
        row: of the history, or the figures of `Validator` with an ``epoch``.
        selection: metric, and the weight of the altered pictures.
    """
    metric = selection.metric
    value = row.get(f"validation_{metric}")
    if value is None:
        return float(row["epoch"])
    altered = row.get(f"validation_corrupted_{metric}")
    mean = float(value) if altered is None else (1 - selection.weight) * value + selection.weight * altered
    return -mean if metric.endswith("loss") else mean
