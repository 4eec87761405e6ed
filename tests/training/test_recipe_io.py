"""Recipes: read, overridden, written, and their mistakes explained."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from smearlab.errors import RecipeError
from smearlab.training.recipe import PhaseConfig, Recipe
from smearlab.training.recipe_io import load_recipe, recipe_toml, save_recipe, shipped_recipes


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def complaint(recipe: str | Path | Recipe, *overrides: str) -> str:
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe, overrides)
    return str(caught.value)


class TestShipped:
    def test_the_two_of_every_day_are_there(self) -> None:
        assert {"quick", "standard"} <= set(shipped_recipes())

    @pytest.mark.parametrize("name", shipped_recipes())
    def test_each_is_found_under_its_names_and_round_trips(self, name: str, tmp_path: Path) -> None:
        recipe = load_recipe(name)
        assert recipe == load_recipe(f"{name}.toml") == load_recipe(f"recipes/{name}.toml")
        assert recipe.description
        save_recipe(recipe, tmp_path / "copy.toml")
        assert load_recipe(tmp_path / "copy.toml") == recipe
        assert load_recipe(recipe) == recipe

    def test_an_unknown_name_lists_what_there_is(self) -> None:
        message = complaint("standart")
        assert "Did you mean 'standard'?" in message
        assert "Shipped are:" in message


class TestReading:
    def test_an_empty_file_is_all_defaults(self, tmp_path: Path) -> None:
        assert load_recipe(written(tmp_path, "")) == Recipe()

    def test_a_file_wins_over_a_shipped_name(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("standard").write_text("name = 'my own'", encoding="utf-8")
        assert load_recipe("standard").name == "my own"

    def test_text_with_quotes_and_umlauts_round_trips(self) -> None:
        recipe = Recipe(name='Blüte "2"', description="a\nb\\c")
        assert Recipe.model_validate(tomllib.loads(recipe_toml(recipe))) == recipe

    def test_broken_toml_names_file_and_line(self, tmp_path: Path) -> None:
        message = complaint(written(tmp_path, "seed = 1\nname = ???\n"))
        assert message.startswith("mine.toml is not valid TOML")
        assert "line 2" in message

    def test_a_picture_is_no_recipe(self, tmp_path: Path) -> None:
        (tmp_path / "cell.png").write_bytes(b"\x89PNG\xff\xfe")
        assert "cell.png cannot be read as text" in complaint(tmp_path / "cell.png")

    def test_a_folder_is_no_recipe(self, tmp_path: Path) -> None:
        assert "There is no recipe file" in complaint(tmp_path)


class TestMisspelt:
    @pytest.mark.parametrize(
        ("text", "key", "meant"),
        [
            ("sede = 1", "sede", "seed"),
            ("[augmnt]\npolicy = 'light'", "augmnt", "augment"),
            ("[augment]\nrotations = 5", "augment.rotations", "rotation"),
            ("[split]\nvalidaton = 0.1", "split.validaton", "validation"),
            ("[framing]\nsise = 96", "framing.sise", "size"),
            ("[[phases]]\nepoch = 5", "phases.0.epoch", "epochs"),
            ("[[phases]]\n[[phases]]\noptimizer = 'sgd'", "phases.1.optimizer", "optimiser"),
            ("[[phases]]\n[phases.trainable]\nfreeze_norm = true", "phases.0.trainable.freeze_norm", "freeze_norms"),
            ("[[phases]]\n[phases.early_stopping]\npatiance = 3", "phases.0.early_stopping.patiance", "patience"),
        ],
    )
    def test_a_misspelt_key_says_what_was_meant(self, tmp_path: Path, text: str, key: str, meant: str) -> None:
        message = complaint(written(tmp_path, text))
        assert message.startswith("mine.toml is not a valid recipe:")
        assert f"{key}: there is no such key. Did you mean '{meant}'?" in message

    @pytest.mark.parametrize(
        ("override", "key", "meant"),
        [
            ("sede=1", "sede", "seed"),
            ("head.droput=0.3", "head.droput", "dropout"),
            ("lossy.kind=focal", "lossy", "loss"),
            ("phases.0.learning_rat=1e-3", "phases.0.learning_rat", "learning_rate"),
            ("phases.0.trainable.shares=0.5", "phases.0.trainable.shares", "share"),
        ],
    )
    def test_so_does_a_misspelt_override(self, override: str, key: str, meant: str) -> None:
        message = complaint("standard", override)
        assert f"{key}: there is no such key. Did you mean '{meant}'?" in message

    def test_a_key_like_no_other_lists_the_known_ones(self) -> None:
        message = complaint("standard", "ema.zzz=1")
        assert "Did you mean" not in message
        assert "Known here: decay, warmup." in message

    def test_all_mistakes_are_told_at_once(self) -> None:
        message = complaint("standard", "sede=1", "ema.decay=2", "phases.0.epochs=0")
        places = {line.split(":")[0].strip() for line in message.splitlines()[1:]}
        assert places == {"ema.decay", "phases.0.epochs", "sede"}


class TestBadValues:
    @pytest.mark.parametrize(
        ("override", "part"),
        [
            ("phases.0.epochs=0", "phases.0.epochs: must be greater than or equal to 1 (given: 0)"),
            ("phases.0.learning_rate=-1", "phases.0.learning_rate: must be greater than 0 (given: -1)"),
            ("phases.0.learning_rate=nan", "phases.0.learning_rate: must be a finite number"),
            ("phases.0.learning_rate=inf", "phases.0.learning_rate: must be a finite number"),
            ("augment.mixup=inf", "augment.mixup: must be a finite number"),
            ("phases.0.optimiser=adamm", "phases.0.optimiser: must be 'sgd', 'adam'"),
            ("phases.0.warmup_epochs=100", "recipe: phase 'train': warmup_epochs 100 is longer than its"),
            ("phases=[]", "phases: must have at least 1 entry"),
            ("phases.0=3", "phases.0: must be a section with keys of its own: name, epochs"),
            ("seed=-1", "seed: must be greater than or equal to 0"),
            ("seed=one", "seed: must be a whole number (given: 'one')"),
            ("ema.decay=1.0", "ema.decay: must be less than 1 (given: 1.0)"),
            ("split.train=0.95", "must not exceed 1"),
            ("head.normalise_features=true", "normalise_features needs a normalisation"),
            (
                "framing=96",
                "framing: must be a section with keys of its own: crop, fraction, size, filter, content (given: 96)",
            ),
            ("augment.policy=flip", "or 'sequence' (given: 'flip'). Did you mean 'flips'?"),
            ("augment.policy=flip", "Did you mean 'flips'?"),
            ("split.kind=fold", "Did you mean 'folds'?"),
            ("head.layers=3", "head.layers: must be a list (given: 3)"),
            ("head.layers=[1.5]", "head.layers.0: must be a whole number (given: 1.5)"),
            ("network.options=3", "network.options: must be a table of keys and values (given: 3)"),
            ("ema.warmup=3", "ema.warmup: must be true or false (given: 3)"),
            ("ema.decay=high", "ema.decay: must be a number (given: 'high')"),
            ("name=3", "name: must be text (given: 3)"),
            ("head.dropout=often", "head.dropout: must be a number or a list of numbers (given: 'often')"),
            ("head.dropout=1.5", "head.dropout: must be less than 1 (given: 1.5)"),
            ("head.dropout=[0.2, 1.5]", "head.dropout.1: must be less than 1 (given: 1.5)"),
            ("head.l1=inf", "head.l1: must be a finite number"),
            ("head.l2=[0.1, 0.2]", "l2 lists 2 numbers; give one number for all, or one for each dense layer"),
            ("reported.figures.accuracy=high", "reported.figures.accuracy: must be a number (given: 'high')"),
            (
                "augment.steps=[{name='flips', rat=1}]",
                "augment.steps.0.rat: there is no such key. Did you mean 'rate'?",
            ),
            ("augment.steps.0.rate=0.5", "augment.steps.0.name: must be given"),
        ],
    )
    def test_the_place_and_the_rule_are_named(self, override: str, part: str) -> None:
        message = complaint("standard", override)
        assert part in message
        for word in ("Input", "Value error", "Tuple", "dictionary", "instance", "pars"):
            assert word not in message
        assert len(message.splitlines()) == 2, "one line of what is wrong, below the heading"

    def test_overrides_are_not_blamed_on_the_file(self, tmp_path: Path) -> None:
        path = written(tmp_path, "sede = 1\n[augment]\npolicy = 'flip'\n[split]\ntrain = 0.9\n")
        told = complaint(path, "framing=96", "split.seed=1").split("What --set gives is not valid:\n")
        of_file, of_overrides = told
        assert of_file.startswith("mine.toml is not a valid recipe:\n")
        assert all(part in of_file for part in ("sede", "augment.policy", "split: "))
        assert "framing" in of_overrides
        assert len(of_overrides.splitlines()) == 1
        assert complaint("standard", "seed=one").startswith("What --set gives is not valid:\n  seed: ")

    def test_an_override_may_mend_the_file(self, tmp_path: Path) -> None:
        path = written(tmp_path, "[augment]\npolicy = 'flip'\n")
        assert load_recipe(path, ["augment.policy=flips"]).augment.policy == "flips"
        assert complaint(path, "augment.policy=flop").startswith("What --set gives")

    @pytest.mark.parametrize(
        ("override", "part"),
        [
            ("seed", "write it as section.key=value"),
            ("=3", "write it as section.key=value"),
            ("phases..epochs=3", "write it as section.key=value"),
            ("phases.epochs=3", "'epochs' must be a number from 0 to 0"),
            ("phases.1.epochs=3", "'1' must be a number from 0 to 0 (a list counts from 0)"),
            ("phases.²=3", "'²' must be a number"),
            ("phases.-1.epochs=3", "'-1' must be a number"),
            ("augment.steps.1.rate=3", "'1' must be a number from 0 to 0"),
            ("seed.value=3", "'seed' is a single value and has no 'value'"),
            ("seed.value.deep=3", "there is no section 'value' here"),
        ],
    )
    def test_an_override_that_points_nowhere_is_explained(self, override: str, part: str) -> None:
        message = complaint("standard", override)
        assert message.startswith(f"--set {override}: ")
        assert part in message

    def test_an_item_of_an_empty_list_is_not_there_yet(self) -> None:
        assert "the list is empty; give it whole" in complaint(Recipe(), "head.layers.0=3")


class TestOverrides:
    @pytest.mark.parametrize(
        ("override", "value"),
        [("seed=7", 7), ("seed = 7", 7), ("name=my run", "my run"), ('name="quoted"', "quoted"), ("name=", "")],
    )
    def test_values_are_toml_and_else_text(self, override: str, value: object) -> None:
        recipe = load_recipe("standard", [override])
        assert value in (recipe.seed, recipe.name)

    def test_values_of_every_kind(self) -> None:
        overrides = ["head.layers=[64, 32]", "ema.warmup=false", "network.options={channels = [8, 8, 8, 8]}"]
        recipe = load_recipe("standard", [*overrides, "phases.0.epochs=30", "phases.0.learning_rate=1e-4"])
        assert recipe.head.layers == (64, 32)
        assert recipe.ema.warmup is False
        assert recipe.network.options == {"channels": [8, 8, 8, 8]}
        assert (recipe.phases[0].epochs, recipe.phases[0].learning_rate) == (30, 1e-4)

    @pytest.mark.parametrize(
        "overrides",
        [
            ["head.layers=[8]", "head.dropout=[0.2, 0.3]", "head.l1=[0, 1e-4]", "head.l2=1e-3"],
            ["reported.team=x", "reported.figures.accuracy=0.9", "reported.figures.online=0.5"],
            ["augment.policy=sequence", "augment.steps.0.name=flips", "augment.steps.0.rate=0.5"],
            [
                "balance.kind=synthetic",
                "balance.per_class=9",
                "phases.0.trainable.grow_epochs=3",
                "selection.noise=0.1",
            ],
        ],
    )
    def test_every_form_of_key_comes_back_from_its_file(self, tmp_path: Path, overrides: list[str]) -> None:
        recipe = load_recipe("standard", overrides)
        save_recipe(recipe, tmp_path / "recipe.toml")
        assert load_recipe(tmp_path / "recipe.toml") == recipe
        assert recipe != load_recipe("standard")

    def test_an_item_of_a_list_is_reached(self) -> None:
        assert load_recipe(
            "standard", ["head.layers=[8]", "head.dropout=[0.1, 0.2]", "head.dropout.1=0.3"]
        ).head.dropout == (0.1, 0.3)

    def test_nested_options_are_reached(self) -> None:
        assert load_recipe("quick", ["network.options.drop_rate=0.1"]).network.options["drop_rate"] == 0.1

    def test_the_last_override_wins_and_the_rest_stays(self) -> None:
        recipe = load_recipe("standard", ["seed=1", "seed=2"])
        assert recipe.model_copy(update={"seed": 0}) == load_recipe("standard")
        assert recipe.seed == 2

    def test_a_recipe_without_phases_can_have_its_first_one_changed(self, tmp_path: Path) -> None:
        recipe = load_recipe(written(tmp_path, "seed = 3"), ["phases.0.epochs=4"])
        assert recipe.phases == (PhaseConfig(epochs=4),)

    def test_overriding_leaves_a_recipe_object_alone(self) -> None:
        recipe = Recipe()
        assert load_recipe(recipe, ["phases.0.epochs=3"]).phases[0].epochs == 3
        assert recipe == Recipe()

    def test_split_shares_may_be_percent(self) -> None:
        recipe = load_recipe("standard", ["split.train=90", "split.validation=0", "split.test=10"])
        assert (recipe.split.train, recipe.split.test) == (0.9, 0.1)
