"""Copies are found however they were altered, and different cells are kept apart."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageFilter
from tests.data.alterations import ALTERATIONS, as_cells, brighten, jpeg, shift, stained_cells

from smearlab.data.fingerprint import (
    conflicting_rows,
    duplicate_pairs,
    exact_groups,
    find_duplicates,
    near_groups,
)
from smearlab.data.read import read

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.data.cells import UInt8Array


@pytest.fixture(scope="module")
def originals() -> UInt8Array:
    return stained_cells(60)


def _alter(pictures: UInt8Array, name: str, seed: int = 0) -> list[UInt8Array]:
    rng = np.random.default_rng(seed)
    return [ALTERATIONS[name](picture, rng) for picture in pictures]


def test_exact_groups_go_by_pixels_and_shape(originals: UInt8Array) -> None:
    images = [originals[0], originals[1], originals[0].copy(), originals[1].reshape(48, 192, 3), originals[2]]
    assert exact_groups(as_cells(images)).tolist() == [0, 1, 0, 3, 4]


def test_exact_groups_ignore_memory_layout(originals: UInt8Array) -> None:
    turned = originals[0].transpose(1, 0, 2)
    assert exact_groups(as_cells([turned, np.ascontiguousarray(turned)])).tolist() == [0, 0]


def test_one_changed_pixel_is_no_exact_copy_but_a_near_one(originals: UInt8Array) -> None:
    changed = originals[0].copy()
    changed[0, 0, 0] ^= 1
    found = find_duplicates(as_cells(np.stack([originals[0], changed])))
    assert found.exact.tolist() == [0, 1]
    assert [pair.kind for pair in found.pairs] == ["near_duplicate"]


@pytest.mark.parametrize("name", ALTERATIONS)
def test_altered_copies_join_their_originals(originals: UInt8Array, name: str) -> None:
    copies = _alter(originals[:20], name)
    near = near_groups(as_cells([*originals, *copies]))
    joined = near[60:] == near[:20]
    assert joined.mean() >= 0.9


def test_different_cells_stay_apart(originals: UInt8Array) -> None:
    near = near_groups(as_cells(np.concatenate([originals, stained_cells(240, seed=1)])))
    assert len(np.unique(near)) == 300


def test_pairs_name_kind_partner_and_score(originals: UInt8Array) -> None:
    images = np.stack([originals[0], originals[1], originals[0], originals[0], jpeg(originals[1], 60)])
    pairs = duplicate_pairs(as_cells(images, np.array([0, 0, 0, 1, 0])))
    assert [(pair.row, pair.partner, pair.kind) for pair in pairs] == [
        (2, 0, "exact_duplicate"),
        (3, 0, "conflicting_duplicate"),
        (4, 1, "near_duplicate"),
    ]
    assert [pair.score for pair in pairs[:2]] == [1.0, 1.0]
    assert 0.9 < pairs[2].score <= 1


def test_unlabelled_copies_cannot_conflict(originals: UInt8Array) -> None:
    cells = replace(as_cells(np.stack([originals[0], originals[0]])), labels=None, class_names=())
    assert [pair.kind for pair in duplicate_pairs(cells)] == ["exact_duplicate"]
    assert not conflicting_rows(cells, exact_groups(cells)).any()


def test_all_members_of_a_conflicting_group_are_marked(originals: UInt8Array) -> None:
    cells = as_cells(originals[[0, 0, 0, 1, 1, 2]], np.array([0, 0, 1, 1, 1, 0]))
    assert conflicting_rows(cells, exact_groups(cells)).tolist() == [True, True, True, False, False, False]


def test_a_chain_of_copies_is_one_group(originals: UInt8Array) -> None:
    first = originals[0]
    images = np.stack([originals[1], first, jpeg(first, 80), first, jpeg(brighten(shift(first, 2, 1), 0.9), 70)])
    assert near_groups(as_cells(images)).tolist() == [0, 1, 1, 1, 1]


def test_a_picture_copied_a_thousand_times_gives_one_pair_each(originals: UInt8Array) -> None:
    images = np.concatenate([np.repeat(originals[:1], 1000, axis=0), originals[1:4]])
    found = find_duplicates(as_cells(images))
    assert len(found.pairs) == 999
    assert {pair.partner for pair in found.pairs} == {0}


def test_junk_without_structure_is_not_joined() -> None:
    rng = np.random.default_rng(0)
    blank = [np.full((96, 96, 3), level, dtype=np.uint8) for level in (0, 128, 255)]
    noise = list(rng.integers(0, 256, (12, 96, 96, 3)).astype(np.uint8))
    assert len(np.unique(near_groups(as_cells([*blank, *noise])))) == 15


def test_copies_of_structured_junk_are_found() -> None:
    rng = np.random.default_rng(0)
    posters = np.full((5, 96, 96, 3), 255, dtype=np.uint8)
    for poster in posters:
        for row, column in rng.integers(0, 70, (6, 2)):
            poster[row : row + 22, column : column + 26] = rng.integers(0, 256, 3)
    near = near_groups(as_cells([*posters, *(jpeg(shift(poster, 2, -1), 60) for poster in posters)]))
    assert near.tolist() == [0, 1, 2, 3, 4] * 2


def test_grey_and_tiny_pictures_do_no_harm(originals: UInt8Array) -> None:
    grey = np.repeat(originals[:3].mean(3, keepdims=True), 3, axis=3).astype(np.uint8)
    tiny = [np.full((1, 1, 3), 7, dtype=np.uint8), np.zeros((2, 5, 3), dtype=np.uint8)]
    near = near_groups(as_cells([*grey, *tiny, *(jpeg(picture, 70) for picture in grey)]))
    assert near.tolist() == [0, 1, 2, 3, 4, 0, 1, 2]


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_pictures_for_a_pair(originals: UInt8Array, count: int) -> None:
    found = find_duplicates(as_cells(originals[:count]))
    assert found.pairs == ()
    assert found.near.tolist() == list(range(count))


def test_the_search_gives_the_same_answer_twice_and_in_any_order(originals: UInt8Array) -> None:
    images = np.concatenate([originals[:20], np.stack(_alter(originals[:20], "random crop 90 %"))])
    forward, again = find_duplicates(as_cells(images)), find_duplicates(as_cells(images))
    assert forward.pairs == again.pairs
    order = np.random.default_rng(3).permutation(len(images))
    shuffled = near_groups(as_cells(images[order]))
    same = forward.near[order][:, None] == forward.near[order][None]
    assert np.array_equal(shuffled[:, None] == shuffled[None], same)


def test_a_threshold_above_one_finds_exact_copies_only(originals: UInt8Array) -> None:
    images = np.stack([originals[0], originals[0], jpeg(originals[0], 90)])
    assert near_groups(as_cells(images), threshold=1.01).tolist() == [0, 0, 2]


@pytest.mark.real
@pytest.mark.slow
def test_planted_copies_among_real_cells(pbc_path: Path) -> None:
    """Of each alteration at least 19 in 20 are found among 13,673 real cells, and nothing else is joined."""
    cells = read(pbc_path)
    natural = near_groups(cells)
    assert (natural != np.arange(len(cells))).sum() <= 30
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(cells), (len(ALTERATIONS), 60), replace=False)
    copies = [
        ALTERATIONS[name](np.asarray(cells.images[row]), rng)
        for name, rows in zip(ALTERATIONS, chosen, strict=True)
        for row in rows
    ]
    found = find_duplicates(as_cells([*cells.images, *copies]))
    origin = np.concatenate([np.arange(len(cells)), chosen.ravel()])
    hits = (found.near[len(cells) :] == found.near[chosen.ravel()]).reshape(chosen.shape).mean(1)
    assert hits.min() >= 0.95, dict(zip(ALTERATIONS, hits, strict=True))
    near = [pair for pair in found.pairs if pair.kind == "near_duplicate"]
    right = [natural[origin[pair.row]] == natural[origin[pair.partner]] for pair in near]
    assert np.mean(right) >= 0.97


@pytest.mark.real
@pytest.mark.slow
def test_planted_copies_of_the_challenge(challenge_path: Path) -> None:
    cells = read(challenge_path)
    truth_path = challenge_path.with_name("challenge_truth.json")
    if not truth_path.exists():
        pytest.skip(f"the planted truth is not at hand: put {truth_path.name} beside {challenge_path.name}")
    truth = json.loads(truth_path.read_text(encoding="utf-8"))
    found = find_duplicates(cells)
    planted = {tuple(sorted(pair)) for pair in truth["near_duplicate"]}
    named = {tuple(sorted((pair.row, pair.partner))) for pair in found.pairs if pair.kind == "near_duplicate"}
    assert len(planted & named) >= 0.97 * len(planted)
    assert len(planted & named) >= 0.97 * len(named)
    for kind in ("exact_duplicate", "conflicting_duplicate"):
        assert all(found.exact[row] == found.exact[original] for row, original in truth[kind])


def _blurred(count: int, radius: float) -> list[UInt8Array]:
    blur = ImageFilter.GaussianBlur(radius)
    return [np.asarray(Image.fromarray(picture).filter(blur)) for picture in stained_cells(count, seed=2)]


def test_blurred_pictures_are_not_all_copies_of_each_other() -> None:
    """Where no chromatin is left to tell cells apart, likeness alone must not join them."""
    assert len(np.unique(near_groups(as_cells(_blurred(200, 8))))) == 200


def test_copies_of_blurred_pictures_are_found() -> None:
    pictures = _blurred(30, 3)
    near = near_groups(as_cells([*pictures, *(picture[:, ::-1].copy() for picture in pictures)]))
    assert (near[30:] == near[:30]).mean() >= 0.9
