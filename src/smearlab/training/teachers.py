"""Trained models that teach another: from run folders by torch, from model folders by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from smearlab.data.framing import Framing
from smearlab.errors import ModelError, RecipeError
from smearlab.inference.model_folder import INFO, WEIGHTS, ModelFolder, read_model_folder, resolve_model
from smearlab.inference.session import INPUT, LOGITS
from smearlab.networks.build import build_network
from smearlab.training.recipe_io import load_recipe
from smearlab.training.state import load_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from smearlab.networks.build import CellNetwork
    from smearlab.training.recipe import Recipe

    Answer = Callable[[Tensor], Tensor]


class Teacher:
    """One trained model.

    Args:
        model: a run folder, a model folder or ``default``.
        class_names: the student's, in the order of its logits.
        framing: the student's.
        device: where the student trains.

    Raises:
        RecipeError: the teacher does not know a class, or frames pictures in another way.
        ModelError: there is no such model, or it cannot be read.
    """

    def __init__(self, model: str, class_names: tuple[str, ...], framing: Framing, device: torch.device) -> None:
        path = resolve_model(model)
        folder = read_model_folder(path, threads=torch.get_num_threads())
        names = folder.info.class_names
        missing = [name for name in class_names if name not in names]
        if missing:
            raise RecipeError(
                f"distillation.teachers: {model} does not know {', '.join(missing)}. "
                "Choose a teacher that was trained on all classes of this data."
            )
        _check_framing(model, folder.info.framing, framing)
        self.size = folder.info.framing.size
        self.order = torch.tensor([names.index(name) for name in class_names], device=device)
        recipe = path.parent / "recipe.toml"
        self.answer = _by_torch(recipe, path, len(names), device) if recipe.is_file() else _by_onnx(folder)

    @torch.no_grad()
    def probabilities(self, pictures: Tensor, temperature: float) -> Tensor:
        """Return ``float32 (n, classes)`` for ``float32 (n, 3, h, w)`` in 0–1, in the student's order of classes."""
        if pictures.shape[2] != self.size or pictures.shape[3] != self.size:
            size = (self.size, self.size)
            pictures = F.interpolate(pictures, size, mode="bilinear", align_corners=False, antialias=True)
        logits = self.answer(pictures)[:, self.order]
        return torch.softmax(logits.float() / temperature, dim=1)


class Teachers:
    """All teachers of a recipe, whose probabilities are averaged."""

    def __init__(self, recipe: Recipe, class_names: tuple[str, ...], device: torch.device) -> None:
        self.temperature = recipe.distillation.temperature
        self.all = [Teacher(model, class_names, recipe.framing, device) for model in recipe.distillation.teachers]

    def probabilities(self, pictures: Tensor) -> Tensor:
        """Return ``float32 (n, classes)`` at the recipe's temperature."""
        return torch.stack([teacher.probabilities(pictures, self.temperature) for teacher in self.all]).mean(dim=0)


def trained_network(recipe: Recipe, weights: dict[str, Tensor], classes: int) -> CellNetwork:
    """Build a recipe's network with trained weights, in evaluation mode.

    Raises:
        ModelError: the weights are not of this recipe.
    """
    network = build_network(recipe.network, recipe.head, classes, size=recipe.framing.size, load_weights=False)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(f"The weights do not fit the network of the recipe beside them ({reason}).") from error
    return network.eval()


def _by_torch(recipe: Path, model: Path, classes: int, device: torch.device) -> Answer:
    network = trained_network(load_recipe(recipe), load_weights(model / WEIGHTS), classes)
    network = network.to(device).to(memory_format=torch.channels_last).requires_grad_(False)

    def answer(pictures: Tensor) -> Tensor:
        logits: Tensor = network(pictures.contiguous(memory_format=torch.channels_last))
        return logits

    return answer


def _by_onnx(folder: ModelFolder) -> Answer:
    def answer(pictures: Tensor) -> Tensor:
        raw = (pictures * 255).round_().clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
        (logits,) = folder.session.run([LOGITS], {INPUT: raw.contiguous().cpu().numpy()})
        return torch.from_numpy(logits).to(pictures.device)

    return answer


def _check_framing(model: str, teacher: Framing, student: Framing) -> None:
    """Refuse a teacher that would have been shown another part of the picture; its size may differ."""
    alike = {"auto": "none"}  # differ on whole analyser frames alone
    crops = {alike.get(one.crop, one.crop) for one in (teacher, student)}
    if len(crops) > 1 or (crops == {"centre"} and teacher.fraction != student.fraction):
        raise RecipeError(
            f"distillation.teachers: {model} crops pictures by '{teacher.crop}', this recipe by '{student.crop}', so "
            f"they would not see the same. Set framing.crop = '{teacher.crop}', as {INFO} of the teacher says."
        )
    if teacher.content != student.content:
        raise RecipeError(
            f"distillation.teachers: {model} sees of a picture '{teacher.content}', this recipe '{student.content}'. "
            f"Set framing.content = '{teacher.content}', as {INFO} of the teacher says."
        )
