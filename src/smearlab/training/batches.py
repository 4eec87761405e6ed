"""From positions to what a step trains on: pictures altered by the policy, soft targets, and views of one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from smearlab.augment.mixing import mix
from smearlab.augment.policy import apply, draw
from smearlab.training.losses import soft_targets

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor

    from smearlab.augment.draws import Draws
    from smearlab.data.cells import IntArray
    from smearlab.training.job import TrainingData
    from smearlab.training.recipe import PhaseConfig, Recipe

VIEWS = 3
"""Of every picture where views are compared: one hardly changed and two by the policy (Hendrycks et al. 2020)."""


@dataclass(frozen=True)
class Batch:
    """What one process trains on in one step.

    Attributes:
        pictures: ``float32 (views · n, 3, h, w)`` in 0–1; the first n are those that the targets belong to.
        targets: ``float32 (n, classes)`` probabilities.
        labels: ``int64 (n,)``.
    """

    pictures: Tensor
    targets: Tensor
    labels: Tensor


class BatchMaker:
    """Makes the batches of a run.

    Every draw is made for the whole batch and then shared out, so that two processes see what one would have seen.

    Args:
        data: pictures and labels.
        recipe: policy, smoothing, mixing and whether views are compared.
        accelerator: device and share of this process.
    """

    def __init__(self, data: TrainingData, recipe: Recipe, accelerator: Accelerator) -> None:
        self.data, self.recipe, self.device = data, recipe, accelerator.device
        self.share = slice(accelerator.process_index, None, accelerator.num_processes)
        self.gentle = recipe.augment.model_copy(update={"policy": gentle_policy(recipe.augment.policy)})

    def make(
        self, batch: IntArray, phase: PhaseConfig, generator: torch.Generator, progress: float, *, whole: bool = False
    ) -> Batch:
        """Make a batch.

        Args:
            batch: ``int64`` positions of the pictures of all processes together.
            phase: whose picture size is trained at.
            generator: alike on all processes.
            progress: the share of training done, 0 to 1.
            whole: make all of it on every process, instead of this one's share.
        """
        share = slice(None) if whole else self.share
        mine = batch[share]
        # Bytes travel to the device, a quarter of what floats would weigh.
        raw = torch.from_numpy(self.data.pictures(mine)).to(self.device, non_blocking=True)
        raw = resized(raw, phase.size) if phase.size else raw
        labels = torch.from_numpy(self.data.labels[mine]).to(self.device)
        targets = soft_targets(labels, len(self.data.class_names), self.recipe.loss.label_smoothing)
        if self.recipe.loss.jsd:
            return Batch(self._views(raw, len(batch), share, generator, progress), targets, labels)
        height, width = raw.shape[1:3]
        draws = draw(self.recipe.augment, len(batch), height, width, generator, progress=progress)
        pictures, targets = mix(apply(raw, draws.take(share)), targets, self.recipe.augment, generator)
        return Batch(pictures, targets, labels)

    def _views(self, raw: Tensor, count: int, share: slice, generator: torch.Generator, progress: float) -> Tensor:
        height, width = raw.shape[1:3]
        policies = (self.gentle, *[self.recipe.augment] * (VIEWS - 1))
        draws: list[Draws] = [draw(policy, count, height, width, generator, progress=progress) for policy in policies]
        return torch.cat([apply(raw, one.take(share)) for one in draws])


def gentle_policy(policy: str) -> str:
    """Return the policy of the view that is hardly changed: turned and mirrored, which changes no cell's type."""
    return "none" if policy == "none" else "flips"


def resized(pictures: Tensor, size: int) -> Tensor:
    """Resize ``uint8 (n, h, w, 3)`` to ``uint8 (n, size, size, 3)``, bilinear, smoothed where it shrinks."""
    if tuple(pictures.shape[1:3]) == (size, size):
        return pictures
    planes = pictures.permute(0, 3, 1, 2).float()
    planes = F.interpolate(planes, (size, size), mode="bilinear", align_corners=False, antialias=True)
    return planes.round_().clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
