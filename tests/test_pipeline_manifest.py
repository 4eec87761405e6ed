"""Training with a manifest: pictures dropped and relabelled before anything else, on resuming too."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from tests.test_pipeline import RECIPE, write_cells

from smearlab.audit.manifest import Decision, Manifest, sources_and_labels
from smearlab.data.read import read
from smearlab.errors import DataError, TrainingError
from smearlab.pipeline import choose_manifest, run
from smearlab.training.run_folder import Run


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def keep_all(folder: str = "cells") -> list[Decision]:
    cells = read(folder, tolerate_unreadable=True)
    return [Decision(row, source) for row, (source, _) in enumerate(sources_and_labels(cells))]


@pytest.fixture
def manifest() -> Path:
    """Drop the unreadable picture and the copy, give one another class."""
    write_cells(Path("cells"))
    changed = {"IG/99.png": ("drop", ""), "monocyte/bad.png": ("drop", ""), "Basophils/00.png": ("relabel", "monocyte")}
    decisions = [
        Decision(one.row, one.source, *changed.get(one.source, ("keep", "")))  # type: ignore[arg-type]
        for one in keep_all()
    ]
    Manifest(tuple(decisions)).write(Path("mine.csv"))
    return Path("mine.csv")


def started(manifest: Manifest | None) -> Run:
    """A run folder as it is while the training goes on."""
    folder = Run(Path("started"))
    folder.path.mkdir()
    folder.recipe.write_text(RECIPE)
    if manifest is not None:
        manifest.write(folder.manifest)
    return folder


def test_a_run_goes_on_with_its_own_manifest(manifest: Path) -> None:
    own = Manifest.read(manifest)
    folder = started(own)
    for given in (None, manifest):
        chosen = choose_manifest(given, folder)
        assert chosen is not None
        assert chosen.decides_like(own)


def test_a_run_does_not_change_its_manifest(manifest: Path) -> None:
    Manifest(tuple(keep_all())).write(Path("other.csv"))
    with pytest.raises(TrainingError, match="started with another manifest"):
        choose_manifest("other.csv", started(Manifest.read(manifest)))


def test_a_run_without_one_takes_none_later(manifest: Path) -> None:
    folder = started(None)
    assert choose_manifest(None, folder) is None
    with pytest.raises(TrainingError, match="started with no manifest"):
        choose_manifest(manifest, folder)


def test_a_manifest_of_other_data_stops_before_the_training(manifest: Path) -> None:
    Path("small.toml").write_text(RECIPE)
    Path("cells/IG/99.png").rename("cells/IG/98.png")
    with pytest.raises(DataError, match=r"mine\.csv, line .*'IG/99\.png' here but 'IG/98\.png'"):
        run("cells", recipe="small.toml", out="out", manifest="mine.csv")
    assert not Path("out").exists()


def test_what_is_dropped_is_in_no_part_and_what_is_relabelled_has_its_new_class(manifest: Path) -> None:
    Path("small.toml").write_text(RECIPE)
    folder = run("cells", recipe="small.toml", out="out", manifest=manifest, overrides=["phases.0.epochs=1"])
    with folder.predictions.open(newline="") as file:
        lines = {line["source"]: line for line in csv.DictReader(file)}
    assert len(lines) == 45
    assert not {"IG/99.png", "monocyte/bad.png"} & lines.keys()
    assert lines["Basophils/00.png"]["true_label"] == "monocyte"
    assert lines["monocyte/14.png"]["row"] == "45"
    assert Manifest.read(folder.manifest).decides_like(Manifest.read(manifest))
    assert "2 of 47 pictures are dropped and 1 is relabelled" in folder.report.read_text()
