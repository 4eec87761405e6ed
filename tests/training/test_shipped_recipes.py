"""Every recipe of our own builds its network and takes a step as it is written, at its own size.

Those of the teams, some of them too large for this, are checked by `smearlab recipes --check`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.tiny_training import quiet

from smearlab.celltypes import CLASS_NAMES
from smearlab.networks.build import build_network
from smearlab.training.job import TrainingData
from smearlab.training.loop import fit
from smearlab.training.recipe import Recipe
from smearlab.training.recipe_io import load_recipe, shipped_recipes

PICTURES = 8


def shortened(recipe: Recipe) -> Recipe:
    """Leave every phase one step of eight pictures."""
    overrides = ["precision.mode=float32"] if recipe.precision.mode == "auto" else []
    for number in range(len(recipe.phases)):
        here = f"phases.{number}"
        overrides += [f"{here}.epochs=1", f"{here}.warmup_epochs=0", f"{here}.batch_size={PICTURES}"]
        overrides += [f"{here}.min_steps_per_epoch=1"]
    return load_recipe(recipe, overrides)


OWN = [name for name in shipped_recipes() if "/" not in name]
LARGE = {"robust-large": pytest.mark.slow}


@pytest.mark.parametrize("name", [pytest.param(name, marks=LARGE.get(name, ())) for name in OWN])
def test_it_takes_a_step(name: str, tmp_path: Path) -> None:
    recipe = shortened(load_recipe(name))
    size = recipe.framing.size
    # The starting weights may have to be downloaded, which is no part of this test.
    network = build_network(recipe.network, recipe.head, 8, size=size, load_weights=False)
    images = np.random.default_rng(0).integers(0, 256, (PICTURES, size, size, 3), dtype=np.uint8)
    positions = np.arange(PICTURES)
    data = TrainingData(images, positions, positions, positions[:0], CLASS_NAMES, "recipes")
    before = {key: weight.detach().clone() for key, weight in network.head.named_parameters()}
    result = fit(network, data, recipe, tmp_path, quiet(), lambda rows: None)
    assert len(result.progress.history) == len(recipe.phases)
    assert all(bool(torch.isfinite(weight).all()) for weight in result.weights.values())
    assert not any(torch.equal(before[key], weight) for key, weight in network.head.named_parameters())
