from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.data.test_field import discs
from tests.inference.tiny_model import write_tiny_folder

from smearlab.corruptions.geometry import magnify
from smearlab.data.cells import UInt8Array
from smearlab.data.framing import Framing, frame_pictures
from smearlab.data.read import read
from smearlab.inference import second_look
from smearlab.inference.predictor import Predictor
from smearlab.inference.second_look import look_again, nearer, worth_while
from smearlab.inference.spread import Floats

FRAMING = Framing(size=96, crop="none")
NEAR, FAR = discs(46), discs(22)
FRAMED = frame_pictures([NEAR, FAR, FAR, FAR], FRAMING)
FIRST = np.zeros((4, 3), np.float32)


def look(strangeness: tuple[float, float]) -> second_look.Look:
    """Answer the number of the look, 1 or 2, everywhere, with a strangeness for each look."""
    asked = iter((1, 2))

    def answer(pictures: UInt8Array) -> tuple[Floats, Floats]:
        number = next(asked)
        count = len(pictures)
        return np.full((count, 3), number, np.float32), np.full(count, strangeness[number - 1], np.float32)

    return answer


def test_two_witnesses_must_agree() -> None:
    assert worth_while(FRAMED, np.array([9, 9, 1.1, 1.3], np.float32)).tolist() == [1, 3]
    assert not len(worth_while(FRAMED, np.ones(4, np.float32)))


def test_the_least_strange_look_counts_where_it_is_much_less_strange() -> None:
    strange = np.array([9, 9, 1, 2], np.float32)
    logits, again, seen = look_again(FRAMED, FIRST, strange, FRAMING, look((3, 2)))
    assert again.tolist() == [False, True, False, False]  # 2 of 9 is much less strange, 2 of 2 is not
    assert logits.tolist() == [[0, 0, 0], [2, 2, 2], [0, 0, 0], [0, 0, 0]]
    assert not FIRST.any()
    _, again, _ = look_again(FRAMED, FIRST, np.full(4, 99, np.float32), FRAMING, look((12, 11)))
    assert not again.any()  # much less strange than 99, and still beyond knowing
    assert np.array_equal(seen[1], nearer(FRAMED, 0.5, FRAMING)[1])
    assert np.array_equal(seen[[0, 2, 3]], FRAMED[[0, 2, 3]])
    logits, _, seen = look_again(FRAMED, FIRST, strange, FRAMING, look((1, 2)))
    assert logits[1].tolist() == [1, 1, 1]
    assert np.array_equal(seen[1], nearer(FRAMED, 2**-0.5, FRAMING)[1])


@pytest.mark.parametrize("change", [{"content": "high_pass"}, {"size": 24}])
def test_nothing_is_looked_at_again_where_the_field_cannot_be_told(change: dict[str, object]) -> None:
    framing = FRAMING.model_copy(update=change)
    logits, again, seen = look_again(FRAMED, FIRST, np.full(4, 9, np.float32), framing, look((1, 1)))
    assert logits is FIRST
    assert seen is FRAMED
    assert not again.any()


def test_the_middle_is_enlarged() -> None:
    half = nearer(FRAMED, 0.5, FRAMING)
    assert half.shape == FRAMED.shape
    again = frame_pictures([FRAMED[1, 24:72, 24:72]], Framing(size=96, crop="none"))
    assert np.array_equal(half[1], again[0])


def test_a_predictor_can_be_told_to_look_once(tmp_path: Path) -> None:
    folder = write_tiny_folder(tmp_path)
    pictures = frame_pictures([FAR] * 3 + [NEAR], Predictor.load(folder).framing)
    once, twice = (Predictor.load(folder, second_look=both).predict(pictures, features=True) for both in (False, True))
    assert not len(once.looked_again)
    assert len(twice.looked_again) == 4
    assert np.array_equal(once.is_cell, twice.is_cell)
    assert np.array_equal(once.strangeness, twice.strangeness)
    assert once.features is not None
    assert twice.features is not None
    assert np.array_equal(once.features, twice.features)
    still = ~twice.looked_again
    assert np.array_equal(once.logits[still], twice.logits[still])
    assert twice.take(np.array([3])).looked_again.shape == (1,)


@pytest.mark.real
def test_cells_at_half_their_size_are_named_better_and_the_batch_does_not_matter(pbc_path: Path) -> None:
    cells = read(pbc_path)
    cells = cells.take(np.arange(0, len(cells), 40))
    small = magnify(np.stack(list(cells.images)), 0.5)
    once, twice = (Predictor.load(second_look=both).predict(small) for both in (False, True))
    right = [int((found.label_indices == cells.known_labels).sum()) for found in (once, twice)]
    assert twice.looked_again.mean() > 0.4
    assert right[1] > right[0]
    alone = Predictor.load().predict(small[::7], batch_size=5)
    assert np.allclose(alone.probabilities, twice.probabilities[::7], atol=1e-5)
