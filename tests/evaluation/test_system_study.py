"""A study of systems from pictures to page: rows that run, rows that cannot, rows that fail, and going on."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.evaluation.study_cells import study_cells
from tests.report.html_reader import read_html

from smearlab.data.cells import Cells
from smearlab.errors import DataError, SmearlabError, TrainingInterrupted
from smearlab.evaluation.studies import catalogue, needs, runner, system_study
from smearlab.evaluation.studies import systems as planning
from smearlab.evaluation.studies.command import StudyCall, run_command
from smearlab.evaluation.studies.folder import StudyFolder
from smearlab.evaluation.studies.material import Material
from smearlab.evaluation.studies.plan import Cell, Scale, ScaleName, Study, Task
from smearlab.evaluation.studies.results import printed_systems, write_results
from smearlab.evaluation.studies.system_outcome import SystemOutcome
from smearlab.evaluation.studies.system_study import SystemOptions, run_all, run_systems
from smearlab.evaluation.studies.trained import do_task
from smearlab.evaluation.studies.verdicts import Finding, Judged
from smearlab.networks.build import CellNetwork
from smearlab.training.recipe import Recipe
from smearlab.training.train import initial_network

ROWS = ("plain", "narrow", "stands-in", "downloads", "diverges", "turned", "ours")
TINY_SCALE = Scale("small", 160, 3, 1, 8, 2, (3,), suites=("bloodmnist-c", "chain"), batch=16, minutes=10)
OPTIONS = SystemOptions("small", jobs=1)
NETWORK = """
[network]
backbone = "smearlab/plain_cnn"
options = { channels = [8, 16] }
scaling = "unit"
"""
FINDINGS = (
    Finding("first", "team", "Plain beats what starts from nothing.", "tiny", (("downloads", "plain"),), "clean"),
    Finding("second", "team", "Narrow is worse.", "tiny", (("downloads", ""), ("narrow", "plain")), "clean", "less"),
)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("recipes")
    monkeypatch.setitem(catalogue.SYSTEMS, "tiny", lambda: tiny_study(folder))
    monkeypatch.setattr(system_study, "SYSTEMS", {"tiny": lambda: tiny_study(folder)})
    monkeypatch.setattr(system_study, "FINDINGS", FINDINGS)
    monkeypatch.setattr(planning, "weights_obstacle", out_of_reach)


def out_of_reach(recipe: object) -> str:
    network = getattr(recipe, "network")  # noqa: B009 - any recipe
    return "The pretrained weights cannot be had." if network.weights == "pretrained" else ""


def tiny_study(folder: Path) -> Study:
    """Return rows of every fate; the first one's recipe is a file, with what its team reported."""
    path = folder / "plain.toml"
    path.write_text(
        'name = "plain"\n[reported]\nteam = "team"\nparameters = 1800\nfigures = { macro_f1 = 0.9, online = 0.3 }\n'
        f'[framing]\nsize = 24\n[augment]\npolicy = "none"\n{NETWORK}'
        '[[phases]]\nname = "head"\nepochs = 2\nlearning_rate = 0.02\nwarmup_epochs = 0\n'
        '[[phases]]\nname = "tune"\nepochs = 4\nlearning_rate = 0.02\nwarmup_epochs = 0\n'
    )
    recipe = str(path)
    cells = (
        Cell("plain", "plain", "Systems", recipe=recipe),
        Cell("narrow", "narrow", "Systems", ("network.options.channels=[1, 1]",), recipe=recipe, reported={}),
        Cell("stands-in", "stands in", "Systems", ("augment.policy=none",)),
        Cell("downloads", "downloads", "Systems", ("network.weights=pretrained",), recipe=recipe),
        Cell(
            "diverges", "diverges", "Systems", ("phases.0.learning_rate=1e30", "phases.0.optimiser=sgd"), recipe=recipe
        ),
        Cell("turned", "turned", "Systems", of=("downloads",), how="flipped"),
        Cell("ours", "ours", "Ours", ("augment.policy=flips",), recipe=recipe, reported={}),
    )
    base = ("framing.size=24", "network.options.channels=[8, 8, 8, 8]", "ema.decay=0")
    scales: dict[ScaleName, Scale] = {"smoke": TINY_SCALE, "small": TINY_SCALE, "full": TINY_SCALE}
    return Study("tiny", "Tiny systems", "Whether a study runs.", "ours", cells, base, scales, systems=True)


@pytest.fixture(scope="module")
def cells() -> Cells:
    return study_cells()


@pytest.fixture
def done(cells: Cells, tmp_path: Path) -> tuple[Path, SystemOutcome, list[Judged]]:
    only = ("plain", "narrow", "downloads", "diverges", "turned")
    outcome, judged = run_systems(
        "tiny", cells, tmp_path / "out", replace(OPTIONS, only=only, results=tmp_path / "results")
    )
    return tmp_path, outcome, judged


