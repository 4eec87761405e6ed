"""`smearlab augment --out`: augmented sets as data that can be read again, split and trained on."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smearlab.__main__ import main
from smearlab.celltypes import CLASS_NAMES
from smearlab.data.cells import Cells
from smearlab.data.read import read
from smearlab.errors import DataError, RecipeError
from smearlab.evaluation.augmented_set import SetOptions, write_set

LIGHT = SetOptions("light", per_image=2)


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        whole.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return whole.hexdigest()


def few(cells: Cells, *counts: int) -> Cells:
    """Keep so many pictures of each class."""
    return cells.take([6 * label + row for label, count in enumerate(counts) for row in range(count)])


def test_a_folder_has_the_class_counts_asked_for(tiny_cells: Cells, tmp_path: Path) -> None:
    done = write_set(few(tiny_cells, 6, 2, 3), tmp_path / "set", SetOptions("light", per_class=6))
    again = read(tmp_path / "set", minimum_classes=1)
    assert dict(zip(again.class_names, again.class_counts().tolist(), strict=True)) == dict.fromkeys(CLASS_NAMES[:3], 6)
    assert (done.originals, done.copies) == (11, 7)
    assert {name: count for name, count in done.per_class.items() if count} == dict.fromkeys(CLASS_NAMES[:3], 6)


def test_names_tell_row_and_number_and_the_table_the_rest(tiny_cells: Cells, tmp_path: Path) -> None:
    cells = tiny_cells.take([7, 30])
    write_set(cells, tmp_path / "set", LIGHT)
    names = sorted(path.relative_to(tmp_path / "set").as_posix() for path in (tmp_path / "set").rglob("*.png"))
    first, second = CLASS_NAMES[1], CLASS_NAMES[5]
    assert names == sorted(f"{name}/{row:06}_{n}.png" for name, row in ((first, 7), (second, 30)) for n in range(3))
    table = lines(tmp_path / "set" / "augmented.csv")
    assert [(one["row"], one["number"], one["policy"], one["label"]) for one in table[:4]] == [
        ("7", "0", "original", first),
        ("7", "1", "light", first),
        ("7", "2", "light", first),
        ("30", "0", "original", second),
    ]
    assert table[1]["source"] == str(cells.sources[0])
    assert sorted(one["path"] for one in table) == names


def test_originals_are_the_very_pixels(tiny_cells: Cells, tmp_path: Path) -> None:
    write_set(tiny_cells, tmp_path / "set", LIGHT)
    again = read(tmp_path / "set" / "augmented.csv", minimum_classes=1)
    assert len(again) == 3 * len(tiny_cells)
    for place in (0, 20, 47):
        np.testing.assert_array_equal(again.images[3 * place], tiny_cells.images[place])
        assert (again.images[3 * place + 1] != tiny_cells.images[place]).any()


def test_without_originals_there_are_copies_alone(tiny_cells: Cells, tmp_path: Path) -> None:
    options = replace(LIGHT, originals=False)
    done = write_set(tiny_cells, tmp_path / "set", options)
    assert (done.originals, done.copies) == (0, 96)
    assert {one["number"] for one in lines(done.table)} == {"1", "2"}


def test_a_seed_decides_every_byte(tiny_cells: Cells, tmp_path: Path) -> None:
    cells = tiny_cells.take(np.arange(0, 48, 5))
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_set(cells, tmp_path / name, SetOptions("heavy", per_image=3, seed=seed))
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")


@pytest.mark.parametrize("name", ["set", "set.npz", "set.parquet"])
def test_every_form_holds_the_same_pictures(name: str, tiny_cells: Cells, tmp_path: Path) -> None:
    done = write_set(tiny_cells, tmp_path / name, SetOptions("moderate", per_image=1))
    again = read(done.table if name == "set" else done.out, minimum_classes=1)
    other = write_set(tiny_cells, tmp_path / "other.npz", SetOptions("moderate", per_image=1))
    expected = read(other.out, minimum_classes=1)
    np.testing.assert_array_equal(np.stack([np.asarray(one) for one in again]), np.asarray(expected.images))
    assert [again.class_names[label] for label in again.known_labels] == [one["label"] for one in lines(done.table)]
    assert len(lines(done.table)) == 96


@pytest.mark.parametrize("name", ["set", "set.parquet"])
@pytest.mark.parametrize("policy", ["light", "heavy"])
def test_groups_hold_all_copies_and_all_that_was_mixed(
    name: str, policy: str, tiny_cells: Cells, tmp_path: Path
) -> None:
    done = write_set(tiny_cells, tmp_path / name, SetOptions(policy, per_image=2))
    again = read(done.table if name == "set" else done.out, minimum_classes=1)
    assert again.groups is not None
    table = lines(done.table)
    group_of = {one["row"]: one["group"] for one in table}
    assert again.groups.tolist() == [one["group"] for one in table]
    for one in table:
        assert one["group"] == group_of[one["row"]]
        if one["partner"]:
            assert group_of[one["partner"]] == one["group"]
    assert (len(set(group_of.values())) == 48) == (policy == "light")
    assert len(set(group_of.values())) >= 5


def test_the_groups_that_data_brings_are_kept(tiny_cells: Cells, tmp_path: Path) -> None:
    groups = np.array([f"patient{row % 3}" if row % 4 else "" for row in range(48)])
    done = write_set(replace(tiny_cells, groups=groups), tmp_path / "set", LIGHT)
    found = {int(one["row"]): one["group"] for one in lines(done.table)}
    assert found[5] == "patient2"
    assert found[4] == "row_4"


def test_labels_of_mixed_copies_stand_in_the_table(tiny_cells: Cells, tmp_path: Path) -> None:
    done = write_set(tiny_cells, tmp_path / "set", SetOptions("heavy", per_image=4))
    mixed = [one for one in lines(done.table) if one["partner"]]
    assert 0.35 < len(mixed) / done.copies < 0.65
    labels = {int(one["row"]): one["label"] for one in lines(done.table)}
    for one in mixed:
        assert 0.5 <= float(one["share"]) <= 1
        assert one["label"] == labels[int(one["row"])]
        assert one["partner_label"] == labels[int(one["partner"])]
        assert one["number"] != "0"


@pytest.mark.parametrize("name", ["set", "set.parquet"])
def test_only_the_training_part_of_a_split_is_copied(name: str, tiny_cells: Cells, tmp_path: Path) -> None:
    parts = np.array((["train"] * 3 + ["validation", "test", "test"]) * 8)
    done = write_set(replace(tiny_cells, parts=parts), tmp_path / name, SetOptions("heavy", per_class=7))
    again = read(done.out, minimum_classes=1)
    assert again.parts is not None
    assert {part: int((again.parts == part).sum()) for part in ("train", "validation", "test")} == {
        "train": 56,
        "validation": 8,
        "test": 16,
    }
    assert all(one["split"] == "train" for one in lines(done.table) if one["number"] != "0")
    assert any("training part alone" in note for note in done.notes)


def test_pictures_of_several_sizes_keep_them_unless_a_size_is_given(tiny_cells: Cells, tmp_path: Path) -> None:
    images: Any = [np.asarray(picture)[: 24 - row % 3] for row, picture in enumerate(tiny_cells)]
    cells = replace(tiny_cells, images=images)
    write_set(cells, tmp_path / "own", SetOptions("light", per_image=1))
    again = read(tmp_path / "own" / "augmented.csv", minimum_classes=1)
    assert [np.asarray(picture).shape[0] for picture in again][:6] == [24, 24, 23, 23, 22, 22]
    for policy, name in (("heavy", "mixed"), ("light", "mixed.npz")):
        with pytest.raises(DataError, match=r"several sizes.*--size"):
            write_set(cells, tmp_path / name, SetOptions(policy, per_image=1))
    done = write_set(cells, tmp_path / "one.npz", SetOptions("heavy", per_image=1, size=16))
    assert read(done.out, minimum_classes=1).picture_shape == (16, 16)


def test_a_recipe_gives_the_policy(tiny_cells: Cells, tmp_path: Path) -> None:
    recipe = tmp_path / "own.toml"
    recipe.write_text('[augment]\npolicy = "sequence"\nsteps = [{ name = "invert", vary = false }]\n')
    done = write_set(tiny_cells, tmp_path / "set.npz", SetOptions(recipe=str(recipe), per_image=1))
    images = np.asarray(read(done.out, minimum_classes=1).images)
    np.testing.assert_array_equal(images[1::2], 255 - images[::2])
    assert {one["policy"] for one in lines(done.table)} == {"original", "sequence"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (SetOptions(per_image=1), "Say what to do"),
        (SetOptions("ours"), "Say how many"),
        (SetOptions("ours", per_image=1, per_class=9), "not both"),
        (SetOptions("ours", per_image=0), "--per-image 0"),
        (SetOptions("ours", per_class=-3), "--per-class -3"),
        (SetOptions("ours", per_image=1, size=3), "--size 3"),
        (SetOptions("hevy", per_image=1), "Did you mean 'heavy'"),
        (SetOptions("sequence", per_image=1), "give --recipe"),
        (SetOptions(recipe="nope", per_image=1), "no recipe file 'nope'"),
    ],
)
def test_options_that_cannot_be(options: SetOptions, message: str, tiny_cells: Cells, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=message):
        write_set(tiny_cells, tmp_path / "set", options)
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_over(tiny_cells: Cells, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "old.npz").write_bytes(b"")
    (tmp_path / "new_augmented.csv").write_text("mine")
    for name in ("full", "old.npz", "new.npz"):
        with pytest.raises(DataError, match="exists already"):
            write_set(tiny_cells, tmp_path / name, LIGHT)
    (tmp_path / "empty").mkdir()
    assert write_set(tiny_cells.take([0, 9]), tmp_path / "empty", LIGHT).copies == 4
    with pytest.raises(DataError, match=r"nothing can be written as \.csv"):
        write_set(tiny_cells, tmp_path / "set.csv", LIGHT)
    with pytest.raises(DataError, match="lies in the data"):
        write_set(tmp_path / "empty", tmp_path / "empty" / "more", LIGHT)


def test_a_failure_leaves_nothing(tiny_cells: Cells, tmp_path: Path) -> None:
    class Broken(list):  # type: ignore[type-arg]
        def __getitem__(self, index: Any) -> Any:
            if index == 40:
                raise DataError("the disk is gone")
            return super().__getitem__(index)

    cells = replace(tiny_cells, images=Broken(tiny_cells.images))
    for name in ("set", "set.parquet"):
        with pytest.raises(DataError, match="the disk is gone"):
            write_set(cells, tmp_path / name, LIGHT)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ([], "one of the two"),
        (["--sheet", "a.png", "--out", "b"], "one of the two"),
        (["--sheet", "a.png", "--per-image", "2"], "give --out, not --sheet"),
        (["--sheet", "a.png", "--no-originals"], "give --out, not --sheet"),
        (["--out", "b", "--policy", "ours", "--per-image", "1", "--rows", "3"], "give --sheet, not --out"),
        (["--out", "b", "--policy", "ours"], "Say how many"),
        (["--out", "b", "--policy", "ours", "--per-image", "many"], "many"),
    ],
)
def test_the_command_exits_2_with_one_message(
    typed: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["augment", "nowhere", *typed]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told
    assert not list(tmp_path.iterdir())


def test_the_command_says_what_it_wrote(
    tiny_cells: Cells, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_set(tiny_cells, tmp_path / "cells.npz", SetOptions("none", per_image=1))
    assert main(["augment", "cells.npz", "--policy", "heavy", "--per-class", "14", "--out", "set"]) == 0
    said = capsys.readouterr().out
    assert "112 pictures: 96 as they are, 16 augmented." in said
    assert "Table:   set/augmented.csv" in said


def test_a_recipe_that_makes_altered_copies_gives_their_policy(tiny_cells: Cells, tmp_path: Path) -> None:
    done = write_set(tiny_cells, tmp_path / "set", SetOptions(recipe="november/mobilenetv3", per_image=1))
    written = read(done.out)
    images = np.asarray(written.images)
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == 2 * len(tiny_cells)


def test_a_recipe_that_alters_nothing_is_refused(tiny_cells: Cells, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="alters no picture"):
        write_set(tiny_cells, tmp_path / "set", SetOptions(recipe="m2g/extractor-vgg16", per_image=1))


def test_an_unknown_policy_is_named_first(tiny_cells: Cells, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no policy 'hevy'.*heavy"):
        write_set(tiny_cells, tmp_path / "set", SetOptions(policy="hevy"))
