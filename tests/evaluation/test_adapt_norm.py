"""Test-time adaptation of batch normalisation, and the guard that falls back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.evaluation.colour_model import write_colour_folder
from tests.evaluation.norm_run import SIZE, norm_cells, write_norm_run

from smearlab.data.cells import UInt8Array
from smearlab.errors import DataError, ModelError
from smearlab.evaluation.adapt_norm import FEWEST, NormAdapter, adaptation_words, implausible
from smearlab.evaluation.evaluate import evaluate
from smearlab.evaluation.variants import load_variant
from smearlab.inference.predictor import Predictions, Predictor

CELLS = norm_cells()
PICTURES = np.asarray(CELLS.images)
DARK = (PICTURES * 0.7).astype(np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_norm_run(tmp_path_factory.mktemp("run"))


@pytest.fixture
def predictor(run: Path) -> Predictor:
    return Predictor.load(run, threads=1)


def accuracy(predictor: Predictor, pictures: UInt8Array) -> float:
    return float((predictor.predict(pictures).label_indices == CELLS.known_labels).mean())


def said(shares: list[list[float]]) -> Predictions:
    """Predictions with these probabilities."""
    table = np.asarray(shares, np.float32)
    nothing = np.zeros(len(table), np.float32)
    return Predictions(("a", "b", "c"), table, np.ones(len(table), np.bool_), nothing, np.log(table + 1e-6))


def test_statistics_are_mixed_as_published(predictor: Predictor, run: Path) -> None:
    """The first layer sees the pictures' own statistics: N/(N+n) of training, n/(N+n) of these."""
    prior = 60.0
    adapter = NormAdapter.load(predictor, run, prior)
    before = {name: value.clone() for name, value in adapter.network.state_dict().items()}
    convolution = adapter.network.backbone.blocks[0]  # type: ignore[index]
    with torch.no_grad():
        seen = convolution(torch.from_numpy(DARK).permute(0, 3, 1, 2).float() / 255)  # type: ignore[operator]
    adapter(DARK)
    share, after = len(DARK) / (len(DARK) + prior), adapter.network.state_dict()
    for name, expected in (("running_mean", seen.mean((0, 2, 3))), ("running_var", seen.var((0, 2, 3), correction=0))):
        key = f"backbone.blocks.1.{name}"
        assert torch.allclose(after[key], (1 - share) * before[key] + share * expected, atol=1e-5)
    assert torch.equal(after["backbone.blocks.0.weight"], before["backbone.blocks.0.weight"])


def test_pictures_altered_alike_are_named_better(predictor: Predictor, run: Path) -> None:
    adapted, reason = NormAdapter.load(predictor, run, 16)(DARK)
    assert reason == ""
    assert accuracy(adapted, DARK) > accuracy(predictor, DARK) + 0.2


def test_each_batch_starts_from_training(predictor: Predictor, run: Path) -> None:
    adapter = NormAdapter.load(predictor, run, 16)
    first = adapter(DARK)[0].predict(DARK).logits
    adapter(PICTURES)
    assert np.array_equal(adapter(DARK)[0].predict(DARK).logits, first)


def test_a_strong_prior_leaves_the_model_as_it_is(predictor: Predictor, run: Path) -> None:
    adapted, reason = NormAdapter.load(predictor, run, 1e9)(PICTURES)
    assert reason == ""
    assert np.allclose(adapted.predict(PICTURES).logits, predictor.predict(PICTURES).logits, atol=1e-3)


def test_few_pictures_are_left_alone(predictor: Predictor, run: Path) -> None:
    found, reason = NormAdapter.load(predictor, run, 16)(DARK[: FEWEST - 1])
    assert found is predictor
    assert "too few pictures (63" in reason


def test_a_network_without_batch_norm_is_left_alone(tmp_path: Path) -> None:
    run = write_norm_run(tmp_path / "run", batch_norm=False)
    predictor = Predictor.load(run, threads=1)
    found, reason = NormAdapter.load(predictor, run, 16)(DARK)
    assert (found, reason) == (predictor, "the network has no batch normalisation")


def test_a_batch_of_one_class_is_left_alone(predictor: Predictor, run: Path) -> None:
    """Brightness is what tells these classes apart: adapted to one class, the model would take it for another."""
    one = np.repeat(PICTURES[CELLS.known_labels == 2], 2, axis=0)
    found, reason = NormAdapter.load(predictor, run, 0)(one)
    assert found is predictor
    assert reason