def test_rows_run_are_left_out_or_fail_and_none_stops_the_rest(
    done: tuple[Path, SystemOutcome, list[Judged]],
) -> None:
    folder, outcome, judged = done
    missing = {row.cell.name: row.missing for row in outcome.rows if row.missing}
    assert set(missing) == {"downloads", "diverges", "turned"}
    assert "--from-scratch" in missing["downloads"]
    assert missing["diverges"].startswith("It failed:")
    assert "rests on downloads" in missing["turned"]
    plain = outcome.row("plain")
    assert (plain.reported["macro_f1"], plain.reported_parameters) == (0.9, 1800)
    assert plain.epochs == 3  # of six, by the scale
    assert plain.parameters > 500
    assert plain.figures["clean"].low <= plain.figures["clean"].value <= plain.figures["clean"].high
    assert plain.figures["altered"].value == pytest.approx(
        (plain.figures["chain"].value + plain.figures["bloodmnist-c"].value) / 2
    )
    assert np.asarray(plain.confusions["clean"]).sum() == 64
    assert set(plain.differences) >= {"clean", "chain"}
    assert not outcome.row("ours").differences
    assert not outcome.row("narrow").reported

    # Verdicts: the first pair with figures counts; without any there is none.
    assert judged[0].verdict == "not measured"
    assert judged[1].pair == ("narrow", "plain")

    # Tables and results.
    rows = {row["row"]: row for row in csv.DictReader((folder / "out" / "study.csv").open(encoding="utf-8"))}
    assert float(rows["plain"]["clean"]) == pytest.approx(plain.figures["clean"].value, abs=1e-5)
    assert (rows["plain"]["reported_local"], rows["plain"]["reported_online"]) == ("0.9", "0.3")
    assert rows["downloads"]["missing"]
    result = json.loads((folder / "results" / "tiny" / "plain.small.json").read_text(encoding="utf-8"))
    assert result["figures"]["clean"]["value"] == pytest.approx(plain.figures["clean"].value, abs=1e-5)
    assert result["revision"]
    assert result["seeds"] == [1]
    assert set(result["per_class"]["clean"]) == set(outcome.class_names)
    verdicts = json.loads((folder / "results" / "tiny" / "findings.small.json").read_text(encoding="utf-8"))
    assert [one["finding"] for one in verdicts["findings"]] == ["first", "second"]

    # The page.
    html = (folder / "out" / "report.html").read_text(encoding="utf-8")
    page = read_html(html)
    assert not page.unclosed
    assert not page.mismatched
    headings = [element.text for element in page.all("h2")]
    assert headings == [
        *("Reported and measured", "At a glance", "What the teams found", "How they learned", "Class by class"),
        "To repeat it",
    ]
    assert "Left out here" in html

    lines = printed_systems(outcome, judged).splitlines()
    assert any(line.startswith("downloads") and "left out" in line for line in lines)
    assert not (folder / "out" / "material").exists()


class Watch:
    """Notes which tasks are begun, and stops the study when those allowed are done."""

    def __init__(self, allowed: int = 99) -> None:
        self.begun: list[str] = []
        self.allowed = allowed

    def __call__(self, folder: StudyFolder, material: Material, task: Task, *, keep_model: bool) -> None:
        self.begun.append(task.stem)
        if len(self.begun) > self.allowed:
            self.allowed = 99
            raise KeyboardInterrupt
        do_task(folder, material, task, keep_model=keep_model)


