"""What a step makes smaller: the loss on labels, between views, against teachers, and penalties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.errors import TrainingError
from smearlab.training import losses
from smearlab.training.balancing import class_weights, recalls_of, worst_class_weights
from smearlab.training.batches import VIEWS
from smearlab.training.teachers import Teachers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from accelerate import Accelerator
    from torch import Tensor

    from smearlab.networks.build import CellNetwork
    from smearlab.training.batches import Batch
    from smearlab.training.job import TrainingData
    from smearlab.training.recipe import Recipe


class Objective:
    """The loss of a recipe.

    Args:
        data: for the classes and how often each is trained on.
        recipe: which terms there are, and their weights.
        accelerator: device and precision.

    Raises:
        RecipeError: a teacher does not fit the data.
        ModelError: a teacher cannot be loaded.
        TrainingError: classes are weighted by their recall, and there are no validation pictures to measure it on.
    """

    def __init__(self, data: TrainingData, recipe: Recipe, accelerator: Accelerator) -> None:
        self.recipe, self.accelerator, self.class_names = recipe, accelerator, data.class_names
        if recipe.balance.kind == "worst_classes" and not len(data.validation):
            raise TrainingError(
                "balance.kind worst_classes weights classes by their recall on validation, but there are no validation "
                "pictures. Give split.validation a share, or choose another balance.kind."
            )
        counts = np.bincount(data.labels[data.train], minlength=len(data.class_names)).astype(np.int64)
        self.class_weights = class_weights(counts, recipe.balance).to(accelerator.device)
        taught = bool(recipe.distillation.teachers)
        self.teachers = Teachers(recipe, data.class_names, accelerator.device) if taught else None

    def start_epoch(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Weight the classes by what the last epoch's validation found: a function of the history alone."""
        if self.recipe.balance.kind == "worst_classes" and history:
            recalls = recalls_of(history[-1], self.class_names)
            self.class_weights = worst_class_weights(recalls, self.recipe.balance.strength).to(self.accelerator.device)

    def __call__(self, logits: Tensor, batch: Batch, network: CellNetwork) -> Tensor:
        """Return the loss of a batch, a scalar.

        Args:
            logits: ``(views · n, classes)``.
            batch: what they are the answers to.
            network: whose weights are penalised.
        """
        recipe = self.recipe
        own = logits[: len(batch.targets)]
        loss = losses.classification_loss(own, batch.targets, self.class_weights, recipe.loss)
        if recipe.loss.jsd:
            loss = loss + recipe.loss.jsd * losses.jensen_shannon(logits, VIEWS)
        if self.teachers is not None:
            loss = self._taught(loss, logits, batch, self.teachers)
        return loss + losses.penalty(network, recipe.regularisation, recipe.head)

    def _taught(self, loss: Tensor, logits: Tensor, batch: Batch, teachers: Teachers) -> Tensor:
        config = self.recipe.distillation
        with self.accelerator.autocast():
            taught = teachers.probabilities(batch.pictures)
        return (1 - config.weight) * loss + config.weight * losses.distillation_loss(logits, taught, config.temperature)
