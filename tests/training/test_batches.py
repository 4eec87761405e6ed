"""What a step trains on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image
from tests.training.tiny_training import StopAt, digest, tiny_data, tiny_recipe, train_tiny

from smearlab.augment.geometry import to_unit
from smearlab.errors import RecipeError, TrainingInterrupted
from smearlab.training.batches import Batch, BatchMaker, resized
from smearlab.training.train import initial_network

DATA = tiny_data()
POSITIONS = np.arange(0, 40, 5)


@dataclass(frozen=True)
class Share:
    """Stands for one of several processes."""

    process_index: int = 0
    num_processes: int = 1
    device: str = "cpu"


def made(*overrides: str, share: Share | None = None, seed: int = 0) -> Batch:
    recipe = tiny_recipe(*overrides)
    maker = BatchMaker(DATA, recipe, cast(Any, share or Share()))
    return maker.make(POSITIONS, recipe.phases[0], torch.Generator().manual_seed(seed), 0.5)


def apart(pictures: torch.Tensor, views: int = 3) -> torch.Tensor:
    return torch.stack(pictures.chunk(views))


@pytest.mark.parametrize("jsd", ["0", "12.0"])
def test_processes_share_what_one_would_have_seen(jsd: str) -> None:
    overrides = ("augment.policy=light", f"loss.jsd={jsd}")
    views = 3 if float(jsd) else 1
    whole = apart(made(*overrides).pictures, views)
    parts = [made(*overrides, share=Share(index, 2)) for index in (0, 1)]
    for index, part in enumerate(parts):
        torch.testing.assert_close(apart(part.pictures, views), whole[:, index::2])
        np.testing.assert_array_equal(part.labels, DATA.labels[POSITIONS[index::2]])


def test_the_first_view_is_only_turned_and_the_others_differ() -> None:
    batch = made("augment.policy=light", "loss.jsd=12.0")
    assert batch.pictures.shape == (24, 3, 24, 24)
    assert batch.targets.shape == (8, 3)
    first, second, third = apart(batch.pictures)
    raw = to_unit(torch.from_numpy(DATA.images[POSITIONS]).permute(0, 3, 1, 2))
    torch.testing.assert_close(first.flatten(2).sort(dim=2).values, raw.flatten(2).sort(dim=2).values)
    assert not torch.equal(first, raw)
    assert not torch.allclose(second.mean(dim=(2, 3)), raw.mean(dim=(2, 3)), atol=1e-3)
    assert not torch.equal(second, third)


def test_without_a_policy_all_views_are_the_picture() -> None:
    first, second, third = apart(made("augment.policy=none", "loss.jsd=1.0").pictures)
    assert torch.equal(first, second)
    assert torch.equal(first, third)


def test_views_are_compared_and_the_run_resumes(tmp_path: Path) -> None:
    recipe = tiny_recipe("augment.policy=light", "loss.jsd=12.0")
    whole = train_tiny(tmp_path / "whole", recipe)
    with pytest.raises(TrainingInterrupted):
        train_tiny(tmp_path / "stopped", recipe, display=StopAt(4))
    assert digest(train_tiny(tmp_path / "stopped", recipe).weights) == digest(whole.weights)
    assert digest(train_tiny(tmp_path / "plain", tiny_recipe("augment.policy=light")).weights) != digest(whole.weights)
    assert all(0 <= row["train_accuracy"] <= 1 for row in whole.progress.history)


def test_mixing_two_pictures_has_no_views() -> None:
    with pytest.raises(RecipeError, match="compares views of one picture"):
        tiny_recipe("loss.jsd=12.0", "augment.mixup=0.2")


class TestSize:
    def test_a_phase_may_train_at_another_size(self, tmp_path: Path) -> None:
        assert made("phases.0.size=16").pictures.shape == (8, 3, 16, 16)
        recipe = tiny_recipe("phases.0.size=16", "phases.0.epochs=8")
        rows = train_tiny(tmp_path, recipe).progress.history
        assert max(row["validation_balanced_accuracy"] for row in rows) > 0.8  # measured at the framing's size

    def test_pictures_are_resized_as_pillow_does(self) -> None:
        pictures = DATA.images[:4]
        expected = [np.asarray(Image.fromarray(one).resize((16, 16), Image.Resampling.BILINEAR)) for one in pictures]
        small = resized(torch.from_numpy(pictures), 16).numpy()
        assert np.abs(small.astype(int) - np.stack(expected)).max() <= 1

    def test_at_the_same_size_nothing_is_done(self) -> None:
        pictures = torch.from_numpy(DATA.images[:4])
        assert resized(pictures, 24) is pictures

    def test_a_backbone_made_for_one_size_refuses_others(self) -> None:
        recipe = tiny_recipe(
            "network={backbone = 'vit_tiny_patch16_224', options = {img_size = 24, patch_size = 8, depth = 1}}",
            "phases.0.size=16",
        )
        with pytest.raises(RecipeError, match=r"phases\.0\.size: vit_tiny_patch16_224 does not take pictures of 16"):
            initial_network(recipe, 3)
