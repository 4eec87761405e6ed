"""Checkpoints: what is saved comes back, and what does not belong is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from smearlab.errors import TrainingError
from smearlab.training.schedule import Patience, Plateau
from smearlab.training.state import (
    LAST,
    Checkpoint,
    Progress,
    load_checkpoint,
    load_weights,
    run_key,
    save_checkpoint,
    save_weights,
)


def checkpoint(key: str = "mine") -> Checkpoint:
    progress = Progress(phase=1, epoch=2, step=3, epochs_done=7, steps_done=70, loss_sum=1 / 3, correct=5.0, seen=9)
    progress.selection, progress.stopper = Patience(best=0.8), Patience(0.1, 0.7, 2)
    progress.plateau = Plateau(Patience(waited=1), 0.3)
    progress.history = [{"epoch": 1, "phase": "train", "validation_loss": None, "train_loss": 0.1}]
    weights = {"w": torch.randn(3, 2), "half": torch.ones(2, dtype=torch.bfloat16), "n": torch.tensor(4)}
    optimiser = {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    return Checkpoint(key, progress, weights, {"ema": {"w": torch.zeros(3, 2)}, "swa": None}, optimiser, {"scale": 2.0})


def test_a_checkpoint_round_trips(tmp_path: Path) -> None:
    saved = checkpoint()
    save_checkpoint(tmp_path / "new folder", saved)
    loaded = load_checkpoint(tmp_path / "new folder", "mine")
    assert loaded is not None
    assert loaded.progress == saved.progress
    assert loaded.scaler == saved.scaler
    assert loaded.optimiser["param_groups"] == saved.optimiser["param_groups"]
    assert torch.equal(loaded.averages["ema"]["w"], torch.zeros(3, 2))
    assert loaded.averages["swa"] is None
    for name, tensor in saved.network.items():
        assert torch.equal(loaded.network[name], tensor)
        assert loaded.network[name].dtype == tensor.dtype


def test_without_a_checkpoint_there_is_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path, "mine") is None


def test_saving_again_replaces_and_leaves_no_other_file(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint())
    second = checkpoint()
    second.progress.steps_done = 99
    save_checkpoint(tmp_path, second)
    loaded = load_checkpoint(tmp_path, "mine")
    assert loaded is not None
    assert loaded.progress.steps_done == 99
    assert [path.name for path in tmp_path.iterdir()] == [LAST]


def test_a_failed_save_keeps_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path, checkpoint())

    def full(content: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(tmp_path, checkpoint())
    assert load_checkpoint(tmp_path, "mine") is not None
    assert [path.name for path in tmp_path.iterdir()] == [LAST]


def test_another_runs_checkpoint_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint("theirs"))
    with pytest.raises(TrainingError, match=r"not the one this run was started with.*no new --set"):
        load_checkpoint(tmp_path, "mine")


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_a_damaged_file_is_refused(tmp_path: Path, kept: int) -> None:
    save_checkpoint(tmp_path, checkpoint())
    whole = (tmp_path / LAST).read_bytes()
    (tmp_path / LAST).write_bytes(whole[: kept if kept >= 0 else len(whole) // 2])
    with pytest.raises(TrainingError, match=r"last\.pt is damaged.*Start anew"):
        load_checkpoint(tmp_path, "mine")


@pytest.mark.parametrize("content", [{"format": 0}, {"weights": 1}, [1, 2]])
def test_another_versions_file_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / LAST)
    with pytest.raises(TrainingError, match="written by another version"):
        load_checkpoint(tmp_path, "mine")


def test_equal_weights_give_equal_bytes(tmp_path: Path) -> None:
    weights = {"b": torch.ones(2, 3, 4, 4).contiguous(memory_format=torch.channels_last), "a": torch.zeros(2)}
    save_weights(tmp_path / "one" / "w.safetensors", weights)
    save_weights(tmp_path / "two.safetensors", {"a": torch.zeros(2), "b": torch.ones(2, 3, 4, 4)})
    assert (tmp_path / "one" / "w.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()
    loaded = load_weights(tmp_path / "two.safetensors")
    assert all(torch.equal(loaded[name], weights[name]) for name in weights)


def test_a_run_is_known_by_its_recipe_and_its_data() -> None:
    keys = {run_key(recipe, data) for recipe in ("a", "ab") for data in ("b", "bc")}
    assert len(keys) == 4
    assert run_key("ab", "c") != run_key("a", "bc")


def test_a_new_phase_starts_fresh_but_keeps_the_best() -> None:
    progress = checkpoint().progress
    progress.start_phase(2)
    assert (progress.phase, progress.epoch, progress.step, progress.seen) == (2, 0, 0, 0)
    assert (progress.stopper, progress.plateau) == (Patience(), Plateau(Patience()))
    assert (progress.selection.best, progress.epochs_done, progress.steps_done) == (0.8, 7, 70)
