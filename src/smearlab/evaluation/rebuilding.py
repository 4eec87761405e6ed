"""A trained model's network as a torch module again, checked against the ONNX file of its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from smearlab.errors import ModelError, RecipeError
from smearlab.evaluation.trained_on import run_recipe
from smearlab.inference.predictor import Predictor
from smearlab.networks.build import build_network
from smearlab.networks.onnx import DeployedNetwork
from smearlab.training.recipe_io import load_recipe, shipped_recipes

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.data.cells import UInt8Array
    from smearlab.inference.spread import Floats
    from smearlab.networks.build import CellNetwork
    from smearlab.training.recipe import Recipe

_SAME = 1e-3  # largest difference of a logit to the ONNX file, relative to the largest


class NetworkPredictor(Predictor):
    """A predictor that runs a torch network instead of the ONNX file of its folder."""

    def __init__(self, inner: Predictor, network: CellNetwork) -> None:
        super().__init__(inner.folder, second_look=inner.second_look)
        self.network = DeployedNetwork(network).eval()

    def _run(self, framed: UInt8Array) -> tuple[Floats, Floats]:
        with torch.inference_mode():
            logits, features = self.network(torch.from_numpy(np.array(framed)))
        return logits.numpy(), features.numpy()


def rebuild_network(predictor: Predictor, model: str | Path, wanted_by: str) -> CellNetwork:
    """Rebuild a model's network in torch, in evaluation mode.

    Args:
        predictor: the model.
        model: as the user gave it; in a run folder, its recipe says what the network is, elsewhere the shipped recipe
            that the model names.
        wanted_by: the option or command that needs it, for the message.

    Raises:
        ModelError: nothing says how to rebuild the network, or what is rebuilt answers differently.
    """
    recipe, where = _recipe_of(predictor, model, wanted_by)
    advice = f"Give the run folder that the model was trained in, or do without {wanted_by}."
    network = _rebuilt(predictor, recipe, where, advice)
    size = predictor.framing.size
    pictures = np.random.default_rng(0).integers(0, 256, (4, size, size, 3), dtype=np.uint8)
    expected = predictor.first_look(pictures).logits
    found = NetworkPredictor(predictor, network).first_look(pictures).logits
    if np.abs(found - expected).max() > _SAME * max(1.0, float(np.abs(expected).max())):
        raise ModelError(f"The network rebuilt from {where} answers differently from {predictor.folder.path}. {advice}")
    return network


def _recipe_of(predictor: Predictor, model: str | Path, wanted_by: str) -> tuple[Recipe, str]:
    recipe = run_recipe(model)
    if recipe is not None:
        return recipe, "the run's recipe.toml"
    name = predictor.info.provenance.recipe
    if name in shipped_recipes():
        try:
            return load_recipe(name), f"the shipped recipe '{name}'"
        except RecipeError:
            pass
    raise ModelError(
        f"{predictor.folder.path} lies in no run, so nobody knows how to rebuild its network for {wanted_by}. Give the "
        f"run folder that it was trained in, or do without {wanted_by}."
    )


def _rebuilt(predictor: Predictor, recipe: Recipe, where: str, advice: str) -> CellNetwork:
    folder, size = predictor.folder, predictor.framing.size
    try:
        network = build_network(
            recipe.network, recipe.head, len(predictor.class_names), size=size, load_weights=False
        ).eval()
        network.load_state_dict(load_file(folder.weights))
    except (RuntimeError, SafetensorError, RecipeError) as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(
            f"The weights in {folder.path} do not fit the network of {where} ({reason}). {advice}"
        ) from error
    return network
