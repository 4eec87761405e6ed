"""Cleaned copies: from every form into every form, and the original as it was."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.audit.collections import CLASSES, write_folder, write_list, write_medmnist, write_npz, write_parquet

from smearlab.audit.apply import apply_manifest
from smearlab.audit.manifest import Decision, Manifest, sources_and_labels
from smearlab.data.cells import SPLIT_PARTS, Cells
from smearlab.data.read import read
from smearlab.errors import DataError

SOURCES = ("cells", "cells.npz", "cells.parquet", "cells.csv", "medmnist.npz")
TARGETS = ("clean", "clean.npz", "clean.parquet", "clean.csv")
DROPPED, RELABELLED = (0, 4), 7


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = write_folder(Path("cells"))
    write_npz(Path("cells.npz"))
    write_medmnist(Path("medmnist.npz"))
    write_parquet(Path("cells.parquet"), folder)
    write_list(Path("cells.csv"), folder)


def manifest_of(data: str) -> Manifest:
    """Drop two rows and give one the other label."""
    decisions = []
    for row, (source, label) in enumerate(sources_and_labels(read(data))):
        other = CLASSES[1 - CLASSES.index(label)]
        action = "drop" if row in DROPPED else "relabel" if row == RELABELLED else "keep"
        decisions.append(Decision(row, source, action, other if action == "relabel" else label))  # type: ignore[arg-type]
    return Manifest(tuple(decisions))


def seen(cells: Cells) -> list[tuple[str, str]]:
    """The pictures by their pixels, with their classes, in no order."""
    names = [cells.class_names[label] for label in cells.known_labels]
    return sorted(
        (hashlib.sha256(picture.tobytes()).hexdigest(), name) for picture, name in zip(cells, names, strict=True)
    )


def expected(data: str) -> list[tuple[str, str]]:
    cells, manifest = read(data), manifest_of(data)
    kept = [one for one in manifest if one.action != "drop"]
    return sorted((hashlib.sha256(cells.images[one.row].tobytes()).hexdigest(), one.label) for one in kept)


def files_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("target", TARGETS)
def test_every_form_into_every_form(source: str, target: str) -> None:
    before = files_below(Path())
    done = apply_manifest(source, manifest_of(source), target)
    assert (done.written, done.dropped, done.relabelled) == (8, 2, 1)
    assert seen(read(target)) == expected(source)
    after = files_below(Path())
    assert {name: after.get(name) for name in before} == before
    assert not list(Path().glob(".tmp-*"))


def test_files_are_copied_byte_for_byte_and_relabelled_ones_move() -> None:
    apply_manifest("cells", manifest_of("cells"), "clean")
    original, copied = files_below(Path("cells")), files_below(Path("clean"))
    moved = "neutrophil/2.jpg"
    kept = {name: data for name, data in original.items() if name not in ("monocyte/0.png", "monocyte/4.png", moved)}
    assert {name: copied[name] for name in kept} == kept
    (name,) = set(copied) - set(kept)
    assert copied[name] == original[moved]
    assert name.startswith("monocyte/")
    assert name.endswith(".jpg")


def test_a_relabelled_file_writes_over_no_other() -> None:
    Path("cells/neutrophil/0.png").write_bytes(Path("cells/monocyte/2.png").read_bytes())
    rows = {str(source): row for row, source in enumerate(read("cells").sources)}
    moved = rows["neutrophil/0.png"]
    decisions = [
        Decision(row, source, "relabel" if row == moved else "keep", "monocyte" if row == moved else label)
        for row, (source, label) in enumerate(sources_and_labels(read("cells")))
    ]
    apply_manifest("cells", Manifest(tuple(decisions)), "clean")
    copied = files_below(Path("clean"))
    assert copied["monocyte/0.png"] == Path("cells/monocyte/0.png").read_bytes()
    assert copied[f"monocyte/0_row{moved}.png"] == Path("cells/monocyte/2.png").read_bytes()


def test_encoded_pictures_stay_as_they_are() -> None:
    apply_manifest("cells.parquet", manifest_of("cells.parquet"), "clean.parquet")
    before, after = pq.read_table("cells.parquet"), pq.read_table("clean.parquet")
    assert after.schema.equals(before.schema, check_metadata=True)
    kept = [row for row in range(10) if row not in DROPPED]
    assert after.column("image").to_pylist() == before.take(kept).column("image").to_pylist()
    assert after.column("patient").to_pylist() == before.take(kept).column("patient").to_pylist()
    apply_manifest("cells.parquet", manifest_of("cells.parquet"), "clean")
    written = set(files_below(Path("clean")).values())
    assert written == {image["bytes"] for image in after.column("image").to_pylist()}


def test_a_list_keeps_its_columns_and_points_at_the_original_files() -> None:
    Path("lists").mkdir()
    apply_manifest("cells.csv", manifest_of("cells.csv"), "lists/clean.csv")
    lines = Path("lists/clean.csv").read_text().splitlines()
    assert lines[0] == "path,label,slide,remark"
    assert lines[1] == "../cells/monocyte/1.jpg,monocyte,s1,mine"
    assert not Path("lists/clean_pictures").exists()
    assert seen(read("lists/clean.csv")) == expected("cells.csv")


def test_the_layout_of_an_archive_is_kept() -> None:
    apply_manifest("cells.npz", manifest_of("cells.npz"), "clean.npz")
    with np.load("clean.npz") as arrays:
        assert (arrays["images"].shape, arrays["labels"].shape, arrays["labels"].dtype) == (
            (8, 16, 16, 3),
            (8, 1),
            np.uint8,
        )
    apply_manifest("medmnist.npz", manifest_of("medmnist.npz"), "parts.npz")
    with np.load("parts.npz") as arrays:
        assert [len(arrays[f"{part}_images"]) for part in ("train", "val", "test")] == [4, 2, 2]


@pytest.mark.parametrize("target", ["clean", "clean.parquet", "clean.csv"])
def test_the_split_goes_along(target: str) -> None:
    apply_manifest("medmnist.npz", manifest_of("medmnist.npz"), target)
    parts = read(target).parts
    assert parts is not None
    assert {name: (parts == name).sum() for name in SPLIT_PARTS} == {"train": 4, "validation": 2, "test": 2}


@pytest.mark.parametrize("target", ["clean.parquet", "clean.csv"])
def test_groups_go_along(target: str) -> None:
    done = apply_manifest("cells.parquet", manifest_of("cells.parquet"), target)
    groups = read(target).groups
    assert groups is not None
    assert set(groups.tolist()) == {"p0", "p1", "p2"}
    assert done.notes == ()


def test_what_has_no_place_is_told() -> None:
    done = apply_manifest("cells.parquet", manifest_of("cells.parquet"), "clean.npz")
    assert any("Groups" in note for note in done.notes)


def test_a_damaged_file_that_is_kept_is_copied_where_there_is_a_place() -> None:
    Path("cells/monocyte/1.jpg").write_bytes(b"damaged")
    cells = read("cells", tolerate_unreadable=True)
    kept = Manifest(tuple(Decision(row, source) for row, (source, _) in enumerate(sources_and_labels(cells))))
    assert apply_manifest("cells", kept, "clean").written == 10
    assert Path("clean/monocyte/1.jpg").read_bytes() == b"damaged"
    done = apply_manifest("cells", kept, "clean.npz")
    assert done.written == 9
    assert "1 picture that cannot be decoded" in done.notes[0]


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("cells.npz", "exists already"),
        ("cells", "exists already"),
        ("cells/clean", "lies in the data itself"),
        ("clean.npy", r"nothing can be written as \.npy\. Did you mean '\.npz'"),
        ("clean.zip", r"nothing can be written as \.zip"),
    ],
)
def test_nothing_is_written_over(target: str, told: str) -> None:
    before = files_below(Path())
    with pytest.raises(DataError, match=told):
        apply_manifest("cells", manifest_of("cells"), target)
    assert files_below(Path()) == before


def test_a_manifest_of_other_data_is_refused_before_anything_is_written() -> None:
    with pytest.raises(DataError, match="audit this data anew"):
        apply_manifest("cells", manifest_of("cells.npz"), "clean")
    assert not Path("clean").exists()


def test_mixed_sizes_have_no_place_in_an_archive() -> None:
    from PIL import Image

    Image.new("RGB", (20, 30)).save("cells/monocyte/5.png")
    with pytest.raises(DataError, match="2 sizes"):
        apply_manifest("cells", manifest_of("cells"), "clean.npz")
    assert not Path("clean.npz").exists()


@pytest.mark.slow
def test_the_demo_can_be_cleaned_too() -> None:
    from smearlab.data.demo import demo_cells

    cells = demo_cells()
    keep = {0, 1, 2, 400, 401}
    decisions = (
        Decision(row, source, "keep" if row in keep else "drop") for row, source in enumerate(cells.sources.tolist())
    )
    assert apply_manifest("demo", Manifest(tuple(decisions)), "clean").written == 5