@pytest.mark.slow
def test_a_stopped_study_goes_on_row_by_row(cells: Cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(1)
    monkeypatch.setattr(runner, "do_task", watch)
    options = replace(OPTIONS, only=("plain",))
    with pytest.raises(TrainingInterrupted, match="Stopped with 1 of 2"):
        run_systems("tiny", cells, tmp_path / "out", options)
    run_systems("tiny", cells, tmp_path / "out", options)
    assert watch.begun == ["plain.1", "ours.1", "ours.1"]
    run_systems("tiny", cells, tmp_path / "out", replace(options, seeds=2))
    assert watch.begun[3:] == ["plain.2", "ours.2"]


@pytest.mark.slow
def test_a_changed_recipe_is_trained_anew(cells: Cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = replace(OPTIONS, only=("plain",))
    run_systems("tiny", cells, tmp_path / "out", options)
    path = Path(catalogue.SYSTEMS["tiny"]().cells[0].recipe)
    tiny = catalogue.SYSTEMS["tiny"]()
    path.write_text(path.read_text().replace("learning_rate = 0.02", "learning_rate = 0.01"))
    monkeypatch.setitem(catalogue.SYSTEMS, "tiny", lambda: tiny)
    watch = Watch()
    monkeypatch.setattr(runner, "do_task", watch)
    run_systems("tiny", cells, tmp_path / "out", options)
    assert watch.begun == ["plain.1", "ours.1"]


def test_rows_without_their_weights_go_from_scratch_where_that_is_asked_for(cells: Cells, tmp_path: Path) -> None:
    options = replace(OPTIONS, only=("downloads", "turned"), scratch=True)
    outcome, judged = run_systems("tiny", cells, tmp_path / "out", options)
    assert outcome.row("downloads").scratch
    assert not outcome.row("ours").scratch
    assert not outcome.row("turned").missing
    assert outcome.row("turned").figures
    assert judged[0].verdict == "not measured"  # plain was not asked for
    assert "from scratch" in printed_systems(outcome, judged)
    assert "from scratch" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_row_too_large_for_the_machine_says_what_would_run_it(
    cells: Cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needs, "memory_at_hand", lambda: 1000.0)
    outcome, _ = run_systems("tiny", cells, tmp_path / "out", replace(OPTIONS, only=("plain",)))
    assert all("GiB are free" in row.missing for row in outcome.rows)
    monkeypatch.setattr(needs, "memory_at_hand", lambda: 1e12)
    slow = replace(OPTIONS, only=("plain",), minutes=1e-6)
    outcome, _ = run_systems("tiny", cells, tmp_path / "out", slow)
    assert all("Run it on a GPU" in row.missing for row in outcome.rows)
    assert (tmp_path / "out" / "report.html").is_file()  # a page without a figure is one too


def test_a_row_left_out_now_does_not_replace_one_that_was_measured(
    done: tuple[Path, SystemOutcome, list[Judged]],
) -> None:
    folder, outcome, judged = done
    results = folder / "results" / "tiny"
    before = (results / "plain.small.json").read_text(encoding="utf-8")
    rows = tuple(replace(row, missing="no room", figures={}) for row in outcome.rows)
    write_results(results, replace(outcome, rows=rows), [replace(one, difference=None, pair=None) for one in judged])
    assert (results / "plain.small.json").read_text(encoding="utf-8") == before
    kept = json.loads((results / "findings.small.json").read_text(encoding="utf-8"))["findings"]
    assert kept[1]["difference"]


@pytest.mark.slow
def test_all_goes_on_after_a_study_that_fails_and_trains_common_rows_once(
    cells: Cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = catalogue.SYSTEMS["tiny"]()
    twin = replace(tiny, name="twin", cells=(tiny.cells[0], tiny.cells[-1]))
    first = replace(tiny, cells=(tiny.cells[0], tiny.cells[-1]))
    studies = {"broken": lambda: tiny, "tiny": lambda: first, "twin": lambda: twin}
    monkeypatch.setattr(system_study, "SYSTEMS", studies)
    for name, make in studies.items():
        monkeypatch.setitem(catalogue.SYSTEMS, name, make)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "letter.txt").write_text("dear")
    trained: list[str] = []

    def build(recipe: Recipe, classes: int) -> CellNetwork:
        trained.append(recipe.name)
        return initial_network(recipe, classes)

    monkeypatch.setattr("smearlab.evaluation.studies.trained.initial_network", build)
    monkeypatch.setattr(system_study, "read", lambda data: cells)
    found = {name: outcome for name, outcome, _ in run_all("cells.npz", tmp_path, OPTIONS)}
    assert isinstance(found["broken"], SmearlabError)
    ours = [one.row("ours").figures["chain"] for one in found.values() if isinstance(one, SystemOutcome)]
    assert len(ours) == 2
    assert ours[0] == ours[1]
    assert len(trained) == 2  # plain and ours, once each


class TestMistakes:
    def call(self, name: str, **values: object) -> StudyCall:
        given = {
            **dict.fromkeys(("seeds", "jobs", "minutes", "results", "out")),
            **{"data": "demo", "scale": "smoke", "only": (), "recipe": "quick", "from_scratch": False},
        }
        return StudyCall(name=name, **(given | values))  # type: ignore[arg-type]

    def test_options_that_do_not_go_together_are_told(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="--out"):
            run_command(self.call("tiny"))
        with pytest.raises(DataError, match="--recipe does not go with tiny"):
            run_command(self.call("tiny", out=tmp_path, recipe="robust"))
        with pytest.raises(DataError, match="--from-scratch goes with"):
            run_command(self.call("policies", out=tmp_path, from_scratch=True))
        with pytest.raises(DataError, match="--only names rows of one study"):
            run_command(self.call("all", out=tmp_path, only=("plain",)))

    def test_verdicts_need_results(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no folder of results"):
            run_command(self.call("findings", data=str(tmp_path / "nowhere")))
        with pytest.raises(DataError, match="no results of the scale smoke"):
            run_command(self.call("findings", data=str(tmp_path)))

    def test_another_study_or_no_seeds(self, cells: Cells, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="--seeds 0"):
            run_systems("tiny", cells, tmp_path / "out", replace(OPTIONS, seeds=0))
        with pytest.raises(DataError, match="no cell 'plane'"):
            run_systems("tiny", cells, tmp_path / "out", replace(OPTIONS, only=("plane",)))
