"""The pictures of a study: samples that keep or balance the classes, and who sees what."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.evaluation.study_cells import SMOKE, study_cells

from smearlab.data.framing import Framing
from smearlab.evaluation.conditions import alter
from smearlab.evaluation.studies.answers import Answers, ask
from smearlab.evaluation.studies.material import Material, balanced, open_material, shares, stratified
from smearlab.training.recipe_io import load_recipe

LABELS = np.repeat(np.arange(3), [100, 50, 5])
RECIPE = load_recipe("quick", SMOKE.budget())


def test_a_stratified_sample_keeps_the_shares_of_the_classes() -> None:
    chosen = stratified(LABELS, np.arange(len(LABELS)), 62)
    assert np.bincount(LABELS[chosen]).tolist() == [40, 20, 2]
    assert (np.diff(chosen) > 0).all()
    assert set(LABELS[stratified(LABELS, np.arange(len(LABELS)), 3)]) == {0, 1, 2}  # of each class at least one
    assert stratified(LABELS, np.arange(7), 20).tolist() == list(range(7))


def test_a_balanced_sample_takes_as_many_of_each_class() -> None:
    chosen = balanced(LABELS, np.arange(len(LABELS)), 20)
    assert np.bincount(LABELS[chosen]).tolist() == [20, 20, 5]


def test_conditions_share_the_pool_out_evenly() -> None:
    pool = np.repeat(np.arange(3), [10, 10, 2])
    shown = shares(pool, 4, 5)
    assert shown.shape == (5, 10)
    for row in shown:
        assert len(set(row.tolist())) == 10
        assert np.bincount(pool[row]).tolist() == [4, 4, 2]
    times = np.bincount(shown.ravel(), minlength=len(pool))
    assert times[pool < 2].tolist() == [2] * 20
    assert times[pool == 2].tolist() == [5, 5]


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return open_material(tmp_path_factory.mktemp("study") / "material", study_cells(), RECIPE, SMOKE)


def test_no_picture_is_both_trained_on_and_tested(material: Material) -> None:
    assert material.train == len(material.labels) - material.validation - len(material.pool_labels)
    trained = {picture.tobytes() for picture in np.asarray(material.images[: material.train])}
    assert not trained & {picture.tobytes() for picture in np.asarray(material.pool_images)}


def test_altered_pictures_are_those_of_the_conditions(material: Material) -> None:
    assert {condition.suite for condition in material.conditions} == {
        "bloodmnist-c",
        "imagenet-c",
        "microscope",
        "chain",
    }
    assert material.altered.shape[:2] == material.shown.shape == (len(material.conditions), 16)
    for number in (0, len(material.conditions) - 1):
        shown = material.shown[number]
        expected = alter(np.asarray(material.pool_images)[shown], material.conditions[number], shown, 1)
        assert (material.altered[number] == expected).all()


def test_pictures_are_built_once_and_anew_for_other_data(material: Material) -> None:
    before = (material.folder / "images.npy").stat().st_mtime_ns
    again = open_material(material.folder, study_cells(), RECIPE, SMOKE)
    assert (again.folder / "images.npy").stat().st_mtime_ns == before
    other = open_material(material.folder, study_cells(seed=1), RECIPE, SMOKE)
    assert (other.folder / "images.npy").stat().st_mtime_ns != before


def test_answers_are_laid_out_by_picture_and_condition(material: Material, tmp_path: Path) -> None:
    def brightest(images: np.ndarray) -> np.ndarray:
        return np.where(images.mean(axis=(1, 2, 3)) > 128, 7, 0)

    answers = ask(brightest, material, Framing(crop="none", size=24))
    answers.save(tmp_path / "answers.npz")
    table = Answers.load(tmp_path / "answers.npz").matrix(material.shown)
    assert table.shape == (len(material.pool_labels), 1 + len(material.conditions))
    expected = brightest(np.asarray(material.pool_images)) == material.pool_labels
    assert (table[:, 0] == expected).all()
    assert ((table[:, 1:] >= 0).sum(axis=0) == 16).all()
    third = material.shown[3]
    assert (table[third, 4] == (brightest(np.asarray(material.altered[3])) == material.pool_labels[third])).all()


def test_pictures_are_resized_for_a_network_of_another_side(material: Material) -> None:
    seen = []

    def answer(images: np.ndarray) -> np.ndarray:
        seen.append(images.shape)
        return np.zeros(len(images), np.int64)

    ask(answer, material, Framing(crop="none", size=32))
    assert {shape[1:] for shape in seen} == {(32, 32, 3)}