class TestGuard:
    sure = [[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]] * 20

    def test_surer_answers_of_as_many_classes_are_believed(self) -> None:
        surer = np.where(np.asarray(self.sure) > 0.5, 0.96, 0.02).tolist()
        assert implausible(said(self.sure), said(surer)) == ""
        assert implausible(said(self.sure), said(self.sure)) == ""

    def test_fewer_classes_are_not(self) -> None:
        fewer = [self.sure[0], self.sure[1]] * 30
        assert "names 2 instead of 3 classes" in implausible(said(self.sure), said(fewer))

    def test_less_confidence_is_not(self) -> None:
        less = np.where(np.asarray(self.sure) > 0.5, 0.8, 0.1).tolist()
        assert implausible(said(self.sure), said(less)) == "mean confidence falls by 0.100"

    def test_a_skewed_batch_may_lose_no_confidence_at_all(self) -> None:
        skewed = [self.sure[0]] * 58 + self.sure[1:3]
        slightly = (np.asarray(skewed) * 0.99 + 0.01 / 3).tolist()
        assert "97% of the pictures look like one class" in implausible(said(skewed), said(slightly))
        assert implausible(said(self.sure), said((np.asarray(self.sure) * 0.99 + 0.01 / 3).tolist())) == ""


class TestRefusals:
    def test_a_folder_in_no_run(self, tmp_path: Path) -> None:
        model = write_colour_folder(tmp_path / "model")
        with pytest.raises(ModelError, match="lies in no run"):
            NormAdapter.load(Predictor.load(model), model, 16)

    def test_a_recipe_of_another_network(self, run: Path, tmp_path: Path) -> None:
        other = tmp_path / "run"
        shutil.copytree(run, other)
        text = (other / "recipe.toml").read_text()
        (other / "recipe.toml").write_text(text.replace("    8,\n    16,", "    8,\n    32,"))
        assert (other / "recipe.toml").read_text() != text
        with pytest.raises(ModelError, match=r"do not fit the network of the run's recipe\.toml"):
            NormAdapter.load(Predictor.load(other), other, 16)

    def test_a_recipe_that_only_scales_otherwise(self, run: Path, tmp_path: Path) -> None:
        other = tmp_path / "run"
        shutil.copytree(run, other)
        text = (other / "recipe.toml").read_text()
        (other / "recipe.toml").write_text(text.replace('scaling = "unit"', 'scaling = "imagenet"'))
        with pytest.raises(ModelError, match="answers differently"):
            NormAdapter.load(Predictor.load(other), other, 16)

    @pytest.mark.parametrize("prior", [-1, float("nan")])
    def test_a_negative_prior(self, run: Path, predictor: Predictor, prior: float) -> None:
        with pytest.raises(DataError, match="--adapt-norm"):
            NormAdapter.load(predictor, run, prior)


def test_what_was_done_is_told() -> None:
    assert adaptation_words([""]) == "Batch normalisation was adapted."
    assert adaptation_words(["too few"]) == "Batch normalisation was not adapted: too few."
    assert "each of 3 conditions" in adaptation_words(["", "", ""])
    assert "1 of 3 conditions" in adaptation_words(["skewed", "", "skewed"])


def test_an_evaluation_can_adapt_and_look_several_times(run: Path, tmp_path: Path) -> None:
    plain = evaluate(run, norm_cells(), tmp_path / "plain")
    both = evaluate(run, norm_cells(), tmp_path / "both", tta="flips", adapt_norm=16)
    assert plain["notes"] == []
    assert [note.partition(" ")[0] for note in both["notes"]] == ["The", "Batch"]
    assert json.loads((tmp_path / "both" / "metrics.json").read_text())["notes"] == both["notes"]
    assert both["accuracy"]["value"] > 0.8


def test_views_see_the_adapted_model(run: Path, predictor: Predictor) -> None:
    variant = load_variant(predictor, run, "flips", 16)
    assert variant.adapter is not None
    adapted, reason = variant.adapter(DARK)
    assert reason == ""
    assert accuracy(adapted, DARK) > accuracy(variant.predictor, DARK) + 0.2
    assert DARK.shape[1] == SIZE
