"""Measuring a network between epochs, and choosing among epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from smearlab.augment.config import AugmentConfig
from smearlab.augment.policy import augment
from smearlab.metrics.counts import confusion_matrix, macro_f1
from smearlab.training.balancing import RECALL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    """Return loss, accuracy, balanced accuracy and macro F1 of ``(n, classes)`` logits; absent classes are left out."""
    right = (logits.argmax(1) == labels).double()
    recalls = [float(right[labels == label].mean()) for label in sorted(set(labels.tolist()))]
    return {
        "loss": float(torch.nn.functional.cross_entropy(logits, labels)),
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.mean(recalls)),
        "macro_f1": float(macro_f1(confusion_matrix(labels.numpy(), logits.argmax(1).numpy(), logits.shape[1]))),
    }


def noisy_copy(images: UInt8Array, positions: IntArray, deviation: float, seed: int) -> UInt8Array:
    """Put Gaussian noise on some pictures: a function of its arguments alone.

    Args:
        images: ``uint8 (N, h, w, 3)``.
        positions: ``int64 (m,)`` which of them.
        deviation: of the noise, as a share of the full range; every channel of every pixel draws its own.
        seed: of the noise.

    Returns:
        ``uint8 (m, h, w, 3)``.
    """
    copy = np.array(images[positions])
    for place in range(len(copy)):  # one after another, as the noise weighs eight times the picture
        noise = np.random.default_rng((seed, 14, place)).normal(0, 255 * deviation, copy.shape[1:])
        copy[place] = np.clip(np.rint(copy[place] + noise), 0, 255)
    return copy


def class_recalls(logits: Tensor, labels: Tensor, class_names: Sequence[str]) -> dict[str, float]:
    """Return the recall of every class that has a picture, under its key in a history's row."""
    right = (logits.argmax(1) == labels).double()
    there = sorted(set(labels.tolist()))
    return {f"{RECALL}{class_names[label]}": float(right[labels == label].mean()) for label in there}


class Validator:
    """Measures networks on the validation pictures, and on their altered copy where the recipe asks for one.

    Args:
        data: pictures, labels and which of them validate.
        recipe: its selection, policy and seed.
        accelerator: device and precision.
    """

    def __init__(self, data: TrainingData, recipe: Recipe, accelerator: Accelerator) -> None:
        self.data, self.accelerator, self.corrupted = data, accelerator, _corrupted(data, recipe)
        self.by_class = recipe.balance.kind == "worst_classes"
        self.images, self.positions = data.images, data.validation
        if recipe.selection.noise:
            self.images = noisy_copy(data.images, data.validation, recipe.selection.noise, recipe.seed)
            self.positions = np.arange(len(data.validation))

    def figures(self, network: nn.Module) -> dict[str, float]:
        """Return the figures by their names in a history's row; nothing where there are no validation pictures."""
        positions = self.data.validation
        if not len(positions):
            return {}
        labels = self.data.labels[positions]
        logits = self._logits(network, self.images, self.positions)
        figures = _named("validation_", logits, labels)
        if self.by_class:
            figures |= class_recalls(torch.from_numpy(logits), torch.from_numpy(labels), self.data.class_names)
        if self.corrupted is not None:
            altered, labels = self.corrupted.images, self.data.labels[self.corrupted.positions]
            everywhere = np.arange(len(altered))
            figures |= _named("validation_corrupted_", self._logits(network, altered, everywhere), labels)
        return figures

    def _logits(self, network: nn.Module, images: UInt8Array, positions: IntArray) -> np.ndarray:
        return predict_logits(network, images, positions, self.accelerator, len(self.data.class_names))


def _named(prefix: str, logits: np.ndarray, labels: IntArray) -> dict[str, float]:
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
