"""Gradual unfreezing, balancing by recall and by copies, and Ranger, within whole runs that are stopped and resumed."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.tiny_training import StopAt, digest, quiet, tiny_data, tiny_recipe, train_tiny, without_times

from smearlab.errors import TrainingError, TrainingInterrupted
from smearlab.training import balancing, loop, validation
from smearlab.training.job import TrainingData
from smearlab.training.train import initial_network

GROWING = (
    *("phases.0.epochs=3", "phases.0.trainable.grow_epochs=2", "phases.0.trainable.start_share=0.0"),
    *("phases.0.trainable.share=0.7", "ema.decay=0.9", "averaging.swa_start=0.3"),
)
WORST = ("balance.kind=worst_classes", "balance.strength=5.0", "phases.0.epochs=3")
RESUMED = {
    "growing": GROWING,
    "growing sgd": (*GROWING, "phases.0.optimiser=sgd"),
    "ranger": ("phases.0.optimiser=ranger", "phases.0.epochs=3"),
    "worst_classes": WORST,
    "synthetic": ("balance.kind=synthetic", "balance.per_class=20", "balance.policy=light", "selection.noise=0.1"),
}


@pytest.mark.parametrize("name", RESUMED)
def test_stopping_and_resuming_loses_nothing(tmp_path: Path, name: str) -> None:
    recipe = tiny_recipe(*RESUMED[name])
    whole = train_tiny(tmp_path / "whole", recipe)
    with pytest.raises(TrainingInterrupted):
        train_tiny(tmp_path / "stopped", recipe, display=StopAt(5))  # within the second epoch
    resumed = train_tiny(tmp_path / "stopped", recipe)
    assert digest(resumed.weights) == digest(whole.weights)
    assert without_times(resumed.progress.history) == without_times(whole.progress.history)


def test_layers_are_freed_epoch_by_epoch(tmp_path: Path) -> None:
    recipe = tiny_recipe(*GROWING)
    network = initial_network(recipe, 3)
    states = [{name: value.clone() for name, value in network.state_dict().items()}]

    def keep(rows: list[dict[str, Any]]) -> None:
        states.append({name: value.clone() for name, value in network.state_dict().items()})

    loop.fit(network, tiny_data(), recipe, tmp_path, quiet(), keep)
    changed = [
        {name for name in before if not torch.equal(before[name], after[name])} for before, after in pairwise(states)
    ]
    assert changed[0] == {"head.0.weight", "head.0.bias"}, "no weight and no statistic of the backbone"
    assert changed[0] < changed[1] < changed[2]
    assert "backbone.layer4.0.conv2.weight" in changed[1]
    assert "backbone.conv1.weight" not in changed[2]
    assert "backbone.bn1.running_mean" not in changed[2]


def uneven() -> TrainingData:
    """Two classes of 16 and 32 training pictures."""
    whole = tiny_data()
    return replace(whole, labels=np.minimum(whole.labels, 1), class_names=whole.class_names[:2], key="uneven")


class TestWorstClasses:
    def test_an_epochs_weights_are_those_of_the_last_epochs_recalls(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recalls = iter([{"basophil": 0.9, "eosinophil": 0.4, "erythroblast": 0.8}, {"basophil": 1.0}, {}])
        monkeypatch.setattr(
            validation,
            "class_recalls",
            lambda *given: {f"{balancing.RECALL}{name}": recall for name, recall in next(recalls).items()},
        )
        used: list[list[float]] = []
        right = loop.Trainer._train_epoch

        def spy(trainer: loop.Trainer, phase: Any) -> None:
            right(trainer, phase)
            used.append(trainer.objective.class_weights.tolist())

        monkeypatch.setattr(loop.Trainer, "_train_epoch", spy)
        train_tiny(tmp_path, tiny_recipe(*WORST))
        assert used == [[1, 1, 1], pytest.approx([1, 3.5, 1.5]), [1, 1, 1]]

    def test_the_recalls_stand_in_the_history(self, tmp_path: Path) -> None:
        for row in train_tiny(tmp_path, tiny_recipe(*WORST)).progress.history:
            recalls = [value for key, value in row.items() if key.startswith(balancing.RECALL)]
            assert len(recalls) == 3
            assert np.mean(recalls) == pytest.approx(row["validation_balanced_accuracy"])

    def test_without_validation_it_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match=r"no validation pictures\. Give split\.validation a share"):
            train_tiny(tmp_path, tiny_recipe(*WORST), tiny_data(validation=0))


ONE_EPOCH = ("phases.0.epochs=1", "phases.0.batch_size=8", "augment.policy=none")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    return digest(train_tiny(tmp_path_factory.mktemp("plain"), tiny_recipe(*ONE_EPOCH), uneven()).weights)


@pytest.mark.parametrize(
    ("overrides", "steps"),
    [
        ((), 6),
        (("balance.kind=class_weights",), 6),
        (("balance.kind=class_weights", "balance.normalise=none"), 6),
        (("balance.kind=oversample",), 8),
        (("balance.kind=oversample", "balance.per_class=40"), 10),
        (("balance.kind=synthetic",), 8),
        (("balance.kind=synthetic", "balance.per_class=40"), 10),
        (("balance.kind=batches",), 6),
        (("loss.kind=focal",), 6),
        (("loss.label_smoothing=0.1",), 6),
    ],
)
def test_each_way_of_balancing_stands_alone(tmp_path: Path, plain: str, overrides: tuple[str, ...], steps: int) -> None:
    """16 and 32 pictures in batches of 8; each way ends elsewhere than none at all, from the same start."""
    result = train_tiny(tmp_path, tiny_recipe(*ONE_EPOCH, *overrides), uneven())
    assert result.progress.steps_done == steps
    assert (digest(result.weights) == plain) == (not overrides)
