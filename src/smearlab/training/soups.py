"""New models out of finished runs, without training: greedy soups and interpolations towards the starting weights."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from smearlab.augment.operations import operations_of
from smearlab.data.framing import frame_cells
from smearlab.errors import TrainingError
from smearlab.inference.model_folder import WEIGHTS
from smearlab.networks.build import count_parameters
from smearlab.networks.preparing import prepare_network
from smearlab.training.averaging import estimate_batch_norm, greedy_members, interpolated, mean_weights
from smearlab.training.batches import BatchMaker
from smearlab.training.devices import make_accelerator
from smearlab.training.job import FitResult, TrainingData
from smearlab.training.preparation import Prepared
from smearlab.training.recipe_io import load_recipe
from smearlab.training.run_folder import Run
from smearlab.training.state import Progress, load_weights
from smearlab.training.teachers import trained_network
from smearlab.training.train import Trained, export_run, initial_network
from smearlab.training.validation import Validator, selection_score

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from smearlab.data.cells import Cells

    Weights = dict[str, Tensor]

_SAME = ("framing", "network", "head")


@dataclass(frozen=True)
class Brewed:
    """A new model in a run folder of its own, ready to be measured.

    Attributes:
        run: the folder, its model written.
        prepared: cells and split, those of the first run.
        trained: recipe, weights and what they were chosen among.
    """

    run: Run
    prepared: Prepared
    trained: Trained


class Bench:
    """A finished run taken up again: its data, its validation and its network, to try other weights in.

    Args:
        run: the run's folder.
        cells: the data it was trained on.

    Raises:
        TrainingError: the run is not finished, or was trained on other data.
    """

    def __init__(self, run: Path, cells: Cells) -> None:
        self.run, self.cells = Run(run), cells
        prepared = Prepared.load(cells, self.run)
        if prepared is None or not self.run.is_finished():
            raise TrainingError(f"{run} is no finished run. Give run folders that hold a model and a report.")
        self.prepared, self.recipe = prepared, load_recipe(self.run.recipe)
        self.weights = load_weights(self.run.model / WEIGHTS)
        self.network = trained_network(self.recipe, self.weights, len(cells.class_names))
        split, images = prepared.split, frame_cells(cells, self.recipe.framing)
        names = cells.class_names
        self.data = TrainingData(images, cells.known_labels, split.train, split.validation, names, key="")
        accelerator = make_accelerator(self.recipe)
        self.network.to(accelerator.device)
        self.accelerator, self.batches = accelerator, BatchMaker(self.data, self.recipe, accelerator)
        if not len(split.validation):
            raise TrainingError(f"{run} has no validation pictures to choose by.")

    @cached_property
    def validator(self) -> Validator:
        """Measures weights as the run did; of several runs only one does so."""
        return Validator(self.data, self.recipe, self.accelerator)

    def settled(self, weights: Weights) -> Weights:
        """Return weights with batch statistics measured for them."""
        self.network.load_state_dict(weights)
        with torch.random.fork_rng():
            estimate_batch_norm(self.network, self.batches, self.recipe)
        return {name: tensor.clone() for name, tensor in self.network.state_dict().items()}

    def score(self, weights: Weights) -> float:
        """Return the recipe's selection metric of weights, higher is better."""
        self.network.load_state_dict(weights)
        return selection_score(self.validator.figures(self.network), self.recipe.selection)

    def write(self, out: Path, weights: Weights, name: str, candidates: list[dict[str, Any]]) -> Brewed:
        """Write weights as a run of their own, all but its figures and report."""
        start, folder = time.monotonic(), Run(out)
        recipe = self.recipe.model_copy(update={"name": f"{self.recipe.name}, {name}"})
        folder.start(recipe)
        self.prepared.save(folder)
        fitted = FitResult({key: tensor.cpu() for key, tensor in weights.items()}, Progress(), name, candidates)
        difference = export_run(fitted, self.data, self.cells, recipe, folder)
        parameters, seconds = count_parameters(self.network), {"export": time.monotonic() - start}
        trained = Trained(recipe, fitted, parameters, difference, seconds, self.batches.device.type)
        return Brewed(folder, self.prepared, trained)


def greedy_soup(runs: Sequence[Path], cells: Cells, out: Path) -> Brewed:
    """Average the weights of those of several runs that together validate best (Wortsman et al. 2022b).

    Args:
        runs: finished runs of one network from one start, on one split, which may differ in seed and training.
        cells: the data they were trained on.
        out: the new run's folder.

    Raises:
        TrainingError: the runs do not fit together, or `out` is taken.
    """
    Run(out).check(resume=False)
    benches = [Bench(run, cells) for run in runs]
    first = benches[0]
    for bench in benches[1:]:
        _check_alike(first, bench)

    def score(weights: Weights) -> float:
        return first.score(first.settled(weights))

    soup = greedy_members([bench.weights for bench in benches], score)
    candidates = [
        {"weights": bench.run.path.name, "score": value} for bench, value in zip(benches, soup.scores, strict=True)
    ]
    name = f"soup of {', '.join(benches[member].run.path.name for member in soup.members)}"
    weights = first.settled(mean_weights([benches[member].weights for member in soup.members]))
    return first.write(out, weights, name, [*candidates, {"weights": name, "score": soup.score}])


def wise_ft(run: Path, alphas: Sequence[float], cells: Cells, out: Path) -> Brewed:
    """Interpolate a finished run's backbone between its starting weights and its own (Wortsman et al. 2022a).

    Args:
        run: a finished run whose network did not start from random weights.
        alphas: shares of the way to try; 1 is the run itself.
        cells: the data it was trained on.
        out: the new run's folder.

    Raises:
        TrainingError: the run started from random weights or does not belong to the data, or `out` is taken.
    """
    Run(out).check(resume=False)
    bench = Bench(run, cells)
    if bench.recipe.network.weights == "none":
        raise TrainingError(f"{run} started from random weights, to which there is no way back.")
    start = _start(bench)
    tried: dict[float, Weights] = {}
    candidates: list[dict[str, Any]] = []
    for alpha in alphas:
        tried[alpha] = bench.settled(interpolated(start, bench.weights, alpha, "backbone."))
        candidates.append({"weights": _name(alpha), "score": bench.score(tried[alpha])})
    best = max(range(len(alphas)), key=lambda place: candidates[place]["score"])
    return bench.write(out, tried[alphas[best]], _name(alphas[best]), candidates)


def _name(alpha: float) -> str:
    return f"{alpha:g} of the way from the start"


def _start(bench: Bench) -> Weights:
    network = initial_network(bench.recipe, len(bench.data.class_names))
    prepare_network(network, bench.recipe.network, bench.data.images, bench.data.train)
    weights: Weights = network.state_dict()
    return weights


def _check_alike(first: Bench, other: Bench) -> None:
    """Refuse runs whose mean would mean nothing, or be chosen by pictures that one of them has learned."""
    sections = [name for name in _SAME if getattr(first.recipe, name) != getattr(other.recipe, name)]
    here, there = first.run.path, other.run.path
    if sections:
        raise TrainingError(
            f"{there} differs from {here} in {', '.join(sections)}; only weights of one network from one start mix."
        )
    if not {*first.data.validation.tolist()}.isdisjoint(other.data.train.tolist()):
        raise TrainingError(
            f"{there} was trained on validation pictures of {here}. Train both on one split: set split.seed alike."
        )
    if operations_of(first.recipe.augment) != operations_of(other.recipe.augment):
        raise TrainingError(
            f"{there} and {here} were trained with other operations of augmentation, so nobody could say what their "
            "mean has seen. Give runs of one policy."
        )
