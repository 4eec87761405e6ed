"""From split cells and a recipe to a trained, exported model: setup → fit → export."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import torch

from smearlab import __version__
from smearlab.augment.operations import operations_of
from smearlab.data.atomic import write_text
from smearlab.data.framing import frame_cells
from smearlab.data.read import read
from smearlab.errors import RecipeError, TrainingError
from smearlab.inference.info import IsCell, ModelInfo, NetworkInfo, Provenance, Scaling
from smearlab.inference.model_folder import write_model_folder
from smearlab.inference.outlines import outlines
from smearlab.inference.statistics import reference_statistics
from smearlab.inference.trust import OUTLINES, fit_belief
from smearlab.networks.build import SCALINGS, CellNetwork, build_network, count_parameters
from smearlab.networks.onnx import check_onnx, export_onnx
from smearlab.networks.preparing import prepare_network
from smearlab.training.devices import agreed, on_main, processes
from smearlab.training.display import Display
from smearlab.training.job import FitResult, TrainingData
from smearlab.training.loop import fit
from smearlab.training.precision import choose_precision
from smearlab.training.recipe import Recipe
from smearlab.training.recipe_io import load_recipe, recipe_toml, save_recipe
from smearlab.training.state import LAST, run_key, save_weights
from smearlab.training.warm_up import warm_up
from smearlab.training.writers import epoch_writer

if TYPE_CHECKING:
    from smearlab.data.cells import Cells, UInt8Array
    from smearlab.data.split import Split
    from smearlab.training.run_folder import Run
    from smearlab.training.writers import OnEpoch

LIBRARIES = ("smearlab", "torch", "timm", "accelerate", "onnxruntime", "numpy", "pillow")
_CHECKED_PICTURES = 256


@dataclass(frozen=True)
class Trained:
    """What training left behind, beside the files in the run folder.

    Attributes:
        recipe: as used, precision decided.
        fitted: weights, counters and history.
        parameters: of the whole network.
        onnx_difference: largest difference between the exported file and the network, relative (see `check_onnx`).
        seconds: of training and export.
        device: what it was trained on.
        processes: how many trained together.
    """

    recipe: Recipe
    fitted: FitResult
    parameters: int
    onnx_difference: float
    seconds: dict[str, float]
    device: str
    processes: int = 1


def train_model(
    network: CellNetwork, cells: Cells, split: Split, recipe: Recipe, run: Run, *, tensorboard: bool = False
) -> Trained | None:
    """Train a recipe on split cells and write the run's recipe, history, checkpoints and model folder.

    Goes on from the run's last checkpoint where there is one.

    Args:
        network: from `initial_network`; trained in place.
        cells: labelled pictures.
        split: which of them train and validate.
        recipe: what to do.
        run: the folder to write to.
        tensorboard: write event files as well.

    Returns:
        What was trained; None on the helper processes of a distributed run, which only train.

    Raises:
        TrainingError: no training pictures, a loss that is no number, or a checkpoint of another run.
        TrainingInterrupted: the user stopped it; the state is saved.
    """
    start = time.monotonic()
    with epoch_writer(run, tensorboard=tensorboard) as on_epoch:
        recipe, data, fitted = fit_run(network, cells, split, recipe, run, on_epoch)
    if not processes().is_main_process:
        return None
    trained = time.monotonic()
    difference = export_run(fitted, data, cells, recipe, run)
    seconds = {"train": trained - start, "export": time.monotonic() - trained}
    parameters, together = count_parameters(network), processes().num_processes
    return Trained(recipe, fitted, parameters, difference, seconds, _device_name(), together)


def fit_run(
    network: CellNetwork, cells: Cells, split: Split, recipe: Recipe, run: Run, on_epoch: OnEpoch, *, shown: bool = True
) -> tuple[Recipe, TrainingData, FitResult]:
    """Do what `train_model` does up to the trained weights; nothing is exported.

    Args:
        network: from `initial_network`; trained in place.
        cells: labelled pictures.
        split: which of them train and validate.
        recipe: what to do.
        run: the folder for recipe, history and checkpoints.
        on_epoch: called after every epoch; what it raises ends the training, whose state is saved by then.
        shown: whether a person sees the epochs.

    Returns:
        The recipe as used, precision decided; what was trained on; what came of it.
    """
    images = frame_cells(cells, recipe.framing)
    recipe = decide_precision(network, recipe, run)
    data = _training_data(cells, images, split, recipe)
    prepare_network(network, recipe.network, images, split.train)
    if recipe.warm_up.epochs:
        _warm_up(network, data, recipe, run)
    display = Display(sum(phase.epochs for phase in recipe.phases), shown=shown and processes().is_main_process)
    return recipe, data, fit(network, data, recipe, run.checkpoints, display, on_epoch)


def _warm_up(network: CellNetwork, data: TrainingData, recipe: Recipe, run: Run) -> None:
    """Learn without labels first, unless the phases have begun already."""
    if (run.checkpoints / LAST).is_file():
        return
    images, positions = data.images, data.train
    if recipe.warm_up.data:
        images = frame_cells(read(recipe.warm_up.data, labelled=False), recipe.framing)
        positions = np.arange(len(images))
    rows = warm_up(network, images, positions, recipe, run.checkpoints, data.key)
    on_main(lambda: write_text(run.path / "warm_up.jsonl", "".join(json.dumps(row) + "\n" for row in rows)))


def initial_network(recipe: Recipe, classes: int) -> CellNetwork:
    """Build the recipe's network with the starting weights that its seed decides.

    Raises:
        RecipeError: the network cannot be built, or does not take a phase's picture size.
    """
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        network = build_network(recipe.network, recipe.head, classes, size=recipe.framing.size)
    for number, phase in enumerate(recipe.phases):
        if phase.size:
            _check_size(network, recipe.network.backbone, phase.size, f"phases.{number}.size")
    return network


@torch.no_grad()
def _check_size(network: CellNetwork, name: str, size: int, key: str) -> None:
    """Try one picture, so that a size the network cannot take is refused before anything is read."""
    try:
        network.eval()(torch.zeros(1, 3, size, size))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise RecipeError(
            f"{key}: {name} does not take pictures of {size} × {size} px ({error}). Leave the key out, or choose a "
            "backbone that takes any size."
        ) from error
    network.train()


def decide_precision(network: CellNetwork, recipe: Recipe, run: Run) -> Recipe:
    """Replace ``auto`` by what is faster here, and write it down; a resumed run reuses what stands in its recipe."""
    mode = recipe.precision.mode
    if mode == "auto" and run.recipe.is_file():
        mode = load_recipe(run.recipe).precision.mode
    if mode == "auto":
        mode = choose_precision(network, recipe.framing.size, recipe.phases[0].batch_size, processes().device)
    # All processes must compute alike; their own timings could disagree.
    recipe = with_precision(recipe, agreed(mode))
    on_main(lambda: save_recipe(recipe, run.recipe))
    return recipe


def with_precision(recipe: Recipe, mode: str) -> Recipe:
    """Return the recipe with another precision."""
    precision = recipe.precision.model_copy(update={"mode": mode})
    return recipe.model_copy(update={"precision": precision})


def export_run(fitted: FitResult, data: TrainingData, cells: Cells, recipe: Recipe, run: Run) -> float:
    """Write the model folder of the selected weights, checked on real pictures.

    Returns:
        The largest relative difference between the ONNX file and the network.
    """
    size, classes = recipe.framing.size, len(cells.class_names)
    network = build_network(recipe.network, recipe.head, classes, size=size, load_weights=False)
    network.load_state_dict(fitted.weights)
    network.eval()
    held_out = data.validation if len(data.validation) else data.train
    onnx = export_onnx(network, size)
    difference = check_onnx(onnx, network, data.images[held_out[:_CHECKED_PICTURES]])
    logits, features = _run_network(network, data.images, held_out)
    trust, is_cell = fit_belief(logits, data.labels[held_out], features)
    trust["picture_statistics"] = reference_statistics(cells.take(held_out).images, recipe.framing)
    known = outlines(cells.take(data.train).images, recipe.framing)
    weights = run.checkpoints / "model.safetensors"
    save_weights(weights, fitted.weights)
    info = model_info(cells, data, recipe, network, is_cell)
    write_model_folder(run.model, onnx=onnx, weights=weights, trust={**trust, OUTLINES: known}, info=info)
    weights.unlink()
    return difference


def model_info(cells: Cells, data: TrainingData, recipe: Recipe, network: CellNetwork, is_cell: IsCell) -> ModelInfo:
    """Describe a model for its ``model.json``."""
    counts = np.bincount(data.labels[data.train], minlength=len(cells.class_names)).tolist()
    mean, std = SCALINGS[recipe.network.scaling]
    return ModelInfo(
        name=recipe.name,
        class_names=cells.class_names,
        framing=recipe.framing,
        scaling=Scaling(mean=mean, std=std),
        network=NetworkInfo(name=" + ".join(recipe.network.backbones), parameters=count_parameters(network)),
        is_cell=is_cell,
        provenance=Provenance(
            data=cells.name,
            rows=len(data.train),
            class_counts=dict(zip(cells.class_names, counts, strict=True)),
            recipe=recipe.name,
            operations=tuple(sorted(operations_of(recipe.augment))),
            seed=recipe.seed,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=library_versions(),
            licence=recipe.data.licence,
            credit=recipe.data.credit,
        ),
    )


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that decide a run's result."""
    return {name: __version__ if name == "smearlab" else importlib.metadata.version(name) for name in LIBRARIES}


