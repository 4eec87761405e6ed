import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.inference.tiny_model import tiny_trust

from smearlab.data.fingerprint import near_groups
from smearlab.data.framing import Framing
from smearlab.data.read import read
from smearlab.errors import ModelError
from smearlab.inference.outlines import ASKED, BYTES, known_again, outlines, share_known
from smearlab.inference.trust import parse_trust

FRAMING = Framing(size=64)


def saved_again(picture: np.ndarray, quality: int = 40) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def half(picture: np.ndarray) -> np.ndarray:
    side = len(picture) // 2
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BOX))


def darker(picture: np.ndarray) -> np.ndarray:
    return np.asarray(picture * 0.8, np.uint8)


@pytest.mark.parametrize("changed", [saved_again, half, darker])
def test_a_cell_is_known_again_after_a_small_change(changed: object) -> None:
    cells = read("demo").take(np.arange(60))
    known = outlines(cells.images, FRAMING)
    found = outlines([changed(picture) for picture in cells.images], FRAMING)  # type: ignore[operator]
    assert known_again(found, known).mean() >= 0.6  # some of a flat background's bits are noise


def test_other_cells_are_not_known() -> None:
    cells = read("demo").take(np.arange(600))
    cells = cells.take(np.unique(near_groups(cells)))  # the demo has copies
    marks = outlines(cells.images, FRAMING)
    assert marks.shape == (len(cells), BYTES)
    assert not known_again(marks[:250], marks[250:]).any()
    assert not known_again(marks, marks[:0]).any()


def test_blank_pictures_are_all_alike_and_never_known() -> None:
    blanks = [np.full((40, 40, 3), value, np.uint8) for value in (0, 128, 255)]
    marks = outlines(blanks, FRAMING)
    assert not known_again(marks, marks).any()


def test_of_many_pictures_some_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counted(pictures: list[np.ndarray], framing: Framing) -> np.ndarray:
        asked.append(len(pictures))
        return np.zeros((len(pictures), BYTES), np.uint8)

    monkeypatch.setattr("smearlab.inference.outlines.outlines", counted)
    picture = np.zeros((4, 4, 3), np.uint8)
    assert share_known([picture] * (3 * ASKED), FRAMING, np.zeros((1, BYTES), np.uint8)) == 0
    assert asked == [ASKED]
    assert share_known([], FRAMING, np.zeros((1, BYTES), np.uint8)) == 0


def test_real_cells_stand_far_apart(pbc_path: Path) -> None:
    """Copies of one cell are the only ones whose outlines differ in 45 bits or fewer."""
    cells = read(pbc_path)
    cells = cells.take(np.arange(0, len(cells), 4))
    bits = np.unpackbits(outlines(cells.images, FRAMING), axis=1).astype(np.float32) * 2 - 1
    differ = (256 - bits @ bits.T) / 2
    np.fill_diagonal(differ, 256)
    assert np.isin(differ, np.arange(31, 46)).sum() == 0
    assert (differ.min(axis=1) <= 30).mean() < 0.01
    again = outlines([saved_again(picture) for picture in cells.images[:500]], FRAMING)
    assert known_again(again, outlines(cells.images[:500], FRAMING)).mean() >= 0.75


def test_outlines_are_read_with_the_model() -> None:
    known = np.arange(64, dtype=np.uint8).reshape(2, BYTES)
    trust = parse_trust({**tiny_trust(), "training_outlines": known}, "trust.safetensors")
    assert trust.training_outlines is not None
    np.testing.assert_array_equal(trust.training_outlines, known)
    assert parse_trust({**tiny_trust()}, "trust.safetensors").training_outlines is None


@pytest.mark.parametrize("wrong", [np.zeros((2, 31), np.uint8), np.zeros(32, np.uint8), np.zeros((2, 32), np.float32)])
def test_damaged_outlines_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ModelError, match="training_outlines"):
        parse_trust({**tiny_trust(), "training_outlines": wrong}, "trust.safetensors")
