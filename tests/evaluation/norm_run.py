"""A run's folder around a small network with batch normalisation that tells bright pictures from dark ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tests.training.tiny_training import tiny_cells

from smearlab.data.cells import Cells
from smearlab.inference.info import IsCell, ModelInfo, NetworkInfo, Provenance
from smearlab.inference.model_folder import write_model_folder
from smearlab.inference.trust import fit_trust
from smearlab.networks.build import CellNetwork, build_network
from smearlab.networks.onnx import export_onnx
from smearlab.training.recipe import Recipe
from smearlab.training.recipe_io import save_recipe

SIZE = 24
NETWORK: dict[str, object] = {"backbone": "smearlab/plain_cnn", "scaling": "unit"}
RECIPE: dict[str, object] = {
    "name": "normed",
    "framing": {"size": SIZE, "crop": "none"},
    "augment": {"policy": "flips"},
}


def norm_cells(per_class: int = 60) -> Cells:
    """Return pictures of three classes that differ in brightness."""
    return tiny_cells(per_class)


def as_tensor(cells: Cells) -> torch.Tensor:
    """Return pictures ``float32 (n, 3, h, w)`` in 0–1."""
    return torch.from_numpy(np.asarray(cells.images)).permute(0, 3, 1, 2).float() / 255


def trained_network(recipe: Recipe, cells: Cells, steps: int = 60) -> CellNetwork:
    """Train for a second."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(recipe.network, recipe.head, 3, size=SIZE)
    pictures, labels = as_tensor(cells), torch.from_numpy(cells.known_labels)
    optimiser = torch.optim.AdamW(network.parameters(), 0.02)
    network.train()
    for _ in range(steps):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(pictures), labels).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return network.eval()


def write_norm_run(folder: Path, **network: object) -> Path:
    """Write a run's folder: recipe and model."""
    options = {"channels": [8, 16], **network}
    recipe = Recipe.model_validate({**RECIPE, "network": NETWORK | {"options": options}})
    cells = norm_cells()
    trained = trained_network(recipe, cells)
    with torch.no_grad():
        features = trained.features(as_tensor(cells))
        logits = trained.head(features)
    trust, threshold = fit_trust(logits.numpy(), cells.known_labels, features.numpy())
    info = ModelInfo(
        name="normed",
        class_names=cells.class_names,
        framing=recipe.framing,
        network=NetworkInfo(name=recipe.network.backbone),
        is_cell=IsCell(threshold=threshold),
        provenance=Provenance(recipe="normed"),
    )
    weights = {name: tensor.numpy() for name, tensor in trained.state_dict().items()}
    folder.mkdir(parents=True, exist_ok=True)
    save_recipe(recipe, folder / "recipe.toml")
    write_model_folder(folder / "model", onnx=export_onnx(trained, SIZE), weights=weights, trust=trust, info=info)
    return folder
