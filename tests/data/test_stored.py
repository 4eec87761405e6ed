from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from smearlab.data.cells import PictureView
from smearlab.data.forms.base import Content, Entry, Labelling, RawLabel
from smearlab.data.stored import MappedPictures, open_stored, store
from smearlab.errors import DataError, UnreadableError


@dataclass
class ListForm:
    """Entries given one by one."""

    listed: list[Entry]
    about: Labelling = field(default_factory=Labelling)
    name: str = "listed"

    def files(self) -> Sequence[tuple[str, Path]]:
        return []

    def labelling(self) -> Labelling:
        return self.about

    def entries(self) -> Iterator[Entry]:
        return iter(self.listed)


def picture(height: int, width: int, value: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.arange(value, value + height * width * 3, dtype=np.uint8).reshape(height, width, 3)


def form(*contents: Content, labels: Sequence[RawLabel] = ()) -> ListForm:
    named = list(labels) or [None] * len(contents)
    return ListForm([Entry(row, f"{row}.png", content, named[row]) for row, content in enumerate(contents)])


def test_pictures_of_one_size_are_one_read_only_map(tmp_path: Path) -> None:
    pictures = [picture(3, 4, value) for value in (1, 50, 99)]
    store(form(*pictures), tmp_path)
    images = open_stored(tmp_path).images
    assert isinstance(images, np.memmap)
    assert np.array_equal(images, np.stack(pictures))
    with pytest.raises(ValueError, match="read-only"):
        images[0, 0, 0, 0] = 1


def test_pictures_of_mixed_sizes_are_looked_up(tmp_path: Path) -> None:
    pictures = [picture(3, 4, 1), picture(4, 3, 7), picture(1, 1, 3), picture(90, 2, 3)]
    store(form(*pictures), tmp_path)
    images = open_stored(tmp_path).images
    assert isinstance(images, MappedPictures)
    assert len(images) == 4
    assert all(np.array_equal(mapped, given) for mapped, given in zip(images, pictures, strict=True))
    assert np.array_equal(images[-1], pictures[-1])
    assert not images[0].flags.writeable
    view = images[1:3]
    assert isinstance(view, PictureView)
    assert np.array_equal(view[1], pictures[2])
    with pytest.raises(IndexError):
        images[4]


def test_unreadable_rows_keep_their_place(tmp_path: Path) -> None:
    bad = UnreadableError("the file is truncated")
    store(form(picture(2, 2, 0), bad, picture(2, 2, 9), labels=["a", "b", "a"]), tmp_path)
    stored = open_stored(tmp_path)
    assert stored.readable.tolist() == [True, False, True]
    assert stored.reasons.tolist() == ["", "the file is truncated", ""]
    assert stored.sources.tolist() == ["0.png", "1.png", "2.png"]
    assert len(stored.images) == 2
    assert np.array_equal(stored.images[1], picture(2, 2, 9))
    assert [stored.labels.values[code] for code in stored.labels.codes] == ["a", "b", "a"]


def test_all_rows_may_be_unreadable(tmp_path: Path) -> None:
    store(form(UnreadableError("x")), tmp_path)
    assert len(open_stored(tmp_path).images) == 0


def test_labels_of_any_kind_come_back(tmp_path: Path) -> None:
    labels: list[RawLabel] = [1, 1.5, "1", None, -3, float("nan"), float("nan"), "Ä", 1]
    store(form(*[picture(1, 1, 0)] * len(labels), labels=labels), tmp_path)
    raw = open_stored(tmp_path).labels
    assert [repr(raw.values[code]) for code in raw.codes] == [repr(label) for label in labels]
    assert len(raw.values) == 7


def test_groups_parts_and_labelling_come_back(tmp_path: Path) -> None:
    given = form(picture(1, 1, 0), picture(1, 1, 1))
    given.listed[1] = Entry(1, "é.png", picture(1, 1, 1), 0, "patient 7", "val")
    given.about = Labelling(("b", "a"), "a fault")
    store(given, tmp_path)
    stored = open_stored(tmp_path)
    assert stored.groups.tolist() == ["", "patient 7"]
    assert stored.parts.tolist() == ["", "val"]
    assert stored.sources[1] == "é.png"
    assert stored.labels.declared == ("b", "a")
    assert stored.fault == "a fault"


def test_pictures_that_are_not_contiguous_are_written_as_seen(tmp_path: Path) -> None:
    turned = picture(3, 5, 0)[::-1].transpose(1, 0, 2)
    store(form(turned), tmp_path)
    assert np.array_equal(open_stored(tmp_path).images[0], turned)


def test_nothing_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no pictures"):
        store(form(), tmp_path)
