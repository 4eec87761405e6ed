"""Weights made out of weights: averages kept while training, interpolations, soups, and their batch statistics."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from timm.utils import ModelEmaV3
from torch.optim.swa_utils import AveragedModel, update_bn

from smearlab.training.sampling import seed_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor, nn

    from smearlab.networks.build import CellNetwork
    from smearlab.training.batches import BatchMaker
    from smearlab.training.recipe import Recipe

    Weights = dict[str, Tensor]


class Averages:
    """The averages that a recipe keeps beside the network: exponential (EMA) and stochastic (SWA).

    Args:
        network: whose weights are averaged.
        recipe: which averages there are.

    Attributes:
        form: a network of the same form, to put other weights into.
    """

    def __init__(self, network: CellNetwork, recipe: Recipe) -> None:
        ema, self.config = recipe.ema, recipe.averaging
        self.ema = ModelEmaV3(network, decay=ema.decay, use_warmup=ema.warmup) if ema.decay else None
        self.swa = AveragedModel(network) if self.config.swa_start < 1 else None
        wanted = self.swa is not None or self.config.ema_batch_norm or self.config.wise_ft
        # Taken before accelerate wraps the network's forward pass, which a later copy would share.
        self.form = copy.deepcopy(network) if wanted else network

    def update(self, network: CellNetwork, steps_done: int, share: float, *, epoch_over: bool) -> None:
        """Take the weights after a step.

        Args:
            network: as it is now.
            steps_done: before this step.
            share: of all planned steps that are done, this one included.
            epoch_over: whether it was the last step of its epoch.
        """
        if self.ema is not None:
            self.ema.update(network, step=steps_done)
        every = self.config.swa_every
        due = (steps_done + 1) % every == 0 if every else epoch_over
        if self.swa is not None and due and share > self.config.swa_start:
            self.swa.update_parameters(network)

    def shipping(self, network: CellNetwork) -> nn.Module:
        """Return the network whose weights are measured every epoch: the exponential average where there is one."""
        return network if self.ema is None else self.ema.module

    def stochastic(self) -> Weights | None:
        """Return the stochastic average, or None where nothing was averaged yet."""
        if self.swa is None or not int(self.swa.n_averaged):
            return None
        weights: Weights = self.swa.module.state_dict()
        return weights

    def state(self) -> dict[str, Any]:
        """Return all that is needed to go on averaging."""
        return {
            "ema": None if self.ema is None else self.ema.module.state_dict(),
            "swa": None if self.swa is None else self.swa.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        if self.ema is not None:
            self.ema.module.load_state_dict(state["ema"])
        if self.swa is not None:
            self.swa.load_state_dict(state["swa"])


def estimate_batch_norm(network: CellNetwork, batches: BatchMaker, recipe: Recipe) -> None:
    """Measure batch normalisation's statistics anew, in place: those of averaged weights are nobody's average.

    Args:
        network: with its final weights.
        batches: of the run; its training pictures are altered as at the end of training.
        recipe: how many pictures, and the seed.
    """
    if all(phase.trainable.freeze_norms for phase in recipe.phases):
        return  # the statistics never belonged to these pictures
    phase = recipe.phases[-1].model_copy(update={"size": 0})
    generator = torch.Generator().manual_seed(seed_of(6, recipe.seed))
    order = torch.randperm(len(batches.data.train), generator=generator).numpy()
    chosen = batches.data.train[order[: recipe.averaging.batch_norm_pictures]]
    size = min(phase.batch_size, len(chosen))
    parts = [chosen[start : start + size] for start in range(0, len(chosen) - size + 1, size)]
    torch.manual_seed(seed_of(7, recipe.seed))  # dropout is drawn alike wherever this is done
    update_bn((batches.make(part, phase, generator, 1.0, whole=True).pictures for part in parts), network)
    network.eval()


def interpolated(start: Weights, end: Weights, alpha: float, only: str = "") -> Weights:
    """Return ``(1 - alpha) · start + alpha · end`` (WiSE-FT, Wortsman et al. 2022a).

    Args:
        start: the weights before fine-tuning.
        end: those after it.
        alpha: 0 is the start, 1 the end.
        only: prefix of the tensors to mix; the others are the end's, as are whole numbers.
    """
    return {
        name: torch.lerp(start[name].to(tensor), tensor, alpha)
        if tensor.is_floating_point() and name.startswith(only)
        else tensor
        for name, tensor in end.items()
    }


def mean_weights(all_weights: Sequence[Weights]) -> Weights:
    """Return the mean of every tensor; whole numbers are the first's."""
    first = all_weights[0]
    return {
        name: torch.stack([weights[name].double() for weights in all_weights]).mean(dim=0).to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in first.items()
    }


@dataclass(frozen=True)
class Soup:
    """What `greedy_members` chose.

    Attributes:
        members: positions among the ingredients, the best first.
        score: of their mean.
        scores: of every ingredient alone.
    """

    members: list[int]
    score: float
    scores: list[float]


def greedy_members(ingredients: Sequence[Weights], score: Callable[[Weights], float]) -> Soup:
    """Choose the weights whose mean is best: from the best down, each is kept if it does not lower the score.

    The greedy soup of Wortsman et al. 2022b; it is never worse on the scored pictures than the best ingredient.

    Args:
        ingredients: of networks of one form.
        score: higher is better; measured on pictures that none of them was trained on.
    """
    scores = [score(weights) for weights in ingredients]
    order = sorted(range(len(ingredients)), key=lambda place: -scores[place])
    members, best = [order[0]], scores[order[0]]
    for place in order[1:]:
        tried = score(mean_weights([ingredients[member] for member in [*members, place]]))
        if tried >= best:
            members, best = [*members, place], tried
    return Soup(members, best, scores)
