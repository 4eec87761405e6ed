"""Cells through a manifest: dropped, relabelled, and nothing else changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.audit.collections import write_folder

from smearlab.audit.cleaned import clean, read_cleaned
from smearlab.audit.manifest import Decision, Manifest
from smearlab.data.cells import Cells, Unreadable
from smearlab.data.read import read
from smearlab.errors import DataError


def manifest_of(cells: Cells, **changes: tuple[str, str]) -> Manifest:
    """Keep all rows but some: ``row_3=("drop", "")``."""
    decisions = []
    sources = {**dict(zip(cells.rows.tolist(), cells.sources.tolist(), strict=True))}
    sources |= {one.row: one.source for one in cells.unreadable}
    for row in sorted(sources):
        action, label = changes.get(f"row_{row}", ("keep", ""))
        decisions.append(Decision(row, sources[row], action, label))  # type: ignore[arg-type]
    return Manifest(tuple(decisions))


def test_rows_are_dropped_and_relabelled(tiny_cells: Cells) -> None:
    kept = clean(tiny_cells, manifest_of(tiny_cells, row_0=("drop", ""), row_2=("relabel", "monocyte")))
    assert len(kept) == 47
    assert kept.rows.tolist() == list(range(1, 48))
    assert kept.class_names[kept.known_labels[1]] == "monocyte"
    np.testing.assert_array_equal(kept.images[0], tiny_cells.images[1])
    assert tiny_cells.known_labels[2] == 0
    assert any("1 of 48 pictures is dropped and 1 is relabelled" in note for note in kept.notes)


def test_a_class_without_pictures_is_gone(tiny_cells: Cells) -> None:
    unreadable = (Unreadable(48, "x.png", 1, "damaged"), Unreadable(49, "y.png", 7, "damaged"))
    cells = replace(tiny_cells, unreadable=unreadable)
    everything_of_one = {f"row_{row}": ("drop", "") for row in range(6, 12)}
    kept = clean(cells, manifest_of(cells, **everything_of_one))
    assert len(kept.class_names) == 7
    names = np.array(kept.class_names)[kept.known_labels].tolist()
    assert names == [
        tiny_cells.class_names[label] for row, label in enumerate(tiny_cells.known_labels) if not 6 <= row < 12
    ]
    assert [one.label for one in kept.unreadable] == [-1, 6]


def test_nothing_left_is_refused(tiny_cells: Cells) -> None:
    with pytest.raises(DataError, match="keeps no picture"):
        clean(tiny_cells, manifest_of(tiny_cells, **{f"row_{row}": ("drop", "") for row in range(48)}))


def test_one_class_is_too_few_to_train(tiny_cells: Cells) -> None:
    one_class = manifest_of(tiny_cells, **{f"row_{row}": ("drop", "") for row in range(6, 48)})
    with pytest.raises(DataError, match="too few classes"):
        read_cleaned(tiny_cells, one_class)


def test_unreadable_pictures_that_are_dropped_stop_nothing(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "cells")
    for name in ("0", "1", "2"):
        (folder / "monocyte" / f"{name}.png").write_bytes(b"damaged")
    cells = read(folder, tolerate_unreadable=True)
    kept = manifest_of(cells)
    with pytest.raises(DataError, match=r"3 pictures that manifest\.csv keeps cannot be read"):
        read_cleaned(folder, kept)
    assert len(read_cleaned(folder, kept, tolerate_unreadable=True)) == len(cells)
    without = manifest_of(cells, **{f"row_{one.row}": ("drop", "") for one in cells.unreadable})
    assert read_cleaned(folder, without).unreadable == ()