def _training_data(cells: Cells, images: UInt8Array, split: Split, recipe: Recipe) -> TrainingData:
    if not len(split.train):
        raise TrainingError("The split leaves no picture to train on. Give split.train a larger share.")
    labels = cells.known_labels
    key = run_key(recipe_toml(recipe), data_fingerprint(images, cells, split))
    return TrainingData(images, labels, split.train, split.validation, cells.class_names, key)


def data_fingerprint(images: UInt8Array, cells: Cells, split: Split) -> str:
    """Identify pictures, labels, class names and parts, so that no run is resumed with other data."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update("\0".join(cells.class_names).encode())
    for array in (cells.known_labels, split.train, split.validation):
        digest.update(len(array).to_bytes(8, "little"))
        digest.update(np.ascontiguousarray(array).tobytes())
    for start in range(0, len(images), 1024):  # in pieces: the pictures may be larger than the memory
        digest.update(np.ascontiguousarray(images[start : start + 1024]).tobytes())
    return digest.hexdigest()


def _device_name() -> str:
    device = processes().device
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


@torch.inference_mode()
def _run_network(network: CellNetwork, images: UInt8Array, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    logits, features = [], []
    for start in range(0, len(positions), 256):
        raw = torch.from_numpy(images[positions[start : start + 256]])
        pooled = network.features(raw.permute(0, 3, 1, 2).float() / 255)
        features.append(pooled.numpy())
        logits.append(network.head(pooled).numpy())
    return np.concatenate(logits), np.concatenate(features)
