"""Every recipe of the teams says what their report says: compared with a table transcribed by hand."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
import timm

from smearlab.training.parameter_counts import parameter_count
from smearlab.training.recipe import PhaseConfig, Recipe
from smearlab.training.recipe_io import load_recipe, shipped_recipes
from smearlab.training.recipe_list import team_recipes

Row = dict[str, Any]
TABLE = tomllib.loads(Path(__file__).with_name("reported.toml").read_text(encoding="utf-8"))
ROWS: dict[str, Row] = {f"{team}/{slug}": row for team, rows in TABLE.items() for slug, row in rows.items()}
PER_TEAM = {"formidable": 5, "ai_pacapa": 3, "m2g": 21, "november": 7, "rookie": 9}
CLASSES = 8

# What the teams' names are in timm or among our own.
BACKBONES = {
    "CNN": "smearlab/plain_cnn",
    "small CNN": "smearlab/small_cnn",
    "deep CNN": "smearlab/deep_cnn",
    "MobileNetV3 light": "smearlab/mobilenetv3_light",
    "MobileNetV3 heavy": "smearlab/mobilenetv3_heavy",
    "MobileNet": "mobilenetv1_100",
    "MobileNetV2": "mobilenetv2_100",
    "MobileNetV3Small": "tf_mobilenetv3_small_100",
    "MobileNetV3Large": "tf_mobilenetv3_large_100",
    "EfficientNetB0": "tf_efficientnet_b0",
    "EfficientNetB2": "tf_efficientnet_b2",
    "EfficientNetV2B3": "tf_efficientnetv2_b3",
    "EfficientNetV2S": "tf_efficientnetv2_s",
    "EfficientNetV2M": "tf_efficientnetv2_m",
    "EfficientNetV2L": "tf_efficientnetv2_l",
    "ConvNeXtTiny": "convnext_tiny",
    "ConvNeXtSmall": "convnext_small",
    "ConvNeXtXLarge": "convnext_xlarge",
    "VGG16": "vgg16",
    "ResNet50": "resnet50",
    "ResNet50V2": "resnetv2_50",
    "DenseNet121": "densenet121",
    "InceptionV3": "inception_v3",
}


@cache
def recipe_of(name: str) -> Recipe:
    return load_recipe(name)


def test_every_system_of_the_teams_is_a_recipe_and_in_the_table() -> None:
    assert team_recipes() == sorted(ROWS, key=lambda name: list(shipped_recipes()).index(name))
    assert {team: len(team_recipes(team)) for team in PER_TEAM} == PER_TEAM
    assert len(ROWS) == 45


@pytest.mark.parametrize("name", ROWS)
class TestEachSays:
    def test_its_name_and_what_was_reported(self, name: str) -> None:
        recipe, row = recipe_of(name), ROWS[name]
        online = {"online": row["online"]} if "online" in row else {}
        assert recipe.name == name
        assert recipe.reported.team == name.partition("/")[0]
        assert recipe.reported.figures == row["local"] | online
        assert recipe.reported.system

    def test_the_network_and_its_input(self, name: str) -> None:
        network, row = recipe_of(name).network, ROWS[name]
        bases = [backbone.partition(".")[0] for backbone in (network.backbone, *network.further)]
        assert bases == [BACKBONES[part] for part in row["network"].split(" + ")]
        assert (network.enlarge or recipe_of(name).framing.size) == row["size"]
        assert (network.weights == "none") == ("base" not in row)
        assert network.ending == ("last_map" if "base" in row else "whole")

    def test_the_head(self, name: str) -> None:
        assert head_in_words(recipe_of(name)) == ROWS[name].get("head", "d .2")
        norm = {"": "none", "batch": "batch", "group": "group"}[ROWS[name].get("norm", "").partition(",")[0]]
        head = recipe_of(name).head
        assert head.normalisation == norm
        assert head.normalise_features == (norm != "none")
        if norm != "none":
            assert head.normalise_hidden == ROWS[name]["norm"].endswith("dense")
        for penalty in ("l1", "l2"):
            given = getattr(head, penalty)
            wanted = ROWS[name].get(penalty, 0.0)
            assert (given[0] if isinstance(given, tuple) else given) == wanted

    def test_the_phases(self, name: str) -> None:
        phases, row = recipe_of(name).phases, ROWS[name]
        assert {phase.optimiser for phase in phases} == {row["optimiser"]}
        assert [phase.learning_rate for phase in phases] == row["rates"]
        assert [frozen_in_words(phase) for phase in phases] == row["frozen"]
        assert [phase.epochs for phase in phases] == row["epochs"]
        if "batch" in row:
            assert {phase.batch_size for phase in phases} == {row["batch"]}
        if "decay" in row:
            assert {phase.weight_decay for phase in phases} == {row["decay"]}
        if row["optimiser"] == "adam":
            assert {phase.weight_decay for phase in phases} == {0.0}
        if "schedule" in row:
            assert phases[-1].schedule == row["schedule"]

    def test_the_data(self, name: str) -> None:
        recipe, row = recipe_of(name), ROWS[name]
        split = recipe.split
        parts = [round(100 * share) for share in (split.train, split.validation, split.test)]
        assert (f"{split.folds} folds" if split.kind == "folds" else parts) == row["split"]
        assert recipe.data.drop_duplicates
        assert split.balanced_test == name.startswith("m2g/")
        assert balance_in_words(recipe) == row["balance"]

    def test_the_augmentation(self, name: str) -> None:
        augment, row = recipe_of(name).augment, ROWS[name]
        assert [kind for kind in ("mixup", "cutmix") if getattr(augment, kind)] == row.get("mixing", [])
        if "steps" in row:
            assert [step.name for step in augment.steps] == row["steps"]
        if name.startswith("formidable/mobilenetv3"):
            steps = {step.name: step.magnitude for step in augment.steps}
            assert list(steps)[-4:] == ["randaugment", "sharpness", "grid_mask", "gaussian_noise"]
            assert (steps["randaugment"], steps["grid_mask"]) == (0.2, 0.4)

    def test_how_pictures_are_scaled(self, name: str) -> None:
        network = recipe_of(name).network
        team = name.partition("/")[0]
        if team == "formidable":
            assert network.scaling == "symmetric"
        elif team == "rookie":
            assert network.scaling == ("doubled" if "efficientnet" in name else "unit")
        else:
            config = timm.get_pretrained_cfg(network.backbone)
            assert config is not None
            assert network.scaling == ("symmetric" if config.mean[0] == 0.5 else "imagenet")

    def test_how_many_numbers_it_has(self, name: str) -> None:
        row, count = ROWS[name], parameter_count(recipe_of(name))
        if "total" in row:
            # Reports do not say whether they count the statistics of batch normalisation; one that adds up does.
            assert any(agrees(number, row["total"]) for number in {count.learnable, count.total})
        if "base" in row:
            expected = row["base"] + numbers_of_head(recipe_of(name))
            assert count.total == pytest.approx(expected, rel=0.01)

    def test_what_was_chosen_where_the_report_is_silent(self, name: str) -> None:
        header = header_of(name)
        assert "Reported" in header
        assert "Chosen" in header
        assert ROWS[name]["silent"]

    def test_its_figures_in_words_too(self, name: str) -> None:
        header = header_of(name)
        for figure in recipe_of(name).reported.figures.values():
            told = {f"{figure:.{digits}f}".removeprefix("0") for digits in (1, 2, 3, 4)}
            assert any(words in header for words in told if float(words) == figure), figure


def test_all_differ_in_what_matters() -> None:
    alike = [pair for pair in combinations(ROWS, 2) if what_matters(pair[0]) == what_matters(pair[1])]
    assert not alike


def test_rows_of_one_study_differ_in_what_is_studied_alone() -> None:
    def changed(one: str, other: str) -> set[str]:
        first, second = (flat(recipe_of(name).model_dump(mode="json")) for name in (one, other))
        told = {key for key in {*first, *second} if first.get(key) != second.get(key)}
        return {key for key in told if key.split(".")[0] not in ("name", "description", "reported")}

    assert changed("formidable/mobilenetv3-heavy", "formidable/mobilenetv3-heavy-weighted") == {"balance.kind"}
    assert changed("november/convnexttiny", "november/convnextsmall") == {"network.backbone"}
    assert changed("m2g/extractor-resnet50", "m2g/extractor-vgg16") == {"network.backbone"}
    assert changed("m2g/extractor-efficientnetv2m", "m2g/augment-mixup-cutmix") == {
        *("augment.mixup", "augment.cutmix", "augment.mix_share"),
    }
    assert changed("m2g/unfreeze-60", "m2g/unfreeze-80") == {
        *("phases.1.learning_rate", "phases.1.trainable.share"),
    }
    assert changed("m2g/head-128", "m2g/head-256-128") == {"head.layers", "head.dropout"}
    assert {key.partition(".")[0] for key in changed("m2g/imbalance-weights", "m2g/imbalance-synthetic")} == {"balance"}


# ---- a recipe in the words of the table ----------------------------------------------------------------------------


def head_in_words(recipe: Recipe) -> str:
    head = recipe.head
    layers = [str(width) for width in head.layers] + ([head.activation] if head.layers else [])
    dropout = head.dropout if isinstance(head.dropout, tuple) else (head.dropout,) * (len(head.layers) + 1)
    drops = ["d", *(short(share) for share in dropout)] if any(dropout) else []
    return " ".join(layers + drops)


def short(share: float) -> str:
    """Write shares as the table does: 0, .3, .35."""
    return f"{share:g}".removeprefix("0") or "0"


def frozen_in_words(phase: PhaseConfig) -> str:
    trainable = phase.trainable
    if trainable.grow_epochs:
        assert 0 < trainable.start_share < trainable.share == 1
        return "freed gradually"
    if trainable.freeze_first:
        assert trainable.share == 1
        return f"first {trainable.freeze_first}"
    if trainable.share in (0, 1):
        return {0: "base", 1: "none"}[int(trainable.share)]
    return f"below top {round(100 * trainable.share)} %"


def balance_in_words(recipe: Recipe) -> str:
    balance = recipe.balance
    if balance.kind == "synthetic":
        return f"copies to {balance.per_class}" if balance.per_class else "copies"
    if balance.kind == "class_weights":
        return "N / C" if balance.normalise == "none" else "weights"
    return {"none": "none", "worst_classes": "worst classes", "oversample": "duplicates"}[balance.kind]


def numbers_of_head(recipe: Recipe) -> int:
    """Count the numbers of the head from the widths that Keras' bases end with."""
    ends = {
        **{"vgg16": 512, "resnet50": 2048, "resnetv2_50": 2048, "inception_v3": 2048, "densenet121": 1024},
        **{"mobilenetv1_100": 1024, "mobilenetv2_100": 1280, "tf_mobilenetv3_small_100": 576},
        **{"tf_mobilenetv3_large_100": 960, "tf_efficientnet_b0": 1280, "tf_efficientnet_b2": 1408},
        **{"tf_efficientnetv2_b3": 1536, "tf_efficientnetv2_s": 1280, "tf_efficientnetv2_m": 1280},
        **{"tf_efficientnetv2_l": 1280, "convnext_tiny": 768, "convnext_small": 768, "convnext_xlarge": 2048},
    }
    bases = (recipe.network.backbone, *recipe.network.further)
    widths = [sum(ends[base.partition(".")[0]] for base in bases), *recipe.head.layers, CLASSES]
    return sum(before * after + after for before, after in pairwise(widths))


def agrees(number: int, reported: str) -> bool:
    if "+" in reported:
        return number == sum(int(part.replace(",", "")) for part in reported.split("+"))
    value, unit = reported.split()
    digits = len(value.partition(".")[2])
    return f"{number / {'k': 1e3, 'M': 1e6}[unit]:.{digits}f}" == value


def header_of(name: str) -> str:
    text = shipped_recipes()[name].read_text(encoding="utf-8")
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return re.sub(r"\s+", " ", " ".join(line.removeprefix("#") for line in lines[:first]))


def what_matters(name: str) -> str:
    told = recipe_of(name).model_dump(exclude={"name", "description", "reported", "seed", "checkpoint", "robustness"})
    return repr(told)


def flat(values: object, place: str = "") -> dict[str, object]:
    """Return nested sections as one level of dotted keys; lists of numbers and of steps stay whole."""
    if isinstance(values, dict):
        return {key: value for name, item in values.items() for key, value in flat(item, f"{place}.{name}").items()}
    if isinstance(values, list) and place == ".phases":
        return {key: value for n, item in enumerate(values) for key, value in flat(item, f"{place}.{n}").items()}
    return {place.lstrip("."): values}
