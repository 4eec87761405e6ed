"""The end of a training run: of the best epoch, the averages and the interpolations, the best on validation ships."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smearlab.training.averaging import estimate_batch_norm, interpolated
from smearlab.training.validation import selection_score

if TYPE_CHECKING:
    from torch import Tensor

    from smearlab.networks.build import CellNetwork
    from smearlab.training.averaging import Averages
    from smearlab.training.batches import BatchMaker
    from smearlab.training.recipe import Recipe
    from smearlab.training.state import Progress
    from smearlab.training.validation import Validator

    Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Shipped:
    """What was chosen.

    Attributes:
        weights: those that ship.
        name: what they are, in words.
        candidates: name, score and validation figures of each, in the order they were tried.
    """

    weights: Weights
    name: str
    candidates: list[dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Finish:
    """Tries the candidates of a run one after another.

    Attributes:
        network: of the run's form; its weights are not changed.
        recipe: which candidates there are.
        batches: of the run, for batch statistics.
        validator: measures them.
        progress: the finished run's.
    """

    network: CellNetwork
    recipe: Recipe
    batches: BatchMaker
    validator: Validator
    progress: Progress

    def choose(self, best: Weights, averages: Averages, start: Weights | None, tuned: str) -> Shipped:
        """Choose what ships; of equals, what comes first.

        Args:
            best: weights of the selected epoch.
            averages: kept while training.
            start: weights before fine-tuning, where interpolations are asked for.
            tuned: prefix of the tensors that had meaning at the start; empty for all.
        """
        row = self.progress.history[self.progress.best_epoch - 1]
        kept = Shipped(best, f"epoch {self.progress.best_epoch}", [])
        tried = [(kept, self._figures(row))]
        for name, weights in self._others(best, averages, start, tuned).items():
            network = self.with_statistics(weights)
            tried.append((Shipped(network.state_dict(), name, []), self.validator.figures(network)))
        scored = [self._row(shipped.name, figures) for shipped, figures in tried]
        # Without validation pictures nothing can be compared, and an average that was asked for is trusted.
        place = max(range(len(tried)), key=lambda one: (scored[one]["score"], -one)) if tried[0][1] else len(tried) - 1
        return Shipped(tried[place][0].weights, tried[place][0].name, scored if len(scored) > 1 else [])

    def with_statistics(self, weights: Weights) -> CellNetwork:
        """Return a copy of the network with these weights and batch statistics measured for them."""
        network = copy.deepcopy(self.network)
        network.load_state_dict(weights)
        estimate_batch_norm(network, self.batches, self.recipe)
        return network

    def _others(self, best: Weights, averages: Averages, start: Weights | None, tuned: str) -> dict[str, Weights]:
        config = self.recipe.averaging
        others: dict[str, Weights] = {}
        if config.ema_batch_norm and averages.ema is not None:
            others["exponential average, batch statistics measured anew"] = best
        if start is not None and len(self.batches.data.validation):
            for alpha in config.wise_ft:
                others[f"{alpha:g} of the way from the start"] = interpolated(start, best, alpha, tuned)
        stochastic = averages.stochastic()
        if stochastic is not None:
            others["stochastic average"] = stochastic
        return others

    def _row(self, name: str, figures: dict[str, float]) -> dict[str, Any]:
        score = selection_score(figures, self.recipe.selection) if figures else None
        return {"weights": name, "score": score, **figures}

    @staticmethod
    def _figures(row: dict[str, Any]) -> dict[str, float]:
        known = {name: row[name] for name in row if name.startswith("validation_")}
        return {} if known["validation_loss"] is None else known
