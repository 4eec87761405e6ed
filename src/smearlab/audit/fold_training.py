"""Training one network per fold, briefly and with light augmentation, to judge labels that it never saw."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import torch

from smearlab.data.framing import frame_cells
from smearlab.data.progress import progress
from smearlab.errors import RecipeError, TrainingError, TrainingInterrupted
from smearlab.networks.preparing import prepare_network
from smearlab.training.devices import processes
from smearlab.training.display import Display
from smearlab.training.job import TrainingData
from smearlab.training.loop import fit
from smearlab.training.precision import choose_precision
from smearlab.training.train import initial_network, with_precision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from smearlab.audit.folds import Folds
    from smearlab.data.cells import Cells, FloatArray, IntArray, UInt8Array
    from smearlab.networks.build import CellNetwork
    from smearlab.training.recipe import Recipe

BUDGET = 300_000
"""Pictures that all folds together may train on, so that an audit of any size ends: on two CPU cores, about 16 minutes
of a MobileNetV2 at 96 px where these have bfloat16 arithmetic, and 40 where they do not."""
MOST_EPOCHS, MOST_FROM_SCRATCH, FEWEST_EPOCHS = 12, 24, 2
_FEWEST_STEPS = 12  # in an epoch: a few dozen pictures are shown several times
_BATCH = 256


@dataclass(frozen=True)
class Start:
    """What the networks of all folds start from.

    Attributes:
        recipe: network, framing and training; see `training_recipe`.
        weights: of the whole network, by name; None leaves the recipe's own starting weights.
    """

    recipe: Recipe
    weights: dict[str, Tensor] | None = None


def training_recipe(base: Recipe, epochs: int, seed: int) -> Recipe:
    """Shorten a recipe to what judging labels takes.

    Light augmentation and label smoothing keep a network from learning single wrong labels by heart (Lukasik et al.
    2020), and the average of its last weights is steadier than any of them.

    Args:
        base: whose network, head and framing are used.
        epochs: passes over the pictures of each fold.
        seed: of the run.
    """
    from smearlab.training.recipe import Recipe

    return Recipe.model_validate(
        {
            "name": "label check",
            "seed": seed,
            "framing": base.framing,
            "network": base.network,
            "head": base.head,
            "augment": {"policy": "light", "rotation": 180, "zoom": 0.1, "shift": 0.05},
            "loss": {"label_smoothing": 0.1},
            "ema": {"decay": 0.99},
            "selection": {"keep": "last"},
            "precision": base.precision.model_copy(update={"mode": "auto"}),
            "phases": [
                {
                    "epochs": epochs,
                    "batch_size": 64,
                    "min_steps_per_epoch": _FEWEST_STEPS,
                    "learning_rate": 1e-3,
                    "schedule": "one_cycle",
                    "warmup_epochs": max(1, epochs / 5),
                }
            ],
        }
    )


def epochs_within(pictures: int, folds: int, *, scratch: bool = False) -> int:
    """Return how many passes over each fold's pictures all folds together can afford.

    Args:
        pictures: that are learnt from.
        folds: how many.
        scratch: whether the networks start from nothing, and need longer.

    >>> epochs_within(1926, 5), epochs_within(13_673, 5), epochs_within(100_000, 5)
    (12, 5, 2)
    """
    affordable = BUDGET // max(1, pictures * (folds - 1))
    return min(MOST_FROM_SCRATCH if scratch else MOST_EPOCHS, max(FEWEST_EPOCHS, affordable))


def train_folds(cells: Cells, folds: Folds, start: Start) -> FloatArray:
    """Judge every row by a network that was trained on the other folds.

    Args:
        cells: labelled pictures.
        folds: who learns from whom.
        start: network and training, the same for every fold.

    Returns:
        Probabilities ``float64 (n, classes)``, the mean over mirrored and turned views of each picture.

    Raises:
        TrainingError: the loss is no number.
        TrainingInterrupted: the user stopped it; nothing is kept.
        RecipeError: the starting weights do not fit.
    """
    images, labels = frame_cells(cells, start.recipe.framing), cells.known_labels
    classes = len(cells.class_names)
    chances = np.zeros((len(labels), classes))
    recipe = _decided(start.recipe, classes)
    total = folds.count * recipe.phases[0].epochs
    with progress("Learning to judge the labels", total) as advance:
        for number, (taught, judged) in enumerate(folds):
            data = TrainingData(images, labels, taught, taught[:0], cells.class_names, f"fold {number}")
            network = _trained(data, recipe, start.weights, advance)
            chances[judged] = _judge(network, images, judged, classes)
    return chances


def _decided(recipe: Recipe, classes: int) -> Recipe:
    """Choose the arithmetic once for all folds."""
    network, phase = initial_network(recipe, classes), recipe.phases[0]
    return with_precision(recipe, choose_precision(network, recipe.framing.size, phase.batch_size, processes().device))


def _trained(
    data: TrainingData, recipe: Recipe, weights: dict[str, Tensor] | None, advance: Callable[[int], None]
) -> CellNetwork:
    network = initial_network(recipe, len(data.class_names))
    if weights is None:
        prepare_network(network, recipe.network, data.images, data.train)
    else:
        _load(network, weights)
    with TemporaryDirectory(prefix="smearlab-") as folder, _explained():
        display = Display(recipe.phases[0].epochs, shown=False)
        fitted = fit(network, data, recipe, Path(folder), display, lambda rows: advance(1))
    network.load_state_dict(fitted.weights)
    return network


def _load(network: CellNetwork, weights: dict[str, Tensor]) -> None:
    """Load all weights that fit; those of a head for other classes stay as they were drawn."""
    own = network.state_dict()
    fitting = {name: value for name, value in weights.items() if name in own and own[name].shape == value.shape}
    missing = [name for name in own if name.startswith("backbone.") and name not in fitting]
    if missing:
        raise RecipeError(
            f"The weights to start from do not fit the network: '{missing[0]}' is missing or has another shape. Give "
            "the run folder that the model was trained in."
        )
    network.load_state_dict(fitting, strict=False)


@contextmanager
def _explained() -> Iterator[None]:
    """Speak of the audit where training speaks of a run that could be resumed."""
    try:
        yield
    except TrainingInterrupted as error:
        raise TrainingInterrupted("Stopped while learning to judge the labels; nothing was written.") from error
    except TrainingError as error:
        raise TrainingError(f"Learning to judge the labels failed: {error}") from error


@torch.inference_mode()
def _judge(network: CellNetwork, images: UInt8Array, positions: IntArray, classes: int) -> FloatArray:
    """Return the mean probabilities ``float64 (m, classes)`` over four views, none of which changes a cell's type."""
    device = next(network.parameters()).device
    network.eval()
    chances = np.zeros((len(positions), classes))
    for begin in range(0, len(positions), _BATCH):
        batch = positions[begin : begin + _BATCH]
        planes = torch.from_numpy(np.ascontiguousarray(images[batch])).to(device).permute(0, 3, 1, 2).float() / 255
        views = (planes, planes.flip(3), planes.flip(2), planes.flip((2, 3)))
        answers = [network(view.contiguous(memory_format=torch.channels_last)).softmax(1) for view in views]
        chances[begin : begin + len(batch)] = torch.stack(answers).mean(0).double().cpu().numpy()
    return chances
