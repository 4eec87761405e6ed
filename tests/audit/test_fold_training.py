from pathlib import Path

import numpy as np
import pytest
import torch
from tests.audit.labelled import alone, coloured_cells, flipped
from tests.inference.tiny_model import write_tiny_folder
from tests.training.tiny_training import tiny_recipe

from smearlab.audit import fold_training
from smearlab.audit.fold_predictions import judges
from smearlab.audit.fold_training import Start, epochs_within, train_folds, training_recipe
from smearlab.audit.folds import make_folds
from smearlab.audit.label_errors import judge_labels
from smearlab.audit.starts import is_model, start_of_folds, untaught_start
from smearlab.errors import ModelError, RecipeError, TrainingInterrupted
from smearlab.networks.build import CellNetwork
from smearlab.training.job import TrainingData
from smearlab.training.train import initial_network


@pytest.fixture(autouse=True)
def _decided_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timings of a busy machine would choose another arithmetic from test to test."""
    monkeypatch.setattr(fold_training, "choose_precision", lambda *arguments: "float32")


def tiny_start(epochs: int = 4) -> Start:
    return Start(training_recipe(tiny_recipe(), epochs, seed=0))


@pytest.mark.slow
def test_networks_judge_labels_they_never_saw() -> None:
    planted = flipped(coloured_cells(per_class=40), count=4)
    folds = make_folds(planted.cells, 2, 0, groups=alone(planted.cells))
    chances = train_folds(planted.cells, folds, tiny_start(8))
    np.testing.assert_allclose(chances.sum(1), 1, rtol=1e-5)
    quality = judge_labels(planted.cells, chances)
    assert set(quality.order[:4]) == set(np.flatnonzero(planted.wrong))


def test_a_fold_learns_from_the_others_only(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = coloured_cells(per_class=8)
    excluded = np.arange(len(cells)) < 5
    folds = make_folds(cells, 3, 0, groups=alone(cells), excluded=excluded)
    taught: list[np.ndarray] = []

    def remembered(data: TrainingData, *others: object) -> CellNetwork:
        taught.append(data.train)
        return initial_network(tiny_recipe(), 3)

    monkeypatch.setattr(fold_training, "_trained", remembered)
    train_folds(cells, folds, tiny_start())
    for fold, rows in enumerate(taught):
        assert not excluded[rows].any()
        assert (folds.numbers[rows] != fold).all()
    assert len(taught) == 3


def test_the_seed_decides_everything() -> None:
    cells = coloured_cells(per_class=8)
    folds = make_folds(cells, 2, 0, groups=alone(cells))
    first, again = train_folds(cells, folds, tiny_start(1)), train_folds(cells, folds, tiny_start(1))
    np.testing.assert_array_equal(first, again)


def test_weights_to_start_from_are_taken_over_but_for_a_head_of_other_classes() -> None:
    given = {
        name: torch.full_like(value, 0.5) for name, value in initial_network(tiny_recipe(), 5).state_dict().items()
    }
    network = initial_network(tiny_recipe(), 3)
    head = {name: value.clone() for name, value in network.state_dict().items() if name.startswith("head.")}
    fold_training._load(network, given)
    loaded = network.state_dict()
    assert all((loaded[name] == 0.5).all() for name in loaded if name.startswith("backbone.") and loaded[name].ndim)
    assert all(torch.equal(loaded[name], value) for name, value in head.items() if value.shape != given[name].shape)


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(RecipeError, match="do not fit the network"):
        fold_training._load(initial_network(tiny_recipe(), 3), {"backbone.conv1.weight": torch.zeros(1)})


def test_an_interrupted_audit_does_not_speak_of_resuming(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*arguments: object) -> None:
        raise TrainingInterrupted("give the same command with --resume")

    monkeypatch.setattr(fold_training, "fit", stopped)
    cells = coloured_cells(per_class=4)
    with pytest.raises(TrainingInterrupted, match="nothing was written"):
        train_folds(cells, make_folds(cells, 2, 0, groups=alone(cells)), tiny_start())


@pytest.mark.parametrize(("pictures", "epochs"), [(10, 12), (1926, 12), (13_673, 5), (10**6, 2)])
def test_large_data_get_fewer_epochs(pictures: int, epochs: int) -> None:
    assert epochs_within(pictures, 5) == epochs


def test_networks_from_scratch_get_more() -> None:
    assert epochs_within(1926, 5, scratch=True) == 24


def test_a_start_is_a_model_a_file_or_nothing(tmp_path: Path) -> None:
    assert is_model("default")
    assert is_model(tmp_path)
    assert not is_model(tmp_path / "weights.pth")
    assert not is_model(None)


def test_from_scratch_a_narrow_network_is_trained() -> None:
    start = start_of_folds(None, 3, 1)
    assert start.recipe.network.input_norm == "none"
    assert start.weights is None
    assert start.recipe.network.weights == "none"
    assert start.recipe.phases[0].epochs == 3
    assert start.recipe.seed == 1


def test_a_file_of_weights_is_named_in_the_recipe(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    file.touch()
    start = start_of_folds(file, 3, 0)
    assert start.recipe.network.weights == str(file)
    with pytest.raises(RecipeError, match="no file of weights"):
        start_of_folds(tmp_path / "none.pth", 3, 0)


def test_pretrained_weights_are_found_where_they_are_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMEARLAB_WEIGHTS", str(tmp_path / "weights"))
    assert untaught_start() is None
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "mobilenet_v2_imagenet.pth").touch()
    assert untaught_start() == tmp_path / "weights" / "mobilenet_v2_imagenet.pth"


def test_a_shipped_model_is_rebuilt_by_its_recipe() -> None:
    start = start_of_folds("default", 3, 0)
    assert start.weights is not None
    assert start.recipe.network.weights == "none"
    network = initial_network(start.recipe, 8)
    fold_training._load(network, start.weights)
    loaded = network.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in start.weights.items())


def test_a_model_nobody_can_rebuild_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Give the run folder"):
        start_of_folds(write_tiny_folder(tmp_path), 3, 0)


def test_networks_from_scratch_are_among_the_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = coloured_cells(per_class=8)
    monkeypatch.setattr("smearlab.audit.starts.start_of_folds", lambda start, epochs, seed: tiny_start(epochs))
    members = judges(cells, make_folds(cells, 2, 0, groups=alone(cells)), start=None, epochs=1)
    assert set(members) == {"network"}
    assert members["network"].shape == (24, 3)
