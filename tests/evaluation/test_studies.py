"""A study from pictures to page: what it writes, that it goes on after a stop, and that its figures are right."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.evaluation.study_cells import SMOKE, TINY, study_cells
from tests.report.html_reader import read_html

from smearlab.data.cells import Cells
from smearlab.errors import DataError, TrainingInterrupted
from smearlab.evaluation.studies import catalogue, runner
from smearlab.evaluation.studies import study as module
from smearlab.evaluation.studies.folder import StudyFolder
from smearlab.evaluation.studies.material import Material
from smearlab.evaluation.studies.outcome import Outcome
from smearlab.evaluation.studies.plan import Cell, Study, Task
from smearlab.evaluation.studies.study import StudyOptions, fitting_scale, printed, run_study, twins_of_reference
from smearlab.evaluation.studies.trained import do_task

OPTIONS = StudyOptions("smoke", jobs=1)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue.STUDIES, "tiny", lambda: TINY)
    monkeypatch.setattr(module, "_precision", lambda *_: "float32")


@pytest.fixture(scope="module")
def cells() -> Cells:
    return study_cells()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, cells: Cells) -> tuple[Path, Outcome]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalogue.STUDIES, "tiny", lambda: TINY)
        patch.setattr(module, "_precision", lambda *_: "float32")
        folder = tmp_path_factory.mktemp("studies") / "tiny"
        return folder, run_study("tiny", cells, folder, StudyOptions("smoke", seeds=2, jobs=1))


def test_it_leaves_tables_a_page_and_the_answers(done: tuple[Path, Outcome]) -> None:
    folder, _ = done
    assert {path.name for path in folder.iterdir()} == {"plan.json", "cells", "study.csv", "study.json", "report.html"}
    names = {path.name for path in (folder / "cells").iterdir()}
    assert names == {f"{cell}.{seed}.{end}" for cell in ("flips", "bare") for seed in (1, 2) for end in ("json", "npz")}


def test_the_tables_hold_the_figures(done: tuple[Path, Outcome]) -> None:
    folder, outcome = done
    rows = list(csv.DictReader((folder / "study.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == len(json.loads((folder / "study.json").read_text(encoding="utf-8"))["rows"])
    found = {(row["cell"], row["figure"]): row for row in rows}
    for row in outcome.rows:
        assert float(found[row.cell.name, "clean"]["value"]) == pytest.approx(row.figures["clean"].value, abs=1e-6)
        assert found[row.cell.name, "clean"]["runs"] == "2"
    assert found["flips", "clean"]["difference_value"] == ""
    bare, flips = (float(found[name, "altered"]["value"]) for name in ("bare", "flips"))
    assert float(found["bare", "altered"]["difference_value"]) == pytest.approx(bare - flips, abs=2e-6)


def test_figures_are_means_over_trainings_of_the_answers(done: tuple[Path, Outcome]) -> None:
    folder, outcome = done
    clean = [np.load(folder / "cells" / f"bare.{seed}.npz")["clean"] for seed in (1, 2)]
    row = next(row for row in outcome.rows if row.cell.name == "bare")
    # The pool has as many pictures of each class, so that accuracy is balanced.
    assert row.figures["clean"].value == pytest.approx(np.mean(clean))
    assert row.figures["clean"].low <= row.figures["clean"].value <= row.figures["clean"].high
    suites = [row.figures[name].value for name in ("bloodmnist-c", "imagenet-c", "microscope")]
    assert row.figures["altered"].value == pytest.approx(np.mean(suites))


def test_it_learns_something(done: tuple[Path, Outcome]) -> None:
    assert max(row.figures["clean"].value for row in done[1].rows) > 0.3  # chance is 0.125


def test_families_not_trained_on_stand_apart(done: tuple[Path, Outcome]) -> None:
    flips, bare = done[1].rows
    assert "seen families" not in bare.figures
    assert bare.figures["unseen families"].value > 0
    assert "seen families" not in flips.figures or flips.figures["seen families"].value > 0


def test_the_page_shows_every_recipe_and_asks_for_nothing(done: tuple[Path, Outcome]) -> None:
    folder, _ = done
    html = (folder / "report.html").read_text(encoding="utf-8")
    page = read_html(html)
    assert not page.unclosed
    assert not page.mismatched
    headings = {element.text for element in page.all("th")}
    assert {"flips", "bare"} <= headings
    assert "http-equiv" in html
    assert len(page.all("svg")) >= 3


def test_the_printed_table_has_a_line_for_each_recipe(done: tuple[Path, Outcome]) -> None:
    lines = printed(done[1]).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["flips", "bare"]
    assert "against flips" in lines[0]


class Watch:
    """Notes which tasks are begun, and stops the study when the last of those allowed is done."""

    def __init__(self, allowed: int = 99) -> None:
        self.begun: list[str] = []
        self.allowed = allowed

    def __call__(self, folder: StudyFolder, material: Material, task: Task, *, keep_model: bool) -> None:
        self.begun.append(task.stem)
        if len(self.begun) > self.allowed:
            self.allowed = 99
            raise KeyboardInterrupt
        do_task(folder, material, task, keep_model=keep_model)


def test_a_stopped_study_goes_on_where_it_was(cells: Cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(1)
    monkeypatch.setattr(runner, "do_task", watch)
    with pytest.raises(TrainingInterrupted, match="Stopped with 1 of 2 cells done"):
        run_study("tiny", cells, tmp_path / "out", OPTIONS)
    kept = (tmp_path / "out" / "cells" / "flips.1.npz").stat().st_mtime_ns
    outcome = run_study("tiny", cells, tmp_path / "out", OPTIONS)
    assert watch.begun == ["flips.1", "bare.1", "bare.1"]
    assert (tmp_path / "out" / "cells" / "flips.1.npz").stat().st_mtime_ns == kept
    assert len(outcome.rows) == 2


@pytest.mark.slow
def test_a_finished_study_takes_further_cells_and_seeds(
    cells: Cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_study("tiny", cells, tmp_path / "out", StudyOptions("smoke", jobs=1, only=("bare",)))
    watch = Watch()
    monkeypatch.setattr(runner, "do_task", watch)
    outcome = run_study("tiny", cells, tmp_path / "out", StudyOptions("smoke", seeds=2, jobs=1, only=("late",)))
    assert watch.begun == ["late.1", "flips.2", "late.2"]
    assert [row.cell.name for row in outcome.rows] == ["flips", "late"]


def test_a_changed_cell_is_done_anew(cells: Cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_study("tiny", cells, tmp_path / "out", OPTIONS)
    changed = Study(
        *(TINY.name, TINY.title, TINY.description, TINY.reference),
        (TINY.cells[0], Cell("bare", "bare", "Policies", ("augment.policy=none", "ema.decay=0.3"))),
        TINY.base,
    )
    monkeypatch.setitem(catalogue.STUDIES, "tiny", lambda: changed)
    watch = Watch()
    monkeypatch.setattr(runner, "do_task", watch)
    run_study("tiny", cells, tmp_path / "out", OPTIONS)
    assert watch.begun == ["bare.1"]


@pytest.mark.slow
def test_networks_of_other_cells_are_asked_and_joined_in_every_way(
    cells: Cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = ("usual", "other")
    asking = Study(
        *("tiny", "Asking", "", "usual"),
        (
            Cell("tta", "turned", "", of=("usual",), how="flipped"),
            Cell("fitted", "fitted", "", of=("usual",), how="adapted"),
            Cell("both", "both", "", of=both, how="ensemble"),
            Cell("soup", "soup", "", of=both, how="soup"),
            Cell("pupil", "pupil", "", ("augment.policy=flips",), of=both, how="distilled"),
            Cell("usual", "usual", "", ("augment.policy=flips",)),
            Cell("other", "other", "", ("augment.policy=none",)),
        ),
        TINY.base,
    )
    monkeypatch.setitem(catalogue.STUDIES, "tiny", lambda: asking)
    outcome = run_study("tiny", cells, tmp_path / "out", OPTIONS)
    assert [row.cell.name for row in outcome.rows] == [cell.name for cell in asking.cells]
    assert {path.name for path in (tmp_path / "out" / "networks").iterdir()} == {"usual.1", "other.1"}
    answers = {name: np.load(tmp_path / "out" / "cells" / f"{name}.1.npz")["altered"] for name in ("usual", "tta")}
    assert (answers["usual"] == answers["tta"]).mean() > 0.5
    assert not (answers["usual"] == answers["tta"]).all()


def test_a_cell_that_is_the_reference_again_is_found() -> None:
    policies = catalogue.find_study("policies")
    assert twins_of_reference(policies, policies.cells, SMOKE, "quick") == {"ours_third"}
    # The recipe robust sets another density, at which another cell says nothing.
    assert twins_of_reference(policies, policies.cells, fitting_scale(SMOKE, "robust"), "robust") == {"ours_dense"}


def test_a_twin_that_others_rest_on_stays() -> None:
    twin = Cell("twin", "twin", "Policies", TINY.cells[0].overrides)
    both = Cell("both", "both", "Policies", of=("flips", "twin"), how="ensemble")
    assert twins_of_reference(TINY, [TINY.cells[0], twin], SMOKE, "quick") == {"twin"}
    assert twins_of_reference(TINY, [TINY.cells[0], twin, both], SMOKE, "quick") == set()


def test_a_twin_is_left_out_and_told(
    done: tuple[Path, Outcome], cells: Cells, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, outcome = done
    twin = Cell("twin", "twin", "Policies", TINY.cells[0].overrides)
    monkeypatch.setitem(catalogue.STUDIES, "tiny", lambda: replace(TINY, cells=(*TINY.cells, twin)))
    again = run_study("tiny", cells, folder, StudyOptions("smoke", seeds=2, jobs=1))
    assert [row.cell.name for row in again.rows] == [row.cell.name for row in outcome.rows]
    assert "twin is left out: with this recipe it is flips itself.\n" in capsys.readouterr().err


def test_a_network_that_has_no_such_option_is_not_made_narrow() -> None:
    smoke = catalogue.find_scale("smoke")
    assert any("channels" in value for value in smoke.overrides)
    assert fitting_scale(smoke, "quick") == smoke
    fitted = fitting_scale(smoke, "robust")
    assert fitted.overrides == tuple(value for value in smoke.overrides if "channels" not in value)


class TestMistakes:
    def test_another_study_is_not_gone_on_with(self, done: tuple[Path, Outcome], cells: Cells) -> None:
        with pytest.raises(DataError, match="holds the study 'tiny' at scale smoke"):
            run_study("tiny", cells, done[0], StudyOptions("small"))

    def test_a_folder_of_something_else_is_left_alone(self, cells: Cells, tmp_path: Path) -> None:
        (tmp_path / "letter.txt").write_text("dear")
        with pytest.raises(DataError, match=r"letter\.txt"):
            run_study("tiny", cells, tmp_path, OPTIONS)

    def test_a_file_is_no_folder(self, cells: Cells, tmp_path: Path) -> None:
        (tmp_path / "letter.txt").write_text("dear")
        with pytest.raises(DataError, match="is a file"):
            run_study("tiny", cells, tmp_path / "letter.txt", OPTIONS)

    def test_a_damaged_plan_is_told(self, cells: Cells, tmp_path: Path) -> None:
        (tmp_path / "plan.json").write_text("{}")
        with pytest.raises(DataError, match=r"plan\.json cannot be read"):
            run_study("tiny", cells, tmp_path, OPTIONS)

    def test_no_seeds_is_no_study(self, cells: Cells, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="--seeds 0"):
            run_study("tiny", cells, tmp_path / "out", StudyOptions("smoke", seeds=0))
