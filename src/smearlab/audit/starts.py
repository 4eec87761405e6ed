"""What judging labels starts from: a trained model, a file of pretrained weights, or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.framing import Framing
from smearlab.errors import ModelError, RecipeError
from smearlab.inference.model_folder import resolve_model
from smearlab.inference.outlines import share_known
from smearlab.networks.config import NetworkConfig
from smearlab.training.local_weights import locate_weights
from smearlab.training.recipe import Recipe
from smearlab.training.recipe_io import load_recipe, shipped_recipes

if TYPE_CHECKING:
    from smearlab.audit.fold_training import Start
    from smearlab.data.cells import Cells
    from smearlab.inference.predictor import Predictor

_WEIGHT_FILES = (".pth", ".pt", ".safetensors")
_SCRATCH, _PRETRAINED = "standard", "robust"  # shipped recipes
_OWN_COLOURS = "network.input_norm=none"
"""What is judged is never altered, so that nothing need be brought to one level first."""
_FAMILIAR = 0.02
"""Share of known pictures from which a model does not judge; below it they are a copy here and there."""


def is_model(start: str | Path | None) -> bool:
    """Whether a start names a trained model, and not a file of weights or nothing."""
    return start is not None and Path(start).suffix not in _WEIGHT_FILES


def has_seen(predictor: Predictor, cells: Cells) -> bool:
    """Whether a model was trained on pictures that it should judge.

    A model remembers labels that it was trained on, wrong ones too, so that it must not judge them. It knows the name
    of its data and the outlines of its pictures (`smearlab.inference.outlines`), also where they were copied or saved
    again. Models of earlier versions know the name alone.
    """
    provenance, known = predictor.info.provenance, predictor.folder.trust.training_outlines
    if cells.name and provenance.data == cells.name and provenance.rows <= len(cells):
        return True
    return known is not None and share_known(cells.images, predictor.framing, known) >= _FAMILIAR


def untaught_start(data: object = None) -> Path | None:
    """Return the file of pretrained weights, which never saw a cell, where it is at hand; see `locate_weights`.

    Args:
        data: where the pictures come from; weights are looked for beside them too.
    """
    try:
        found = locate_weights(load_recipe(_PRETRAINED), data).network.weights
    except RecipeError:
        return None
    return Path(found) if Path(found).is_file() else None


def start_of_folds(start: str | Path | None, epochs: int, seed: int) -> Start:
    """Return the network, its weights and the short training that every fold starts from.

    Args:
        start: a model folder, a run folder or ``default``; a file of MobileNetV2 weights (timm's or torchvision's
            layout); or None, which starts from scratch.
        epochs: passes over the pictures of each fold.
        seed: of the run.

    Raises:
        ModelError: there is no such model, or nobody knows how to rebuild its network.
        RecipeError: there is no such file.
    """
    from safetensors.torch import load_file  # torch and its network are loaded where they are needed

    from smearlab.audit.fold_training import Start, training_recipe

    if start is None:
        return Start(training_recipe(load_recipe(_SCRATCH, [_OWN_COLOURS]), epochs, seed))
    if not is_model(start):
        return Start(training_recipe(_of_file(Path(start)), epochs, seed))
    folder = resolve_model(start)
    base = _recipe_of(folder)
    base = base.model_copy(update={"network": base.network.model_copy(update={"weights": "none"})})
    return Start(training_recipe(base, epochs, seed), load_file(folder / "weights.safetensors"))


def _of_file(path: Path) -> Recipe:
    if not path.is_file():
        raise RecipeError(f"There is no file of weights {path} to start from. Give a path that exists, or a model.")
    # Without an input norm, as `_OWN_COLOURS` says.
    network = NetworkConfig(backbone="mobilenetv2_100", weights=str(path), scaling="symmetric")
    return Recipe(framing=Framing(size=96), network=network)


def _recipe_of(folder: Path) -> Recipe:
    """Return the recipe that a model was trained by: the one of its run, or a shipped one."""
    from smearlab.inference.info import parse_info

    written = folder.parent / "recipe.toml"
    info = parse_info((folder / "model.json").read_text(encoding="utf-8"), str(folder / "model.json"))
    if written.is_file():
        return load_recipe(written)
    if info.provenance.recipe in shipped_recipes():
        return load_recipe(info.provenance.recipe).model_copy(update={"framing": info.framing})
    raise ModelError(
        f"{folder} lies in no run, so nobody knows how to rebuild its network to train it on. Give the run folder that "
        "it was trained in, or a file of pretrained weights."
    )


def match_columns(known: tuple[str, ...], cells: Cells) -> np.ndarray | None:
    """Find a model's column for each class of some cells by name.

    Args:
        known: the model's class names.
        cells: labelled pictures.

    Returns:
        ``int64 (classes,)`` columns, -1 for a class that the model does not know and no picture has; None where a
        class that pictures have is unknown to the model.
    """
    columns = np.array([known.index(name) if name in known else -1 for name in cells.class_names], dtype=np.int64)
    return None if (columns[np.unique(cells.known_labels)] < 0).any() else columns
