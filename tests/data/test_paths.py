from __future__ import annotations

from pathlib import Path

import pytest

from smearlab.data.paths import expanded, is_possible, user_path
from smearlab.data.read import read
from smearlab.data.stream import stream_pictures
from smearlab.errors import DataError, ModelError, RecipeError
from smearlab.evaluation.evaluate import evaluate
from smearlab.inference.model_folder import resolve_model
from smearlab.inference.predict import predict_to_file

NULL = "a\0b"


@pytest.mark.parametrize("given", [NULL, f"{NULL}.npz", f"{NULL}/*.png", "x" * 300, "x\ud800"])
def test_a_name_that_no_file_can_have_is_not_there(given: str, tmp_path: Path) -> None:
    assert not is_possible(given)
    with pytest.raises(DataError, match=r"^There is no .*Check the path\.$"):
        user_path(given)
    with pytest.raises(DataError, match="There is no"):
        read(given)
    with pytest.raises(DataError, match="There is no"):
        list(stream_pictures(given))
    with pytest.raises(ModelError, match="There is no"):
        resolve_model(given)
    with pytest.raises(DataError, match="There is no"):
        predict_to_file(str(tmp_path), out=f"{given}.csv")
    with pytest.raises(DataError, match="There is no"):
        evaluate("default", str(tmp_path), given)


@pytest.mark.parametrize("given", [NULL, "x" * 300])
def test_recipes_and_runs_too(given: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="training needs the training extra")
    from smearlab import pipeline
    from smearlab.training.recipe_io import load_recipe

    with pytest.raises(RecipeError, match="There is no"):
        load_recipe(given)
    with pytest.raises(DataError, match="There is no"):
        pipeline.run(given)
    with pytest.raises(DataError, match="There is no"):
        pipeline.run(tmp_path, out=given)


@pytest.mark.parametrize("given", [NULL, "x" * 300, "~nobody-of-that-name/x.png", "*" * 300])
def test_one_of_several_pictures_is_a_row_with_an_error(given: str) -> None:
    first, second = stream_pictures([given, "none.png"])
    assert (first.source, first.image) == (given, None)
    assert first.error
    assert second.error == "there is no such file"


def test_possible_names_pass_whether_there_or_not(tmp_path: Path) -> None:
    assert user_path(tmp_path / "none") == tmp_path / "none"
    assert user_path("~") == Path.home()
    assert expanded("~nobody-of-that-name/x") == Path("~nobody-of-that-name/x")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(DataError, match=r"There is no .*loop"):
        user_path(loop)
