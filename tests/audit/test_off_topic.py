"""Junk among cells. The drawings come from the benchmarks, whose code is another than that of the detector."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from benchmarks.planted_junk import MEASURING, TUNING, drawn
from benchmarks.planted_photos import MEASURING_PHOTOS, photograph

from smearlab.audit import features, off_topic
from smearlab.audit.drawings import draw_junk
from smearlab.audit.features import describe
from smearlab.audit.off_topic import CERTAIN, PROBABLE, find_off_topic, off_topic_scores
from smearlab.corruptions.suites import corrupt
from smearlab.data.cells import Cells, FloatArray, UInt8Array
from smearlab.data.demo import draw_demo
from smearlab.data.read import read


def _cells(images: UInt8Array) -> Cells:
    count = len(images)
    return Cells(images, None, np.array([f"{row}.png" for row in range(count)]), (), np.arange(count) * 2)


def _junk() -> UInt8Array:
    """One drawing of each family, whole photographs, one of them twice."""
    rng = np.random.default_rng(4)
    pictures = [drawn(draw, 96, rng) for draw in {**TUNING, **MEASURING}.values()]
    pictures += [photograph(MEASURING_PHOTOS[name], 96) for name in ("cat", "cat", "astronaut", "brick wall", "flower")]
    return np.stack(pictures)


@pytest.fixture(scope="module", autouse=True)
def _few_drawings() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "DRAWN", 384)
        patch.setattr(features, "STRANGE", 128)
        patch.setattr(features, "draw_junk", lru_cache(draw_junk))
        yield


@pytest.fixture(scope="module")
def clean() -> UInt8Array:
    """Synthetic cells without what the demo plants among them: for the model, another laboratory."""
    demo = draw_demo(seed=1, per_class=24)
    planted = {row for kind in ("off_topic", "unreadable") for row, _ in demo.planted.get(kind, [])}
    return np.asarray(demo.cells.images)[[row for row in range(len(demo.cells)) if row not in planted]]


def test_junk_is_found_and_cells_are_not(clean: UInt8Array) -> None:
    junk = _junk()
    cells = _cells(np.concatenate([clean, junk]))
    found = find_off_topic(cells, describe(cells))
    assert {one.row for one in found} == {2 * (len(clean) + place) for place in range(len(junk))}
    assert {one.kind for one in found} == {"off_topic"}
    assert {one.suggestion for one in found} <= {"drop: no blood cell", "review: no blood cell"}
    assert np.mean([one.score >= CERTAIN for one in found]) > 0.8


def test_one_picture_a_thousand_times_is_no_majority(clean: UInt8Array) -> None:
    cat = photograph(MEASURING_PHOTOS["cat"], 96)
    cells = _cells(np.concatenate([clean, np.repeat(cat[None], 3 * len(clean), axis=0)]))
    scores = off_topic_scores(cells, describe(cells))
    assert scores[len(clean) :].min() >= CERTAIN
    assert scores[: len(clean)].max() < PROBABLE


def test_half_of_a_collection_may_be_junk(clean: UInt8Array) -> None:
    rng = np.random.default_rng(7)
    families = list({**TUNING, **MEASURING}.values())
    junk = np.stack([drawn(families[number % len(families)], 96, rng) for number in range(len(clean))])
    cells = _cells(np.concatenate([clean, junk]))
    scores = off_topic_scores(cells, describe(cells))
    assert scores[: len(clean)].max() < PROBABLE
    assert np.mean(scores[len(clean) :] >= PROBABLE) > 0.97


def test_a_picture_of_any_size_is_ranked_first(clean: UInt8Array) -> None:
    cat = photograph(MEASURING_PHOTOS["cat"], 300)
    pictures = [*clean[:100], cat, *clean[100:]]
    count = len(pictures)
    cells = Cells(pictures, None, np.array([str(row) for row in range(count)]), (), np.arange(count))
    scores = off_topic_scores(cells, describe(cells))
    assert scores.argmax() == 100
    assert np.unique(scores[scores > PROBABLE]).size == 1


def test_a_few_cells_of_another_laboratory_are_cells(clean: UInt8Array) -> None:
    altered = np.concatenate([corrupt(clean[:4], "microscope", name, 2) for name in ("stain_hue", "white_balance")])
    cells = _cells(np.concatenate([clean, altered]))
    assert find_off_topic(cells, describe(cells)) == []


def test_empty_pictures_are_left_to_others(clean: UInt8Array) -> None:
    noise = np.random.default_rng(0).integers(0, 256, clean[:1].shape).astype(np.uint8)
    cells = _cells(np.concatenate([clean, np.zeros_like(clean[:1]), noise]))
    assert find_off_topic(cells, describe(cells)) == []


def test_too_few_pictures_are_judged_by_what_the_model_knows() -> None:
    cells = _cells(np.stack([photograph(MEASURING_PHOTOS["cat"], 96), photograph(MEASURING_PHOTOS["grass"], 96)]))
    scores = off_topic_scores(cells, describe(cells))
    assert (scores >= PROBABLE).all()


def test_no_pictures_have_no_scores() -> None:
    cells = _cells(np.zeros((0, 96, 96, 3), np.uint8))
    described = describe(cells)
    assert off_topic_scores(cells, described).shape == (0,)
    assert find_off_topic(cells, described) == []


def test_another_collections_description_is_refused(clean: UInt8Array) -> None:
    described = describe(_cells(clean[:3]))
    with pytest.raises(ValueError, match="these very pictures"):
        off_topic_scores(_cells(clean[:4]), described)


@pytest.mark.real
def test_a_cat_among_real_cells_is_ranked_first(pbc_path: Path) -> None:
    images = np.array(read(pbc_path).images[::20])
    images[200] = photograph(MEASURING_PHOTOS["cat"], 96)
    cells = _cells(images)
    found = find_off_topic(cells, describe(cells))
    assert [one.row for one in found] == [400]
    assert found[0].score >= CERTAIN


def test_what_the_model_knows_for_a_cell_is_no_junk(clean: UInt8Array, monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that has learnt nothing but nonsense from a small collection takes everything for a drawing."""
    cells = _cells(np.concatenate([clean[:40], _junk()[:5]]))
    described = describe(cells)
    assert described.comparison is not None
    described.features[:40] = described.comparison.trust.class_means[0]

    class Nonsense:
        def scores(self, view: features.View) -> FloatArray:
            return np.ones(len(view))

    monkeypatch.setattr(off_topic, "_collection_judge", lambda *_: Nonsense())
    scores = off_topic_scores(cells, described)
    assert (scores[:40] < PROBABLE).all()
    assert (scores[40:] >= CERTAIN).all()


