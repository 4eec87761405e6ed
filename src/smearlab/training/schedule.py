"""The learning rate as a function of the step, so that a resumed run needs no scheduler state (but plateau's)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smearlab.training.recipe import PhaseConfig
    from smearlab.training.sections import AveragingConfig

_START_SHARE = 0.01  # warm-up starts here, not at 0, so that the first step already learns


def learning_rate(phase: PhaseConfig, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of a step.

    Args:
        phase: schedule, highest rate and warm-up.
        step: 0-based within the phase.
        steps_per_epoch: steps in one epoch.

    Returns:
        The rate before `Plateau`'s factor.
    """
    total = max(1, phase.epochs * steps_per_epoch)
    warmup = round(phase.warmup_epochs * steps_per_epoch)
    if step < warmup:
        return phase.learning_rate * _rise(phase, (step + 1) / warmup)
    if phase.schedule in ("constant", "plateau"):
        return phase.learning_rate
    progress = (step - warmup) / max(1, total - warmup)
    cosine = 0.5 * (1 + math.cos(math.pi * progress))
    return phase.learning_rate * (phase.final_share + (1 - phase.final_share) * cosine)


def averaging_rate(rate: float, averaging: AveragingConfig, epochs_since: float) -> float:
    """Turn the schedule's rate into the constant one of stochastic weight averaging, along a cosine.

    Args:
        rate: the schedule's.
        averaging: the constant rate, and how long the turn takes.
        epochs_since: epochs since the averaging began; negative before it.
    """
    if epochs_since < 0 or not averaging.swa_learning_rate:
        return rate
    turned = min(1.0, epochs_since / averaging.swa_anneal_epochs) if averaging.swa_anneal_epochs else 1.0
    share = 0.5 * (1 - math.cos(math.pi * turned))
    return (1 - share) * rate + share * averaging.swa_learning_rate


def _rise(phase: PhaseConfig, progress: float) -> float:
    """Linear warm-up, or the cosine rise of one-cycle from a 25th (Smith & Topin 2018, as in torch's OneCycleLR)."""
    if phase.schedule == "one_cycle":
        return 1 / 25 + (1 - 1 / 25) * 0.5 * (1 - math.cos(math.pi * progress))
    return _START_SHARE + (1 - _START_SHARE) * progress


@dataclass
class Patience:
    """Counts the epochs without a better score; higher is better.

    Attributes:
        min_delta: smallest change that counts as better.
        best: best score so far.
        waited: epochs since then.
    """

    min_delta: float = 0.0
    best: float = -math.inf
    waited: int = 0

    def update(self, score: float) -> bool:
        """Take an epoch's score and say whether it is the best so far."""
        if score > self.best + self.min_delta:
            self.best, self.waited = score, 0
            return True
        self.waited += 1
        return False


@dataclass
class Plateau:
    """Lowers the learning rate when the selection metric no longer improves.

    Attributes:
        patience: counts the epochs without a better score.
        factor: what the learning rate is multiplied by at present.
    """

    patience: Patience
    factor: float = 1.0

    def update(self, phase: PhaseConfig, score: float) -> None:
        """Take an epoch's score; does nothing unless the phase's schedule is ``plateau``."""
        if phase.schedule != "plateau":
            return
        self.patience.update(score)
        if self.patience.waited >= phase.plateau_patience:
            self.factor *= phase.plateau_factor
            self.patience.waited = 0
