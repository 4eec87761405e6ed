"""What a step makes smaller: the loss on labels, between views, against teachers, and penalties."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smearlab.training import losses
from smearlab.training.batches import VIEWS
from smearlab.training.teachers import Teachers

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor, nn

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
    """

    def __init__(self, data: TrainingData, recipe: Recipe, accelerator: Accelerator) -> None:
        self.recipe, self.accelerator = recipe, accelerator
        counts = np.bincount(data.labels[data.train], minlength=len(data.class_names)).astype(np.int64)
        self.class_weights = losses.class_weights(counts, recipe.balance).to(accelerator.device)
        taught = bool(recipe.distillation.teachers)
        self.teachers = Teachers(recipe, data.class_names, accelerator.device) if taught else None

    def __call__(self, logits: Tensor, batch: Batch, head: nn.Module) -> Tensor:
        """Return the loss of a batch, a scalar.

        Args:
            logits: ``(views · n, classes)``.
            batch: what they are the answers to.
            head: whose dense weights are penalised.
        """
        recipe = self.recipe
        own = logits[: len(batch.targets)]
        loss = losses.classification_loss(own, batch.targets, self.class_weights, recipe.loss)
        if recipe.loss.jsd:
            loss = loss + recipe.loss.jsd * losses.jensen_shannon(logits, VIEWS)
        if self.teachers is not None:
            loss = self._taught(loss, logits, batch, self.teachers)
        return loss + losses.penalty(head, recipe.regularisation)

    def _taught(self, loss: Tensor, logits: Tensor, batch: Batch, teachers: Teachers) -> Tensor:
        config = self.recipe.distillation
        with self.accelerator.autocast():
            taught = teachers.probabilities(batch.pictures)
        return (1 - config.weight) * loss + config.weight * losses.distillation_loss(logits, taught, config.temperature)