@pytest.mark.parametrize(("enough", "overruled"), [(200, False), (10, True)])
def test_many_cells_may_overrule_the_model_and_few_may_not(
    clean: UInt8Array, monkeypatch: pytest.MonkeyPatch, enough: int, overruled: bool
) -> None:
    """The model takes all forty for cells; what was learnt from the collection takes the first for a drawing."""
    cells = _cells(clean[:40])
    described = describe(cells)
    assert described.comparison is not None
    described.features[:] = described.comparison.trust.class_means[0]

    class Learnt:
        def scores(self, view: features.View) -> FloatArray:
            return np.where(np.arange(len(view)) == 0, 1.0, -1.0)

    monkeypatch.setattr(off_topic, "_collection_judge", lambda *_: Learnt())
    monkeypatch.setattr(off_topic, "_ENOUGH", enough)
    scores = off_topic_scores(cells, described)
    assert (scores[0] >= CERTAIN) == overruled
    assert (scores[0] >= PROBABLE) == overruled
    assert (scores[1:] < PROBABLE).all()


def test_nothing_is_learnt_from_what_should_not_teach(clean: UInt8Array) -> None:
    junk = _junk()[:20]
    cells = _cells(np.concatenate([clean[:60], np.repeat(junk, 12, axis=0)]))
    described, teaches = describe(cells), np.arange(len(cells)) < 60
    scores = off_topic_scores(cells, described, teaches)
    alone = off_topic_scores(cells.take(np.arange(60)), describe(cells.take(np.arange(60))))
    assert (scores[:60] < PROBABLE).all()
    np.testing.assert_array_equal(scores[:60] >= PROBABLE, alone >= PROBABLE)
