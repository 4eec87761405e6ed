"""What a study of systems rests on: what a network needs, clusters of pictures, revisions, stored rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from smearlab.errors import RecipeError
from smearlab.evaluation.studies import needs
from smearlab.evaluation.studies.needs import memory_at_hand, memory_obstacle, missing_weights, need_of, time_obstacle
from smearlab.evaluation.studies.refining import LEAST_SHARE, among_their_own, clusters_of, refined
from smearlab.evaluation.studies.revision import device_name, revision
from smearlab.evaluation.studies.systems import fast_precision, recipe_digest
from smearlab.networks.build import count_parameters
from smearlab.training.recipe_io import load_recipe
from smearlab.training.train import initial_network

CNN = load_recipe(
    "quick",
    ["network.backbone=smearlab/plain_cnn", "network.options={ channels = [8, 16] }", "framing.size=24"],
)


class TestNeeds:
    def test_parameters_and_work_are_counted_on_a_network_without_numbers(self) -> None:
        need = need_of(CNN, 8)
        assert need.parameters == count_parameters(initial_network(CNN, 8))
        first, second = 3 * 8 * 9 * 24**2, 8 * 16 * 9 * 12**2
        assert need.giga * 1e9 == pytest.approx(first + second, rel=0.1)
        assert need.activations >= 4 * (8 * 24**2 + 16 * 12**2)
        assert need.memory(64) - need.memory(32) == pytest.approx(32 * need.activations)

    def test_enlarging_costs_what_the_larger_picture_costs(self) -> None:
        plain, enlarged = need_of(CNN, 8), need_of(load_recipe(CNN, ["network.enlarge=48"]), 8)
        assert enlarged.giga == pytest.approx(4 * plain.giga, rel=0.05)

    def test_the_largest_of_the_teams_networks_is_counted_in_a_moment(self) -> None:
        need = need_of(load_recipe("ai_pacapa/convnextxlarge"), 8)
        assert need.parameters > 3e8
        assert need.memory(64) > 8e9

    def test_a_network_that_cannot_be_built_is_told(self) -> None:
        with pytest.raises(RecipeError, match="not a model that timm knows"):
            need_of(load_recipe(CNN, ["network.backbone=resnet1"]), 8)

    def test_memory_is_measured_against_what_is_free(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert memory_at_hand() > 1e8
        need = need_of(CNN, 8)
        monkeypatch.setattr(needs, "memory_at_hand", lambda: 4 * need.memory(32))
        assert not memory_obstacle(CNN, need, jobs=2)
        assert "GiB" in memory_obstacle(CNN, need, jobs=8)

    def test_time_is_measured_on_the_network_itself(self) -> None:
        need = need_of(CNN, 8)
        assert not time_obstacle(CNN, need, 100, 8, minutes=0)
        assert not time_obstacle(CNN, need, 100, 8, minutes=60)
        assert "would take about" in time_obstacle(CNN, need, 10**5, 8, minutes=0.05)
        huge = load_recipe(CNN, ["phases.0.epochs=1000000"])
        assert "at least" in time_obstacle(huge, need, 10**9, 8, minutes=1) or torch.cuda.is_available()

    def test_copies_count_too(self) -> None:
        more = load_recipe(CNN, ['balance={ kind = "synthetic", per_class = 100000000 }'])
        assert time_obstacle(more, need_of(more, 8), 100, 8, minutes=1)

    def test_weights_that_are_nowhere_are_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(network: object) -> None:
            raise RecipeError("They cannot be had.")

        monkeypatch.setattr(needs, "starting_weights", fail)
        missing_weights.cache_clear()
        assert missing_weights(("resnet18",), "pretrained", CNN.network.model_dump_json()) == "They cannot be had."
        assert missing_weights(("resnet18",), "none", "") == ""
        missing_weights.cache_clear()


class TestRefining:
    def test_pictures_among_another_class_are_left_out(self) -> None:
        clusters, labels = np.repeat([0, 1], 20), np.repeat([0, 1], 20)
        labels[3] = 1  # one of twenty: less than a tenth
        kept = among_their_own(clusters, labels)
        assert np.flatnonzero(~kept).tolist() == [3]
        assert LEAST_SHARE > 1 / 20

    def test_clusters_are_those_of_the_data(self) -> None:
        rng = np.random.default_rng(0)
        features = np.concatenate([rng.normal(0, 1, (40, 5)), rng.normal(20, 1, (40, 5))])
        features = np.column_stack([features, np.ones(80)])  # a feature that says nothing divides by nothing
        clusters = clusters_of(features, 2)
        assert len(set(clusters[:40])) == len(set(clusters[40:])) == 1
        assert clusters[0] != clusters[-1]
        assert (clusters_of(features, 2) == clusters).all()
        assert set(clusters_of(features[:3], 16)) == {0}

    def test_a_picture_of_another_colour_is_left_out_of_training(self) -> None:
        images = np.full((241, 24, 24, 3), 40, np.uint8)
        labels = np.repeat([0, 1], [160, 81])
        images[160:] = 220
        images[240] = 40  # of the first class by its looks
        images += np.random.default_rng(0).integers(0, 20, images.shape, np.uint8)
        kept = refined(initial_network(CNN, 2), images, labels, np.arange(241))
        assert 240 not in kept
        assert len(kept) > 200


def test_a_digest_is_of_what_a_recipe_does() -> None:
    renamed = load_recipe(CNN, ["name=other", "description=other", "reported.team=other"])
    assert recipe_digest(renamed, "plain", 1) == recipe_digest(CNN, "plain", 1)
    assert recipe_digest(CNN, "plain", 2) != recipe_digest(CNN, "plain", 1)
    assert recipe_digest(load_recipe(CNN, ["head.dropout=0.5"]), "plain", 1) != recipe_digest(CNN, "plain", 1)


@pytest.mark.parametrize(
    ("capabilities", "chosen"),
    [({"amx_bf16": True}, "bfloat16"), ({"amx_bf16": False, "avx512_bf16": True}, "float32"), ({}, "float32")],
)
def test_arithmetic_follows_from_the_processor(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], chosen: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert fast_precision() == chosen


def test_older_torch_that_does_not_tell_gets_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert fast_precision() == "float32"


def test_a_result_knows_what_made_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert revision()
    assert device_name()
    revision.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))  # no git: the package's version instead
    assert revision()[0].isdigit()
    revision.cache_clear()
