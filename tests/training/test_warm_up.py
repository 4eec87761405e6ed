"""Learning without labels before the phases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.tiny_training import DEEPER, digest, tiny_cells, tiny_data, tiny_recipe

from smearlab.data.split import Split
from smearlab.errors import RecipeError
from smearlab.training import warm_up as module
from smearlab.training.run_folder import Run
from smearlab.training.train import initial_network, train_model
from smearlab.training.warm_up import FILE, Siamese, warm_up

ON = ("warm_up.epochs=3", "warm_up.batch_size=16", "warm_up.width=32", "augment.policy=light")
DATA = tiny_data()


def warmed(folder: Path, *overrides: str, key: str = "mine") -> tuple[dict[str, torch.Tensor], list[dict[str, float]]]:
    recipe = tiny_recipe(*ON, *overrides)
    network = initial_network(recipe, 3)
    rows = warm_up(network, DATA.images, DATA.train, recipe, folder, key)
    return network.state_dict(), rows


def test_the_loss_is_the_published_one() -> None:
    network = initial_network(tiny_recipe(), 3)
    model = Siamese(network, 8, 32).eval()
    first, second = torch.rand(2, 6, 3, 24, 24)
    loss, _ = model(first, second)
    one, two = (model.projection(network.features(view)) for view in (first, second))
    negative = [
        -(torch.nn.functional.normalize(model.prediction(a), dim=1) * torch.nn.functional.normalize(b, dim=1))
        .sum(dim=1)
        .mean()
        for a, b in ((one, two), (two, one))
    ]
    torch.testing.assert_close(loss, 1 + sum(negative) / 2)


def test_the_backbone_learns_and_the_head_does_not(tmp_path: Path) -> None:
    start = initial_network(tiny_recipe(*ON, DEEPER), 3).state_dict()
    end, rows = warmed(tmp_path, DEEPER)
    assert not torch.equal(start["backbone.conv1.weight"], end["backbone.conv1.weight"])
    assert torch.equal(start["head.0.weight"], end["head.0.weight"])
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[-1]["spread"] > 0.1  # not all in one point


def test_going_on_after_a_kill_ends_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, rows = warmed(tmp_path / "whole")
    trained, calls = module._epoch, []

    def die_in_the_second(*given: object) -> dict[str, float]:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return trained(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_epoch", die_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        warmed(tmp_path / "killed")
    resumed, again = warmed(tmp_path / "killed")
    assert len(calls) == 4  # one finished, one broken off, two that were left
    assert digest(resumed) == digest(whole)
    assert again == rows


def test_the_state_of_another_run_is_not_gone_on_with(tmp_path: Path) -> None:
    warmed(tmp_path, key="other")
    assert digest(warmed(tmp_path)[0]) == digest(warmed(tmp_path / "new")[0])


@pytest.mark.parametrize(
    ("override", "pictures", "message"),
    [("augment.policy=none", 48, "one that alters them"), ("seed=1", 15, "has 15 pictures; give at least 16")],
)
def test_what_cannot_work_is_told(tmp_path: Path, override: str, pictures: int, message: str) -> None:
    recipe = tiny_recipe(*ON, override)
    with pytest.raises(RecipeError, match=message):
        warm_up(initial_network(recipe, 3), DATA.images, DATA.train[:pictures], recipe, tmp_path, "mine")


@pytest.mark.slow
def test_a_run_warms_up_on_other_pictures(tmp_path: Path) -> None:
    cells = tiny_cells(20)
    np.savez(tmp_path / "unlabelled.npz", images=np.asarray(cells.images)[::-1])
    split = Split(np.arange(0, 42), np.arange(42, 51), np.arange(51, 60))
    weights = {}
    for name, overrides in {"own": (), "other": (f"warm_up.data={tmp_path / 'unlabelled.npz'}",)}.items():
        recipe, run = tiny_recipe(*ON, *overrides, "phases.0.epochs=1"), Run(tmp_path / name)
        trained = train_model(initial_network(recipe, 3), cells, split, recipe, run)
        assert trained is not None
        weights[name] = digest(trained.fitted.weights)
        assert len((run.path / "warm_up.jsonl").read_text().splitlines()) == 3
        assert (run.checkpoints / FILE).is_file()
    assert weights["own"] != weights["other"]
