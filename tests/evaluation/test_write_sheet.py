"""`smearlab augment`: a sheet of one's own pictures, and what is told where it cannot be made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smearlab.__main__ import main
from smearlab.augment.operations import INDEX
from smearlab.augment.sets import named_policies
from smearlab.data.cells import Cells
from smearlab.errors import DataError, RecipeError, SmearlabError
from smearlab.evaluation.sheet import SheetOptions, in_turn, write_sheet


def test_every_class_gives_pictures_in_turn() -> None:
    assert in_turn(np.array([1, 1, 0, 2, 0]), 4).tolist() == [2, 0, 3, 4]


def test_it_writes_a_picture_of_the_size_asked_for(tiny_cells: Cells, tmp_path: Path) -> None:
    path = write_sheet(tiny_cells, tmp_path / "new" / "sheet.png", SheetOptions(size=32, rows=3, columns=4))
    with Image.open(path) as sheet:
        assert sheet.height == 26 + 3 * 36
        assert sheet.width > 5 * 36
    assert [entry.name for entry in path.parent.iterdir()] == ["sheet.png"]


def test_a_recipe_gives_policy_and_size(tiny_cells: Cells, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('[framing]\nsize = 24\n[augment]\npolicy = "none"\n')
    write_sheet(tiny_cells, tmp_path / "a.png", SheetOptions(recipe=str(recipe), rows=1, columns=1))
    with Image.open(tmp_path / "a.png") as sheet:
        assert sheet.height == 26 + 28
        pixels = np.asarray(sheet)
    assert (pixels[26:50, -28:-4] == pixels[26:50, -56:-32]).all()


def test_a_recipe_of_steps_is_shown_step_after_step(tiny_cells: Cells, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    steps = '{ name = "invert", vary = false }, { name = "posterise", vary = false }'
    recipe.write_text(f'[framing]\nsize = 24\n[augment]\npolicy = "sequence"\nsteps = [{steps}]\n')
    for options in (SheetOptions(recipe=str(recipe)), SheetOptions(policy="sequence", recipe=str(recipe))):
        write_sheet(tiny_cells, tmp_path / "a.png", replace(options, rows=1, columns=1))
        with Image.open(tmp_path / "a.png") as sheet:
            pixels = np.asarray(sheet)
        shown, first = pixels[26:50, -28:-4].astype(int), pixels[26:50, -56:-32].astype(int)
        assert set(np.unique(shown).tolist()) <= {0, 64, 128, 192}
        assert (shown == (255 - first) // 64 * 64).mean() > 0.95


@pytest.mark.parametrize("policy", ["light", "moderate", "heavy"])
def test_a_named_set_can_be_shown(policy: str, tiny_cells: Cells, tmp_path: Path) -> None:
    path = write_sheet(tiny_cells, tmp_path / "a.png", SheetOptions(policy, size=24, rows=4, columns=2))
    with Image.open(path) as sheet:
        pixels = np.asarray(sheet)
    assert (pixels[26:50, -28:-4] != pixels[26:50, -56:-32]).any()


def test_a_curriculum_of_steps_grows(tiny_cells: Cells, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        '[framing]\nsize = 24\n[augment]\npolicy = "sequence"\ncurriculum_start = 0.0\n'
        'steps = [{ name = "invert", vary = false }]\n'
    )
    write_sheet(tiny_cells, tmp_path / "a.png", SheetOptions(recipe=str(recipe), progress=True, rows=1, columns=3))
    with Image.open(tmp_path / "a.png") as sheet:
        pixels = np.asarray(sheet)[26:50].astype(int)
    first, start, middle, end = (
        pixels[:, left : left + 24] for left in range(pixels.shape[1] - 112, pixels.shape[1], 28)
    )
    assert (start == first).all()
    assert np.abs(middle - 127.5).max() <= 1
    assert (end == 255 - first).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (SheetOptions(policy="our"), "Did you mean 'ours'"),
        (SheetOptions(policy="sequence"), "give --recipe"),
        (SheetOptions(operation="blur"), "no operation 'blur'"),
        (SheetOptions(operation="hue", policy="ours"), "leave out --policy"),
        (SheetOptions(operation="hue", progress=True), "leave out --policy"),
        (SheetOptions(rows=0), "--rows 0"),
        (SheetOptions(columns=1000), "--columns 1000"),
        (SheetOptions(size=3), "--size 3"),
        (SheetOptions(recipe="nope"), "no recipe file 'nope'"),
    ],
)
def test_options_that_cannot_be(options: SheetOptions, message: str, tiny_cells: Cells, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=message):
        write_sheet(tiny_cells, tmp_path / "sheet.png", options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["sheet.jpg", "sheet"])
def test_only_png_is_written(name: str, tiny_cells: Cells, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ends in \.png"):
        write_sheet(tiny_cells, tmp_path / name)


def test_a_folder_is_not_written_over(tiny_cells: Cells, tmp_path: Path) -> None:
    (tmp_path / "sheet.png").mkdir()
    with pytest.raises(SmearlabError, match="is a folder"):
        write_sheet(tiny_cells, tmp_path / "sheet.png", SheetOptions(rows=1, columns=1))


def test_the_command_exits_2_with_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["augment", "nowhere", "--sheet", "a.png"]) == 2
    assert "There is no nowhere" in capsys.readouterr().err


def test_all_operations_are_shown_on_one_picture(tiny_cells: Cells, tmp_path: Path) -> None:
    path = write_sheet(tiny_cells, tmp_path / "a.png", SheetOptions(operation="all", size=24, columns=3))
    with Image.open(path) as sheet:
        pixels = np.asarray(sheet)
    step = 24 + 4 + 14
    assert len(pixels) == 26 + len(INDEX) * step
    left = pixels.shape[1] - 3 * 28  # three columns: as it is, and an even number of amounts
    shown = np.stack([pixels[26 + row * step :][:24, left:][:, :24] for row in range(len(INDEX))])
    assert (shown == shown[0]).all()
    changed = [(pixels[26 + row * step :][:24, left + 56 :][:, :24] != shown[0]).any() for row in range(len(INDEX))]
    assert sum(changed) >= len(INDEX) - 2  # an amount of a flip or a turn may leave a picture as it is


def test_all_policies_are_shown_on_one_picture(tiny_cells: Cells, tmp_path: Path) -> None:
    path = write_sheet(tiny_cells, tmp_path / "a.png", SheetOptions("all", size=24, columns=2))
    names = [*named_policies(), "mixup", "cutmix"]
    with Image.open(path) as sheet:
        pixels = np.asarray(sheet)
    assert len(pixels) == 26 + len(names) * 28
    rows = {name: pixels[26 + row * 28 :][:24, -28:-4] for row, name in enumerate(names)}
    assert (rows["none"] == pixels[26:50, -84:-60]).all()
    assert all((rows[name] != rows["none"]).any() for name in ("ours", "augmix", "mixup", "heavy"))


def test_all_policies_have_no_common_way_through_a_training(tiny_cells: Cells, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="name it instead of all"):
        write_sheet(tiny_cells, tmp_path / "a.png", SheetOptions("all", progress=True))
