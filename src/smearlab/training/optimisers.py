"""Optimisers by name, from timm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from timm.optim import create_optimizer_v2
from timm.optim.lookahead import Lookahead

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from smearlab.networks.build import CellNetwork
    from smearlab.training.recipe import PhaseConfig

_FUSED = ("sgd", "adam", "adamw")  # those that torch has one kernel for
_SLOW = "lookahead_slow_buff"  # timm's name for the slow weights in a parameter's state


class Ranger(Lookahead):
    """RAdam (Liu et al. 2020) with decoupled weight decay, and Lookahead (Zhang et al. 2019), as Ranger joins them.

    Slow weights begin where a weight's first step begins, as in the paper; timm's begin after the sixth.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take a fast step, and every sixth time go half-way back to the slow weights."""
        state = self._base_optimizer.state
        learning = [weight for group in self.param_groups for weight in group["params"] if weight.grad is not None]
        begun: dict[Tensor, Tensor] = {weight: weight.clone() for weight in learning if _SLOW not in state[weight]}
        loss: float | None = self._base_optimizer.step(closure)
        for weight, start in begun.items():
            state[weight][_SLOW] = start
        for group in self.param_groups:
            group["lookahead_step"] += 1
            if group["lookahead_step"] % group["lookahead_k"] == 0:
                self.update_slow(group)  # type: ignore[no-untyped-call]
        return loss


def build_optimiser(network: CellNetwork, phase: PhaseConfig) -> torch.optim.Optimizer:
    """Build a phase's optimiser over the parameters that learn; biases and norms are spared the weight decay.

    The decay is decoupled (Loshchilov & Hutter 2019) in ``adamw``, ``lion`` and ``ranger``; the others add it to the
    gradient, which is an L2 penalty.
    """
    # One kernel over all weights: on CPUs three times as fast as one after another.
    options: dict[str, Any] = {"fused": True} if _fused(phase) else {}
    optimiser: torch.optim.Optimizer = create_optimizer_v2(
        network,
        opt=_timm_name(phase),
        lr=phase.learning_rate,
        weight_decay=phase.weight_decay,
        momentum=phase.momentum,
        filter_bias_and_bn=True,
        **options,
    )
    return Ranger(optimiser) if phase.optimiser == "ranger" else optimiser  # type: ignore[no-untyped-call]


def _fused(phase: PhaseConfig) -> bool:
    """Whether torch has one kernel that takes a step on all weights."""
    # That of gradient descent cannot take weights whose momentum begins later than that of others.
    begin_together = not phase.trainable.grow_epochs
    return phase.optimiser in _FUSED and (phase.optimiser != "sgd" or begin_together)


def _timm_name(phase: PhaseConfig) -> str:
    # Nesterov's form, timm's "sgd", is not defined without momentum; "momentum" is the plain one.
    if phase.optimiser == "sgd" and not phase.momentum:
        return "momentum"
    return "radamw" if phase.optimiser == "ranger" else phase.optimiser
