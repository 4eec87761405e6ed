"""The description of a whole collection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pytest

from smearlab import errors
from smearlab.audit.describe import describe_collection
from smearlab.audit.features import Described
from smearlab.audit.findings import Finding, Findings
from smearlab.data.cells import Cells


@dataclass(frozen=True)
class Seen:
    features: np.ndarray


@pytest.fixture
def seen(tiny_cells: Cells) -> Any:
    rng = np.random.default_rng(0)
    return Seen(np.eye(8, dtype=np.float32)[tiny_cells.known_labels] * 5 + rng.normal(0, 0.1, (48, 8)))


def test_all_of_it(tiny_cells: Cells, seen: Any) -> None:
    groups = np.repeat(["slide1", "slide2"], 24)
    findings = Findings.of([Finding(3, "x", "off_topic", 1.0)])
    found = describe_collection(replace(tiny_cells, groups=groups), seen, findings)
    assert [one.name for one in found.by_source] == ["slide1", "slide2"]
    assert len(found.by_class) == len(found.groups) == 8
    assert [one.name for one in found.maps] == ["PCA", "t-SNE"]
    assert found.balance is not None
    assert found.balance.ratio == 1
    assert "1 picture (2.1%) has at least one finding." in found.notes


def test_quick_needs_no_scikit_learn(tiny_cells: Cells, seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "find_spec", lambda name: None)
    quick = describe_collection(tiny_cells, seen, Findings(), quick=True)
    assert [one.name for one in quick.maps] == ["PCA"]
    assert quick.notes == ("Nothing was found in any picture.",)
    full = describe_collection(tiny_cells, seen, Findings())
    assert any("smearlab[train]" in note for note in full.notes)


def test_junk_is_a_group_and_no_smear(tiny_cells: Cells, seen: Any) -> None:
    images = np.full((48, 24, 24, 3), 230, np.uint8)
    images[42:] = (120, 200, 90)
    cells = replace(tiny_cells, images=images, rows=tiny_cells.rows + 7)
    plain = describe_collection(cells, seen, Findings())
    assert [smear.rows for smear in plain.smears] == [list(range(49, 55))]
    findings = Findings.of(Finding(row, "x", "off_topic", 1.0) for row in range(49, 55))
    found = describe_collection(cells, seen, findings)
    assert found.smears == ()
    (junk,) = [group for group in found.groups if group.note == "Mostly pictures with findings (100%)."]
    assert sorted(junk.typical) == list(range(42, 48))


def test_unlabelled_few_and_no_pictures(tiny_cells: Cells) -> None:
    for count in (0, 1, 3, 6):
        cells = replace(tiny_cells.take(range(count)), labels=None, class_names=())
        found: Any = describe_collection(cells, cast(Described, Seen(np.zeros((count, 4)))), Findings())
        assert found.balance is None
        assert found.by_class == ()
        assert len(found.maps) == (2 if count >= 5 else 0)


def test_imbalance_and_outlying_sources_are_put_into_words(tiny_cells: Cells, seen: Any) -> None:
    images = np.array(tiny_cells.images)
    images[-8:] = 255 - images[-8:] // 4
    groups = np.array(["slide1"] * 40 + ["slide2"] * 8)
    labels = np.where(np.arange(48) % 4 == 0, 1, 0).astype(np.int64)
    cells = replace(tiny_cells, images=images, groups=groups, labels=labels)
    notes = " ".join(describe_collection(cells, seen, Findings(), quick=True).notes)
    assert "The largest class, basophil, has 3.0 times the pictures of the smallest, eosinophil" in notes
    assert "slide2 (8 pictures) looks unlike all other sources" in notes
