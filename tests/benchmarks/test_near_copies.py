"""The benchmark of near copies counts what it planted, and names what was joined wrongly."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.near_copies import HARDER, WAYS, apart, measure, report, unlabelled
from PIL import Image
from tests.data.alterations import stained_cells

from benchmarks import near_copies


@pytest.mark.parametrize("name", WAYS)
def test_every_way_alters_and_keeps_what_an_array_needs(name: str) -> None:
    picture = stained_cells(1)[0]
    altered = WAYS[name](picture, np.random.default_rng(0))
    assert altered.dtype == np.uint8
    assert altered.ndim == 3
    assert altered.shape != picture.shape or (altered != picture).any()


def test_planted_copies_are_counted_and_reported() -> None:
    cells = unlabelled(stained_cells(30))
    found = measure(cells, 5, ways={"flipped": WAYS["flipped"], "stored at 28 px": HARDER["stored at 28 px"]})
    assert found.ways == ("flipped",) * 5 + ("stored at 28 px",) * 5
    assert found.joined[:5].all()
    assert (found.scores[:5] > 0.9).all()
    assert found.wrong == ()
    assert "| flipped | 5 | 1.000 |" in report(found, 30, {})


def test_pictures_joined_wrongly_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A way that shows another cell is wrong however sure the search is."""
    other = stained_cells(31)[30]
    shown = iter((other, other[:, ::-1].copy()))
    found = measure(unlabelled(stained_cells(30)), 2, ways={"exchanged": lambda picture, rng: next(shown)})
    assert len(found.wrong) == 2
    assert not found.joined.any()


def test_fields_of_one_frame_are_copies_until_they_lie_too_far_apart() -> None:
    frames = np.full((4, 360, 360, 3), (250, 228, 200), dtype=np.uint8)
    for frame, picture in zip(frames, stained_cells(4), strict=True):
        frame[80:280, 80:280] = np.asarray(Image.fromarray(picture).resize((200, 200)))
    assert apart(unlabelled(frames), 4) == 1
    assert apart(unlabelled(frames), 80) < 1


def test_the_page_has_the_section_that_is_written() -> None:
    text = near_copies.PAGE.read_text(encoding="utf-8")
    assert text.count(f"## {near_copies.SECTION}\n\n{near_copies.WRITTEN}") == 1
