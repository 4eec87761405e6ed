"""The documentation says what is so: its examples run, its links lead somewhere, its tables are those of the code."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.documents import PAGES, ROOT, Example, anchors_of, examples_of, links_of, make_workplace

from smearlab.errors import RecipeError
from smearlab.training.recipe_io import load_recipe
from smearlab.training.search_space import check_space, load_space

EXAMPLES = [example for page in PAGES for example in examples_of(page)]

# Examples train as they stand in the text, on 48 pictures; these values make that take seconds.
SHORT = (
    *("phases.0.epochs=1", "phases.0.min_steps_per_epoch=1", "phases.0.warmup_epochs=0", "phases.0.batch_size=16"),
    *("framing.size=32", "network.options.channels=[8, 8, 8, 8]", "precision.mode=float32"),
)
TRAINS = re.compile(r"\bsmearlab[ .](?:run|train|kfold|tune|study)\b")
COMMAND = f"""#!{sys.executable}
import sys
from smearlab.__main__ import main
if __name__ == "__main__":  # the processes of a study import this file
    arguments = sys.argv[1:]
    trains = arguments[0] in ("run", "train", "kfold", "tune") and "--help" not in arguments
    sys.exit(main([*arguments, "--set", *{SHORT!r}] if trains else arguments))
"""
PREAMBLE = f"""import smearlab
_run = smearlab.run
smearlab.run = lambda *given, overrides=(), **named: _run(*given, overrides=[*overrides, *{SHORT!r}], **named)
"""


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    make_workplace(folder / "work")
    command = folder / "bin" / "smearlab"
    command.parent.mkdir()
    command.write_text(COMMAND)
    command.chmod(0o755)
    return folder


def _marked(example: Example) -> object:
    marks = [pytest.mark.slow] if example.mark == "slow" else []
    if example.mark == "skip":
        marks.append(pytest.mark.skip(reason=example.reason))
    return pytest.param(example, marks=marks, id=str(example))


@pytest.mark.parametrize("example", [_marked(example) for example in EXAMPLES])
def test_example_runs(example: Example, template: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    shutil.copytree(template / "work", work)
    if TRAINS.search(example.code):
        shutil.rmtree(work / "runs")  # holds a stand-in, for examples that train no model of their own
    if example.language == "sh":
        command = ["bash", "-euo", "pipefail", "-c", example.code]
    else:
        (tmp_path / "example.py").write_text((PREAMBLE if example.mark == "slow" else "") + example.code)
        command = [sys.executable, str(tmp_path / "example.py")]
    path = os.pathsep.join([str(template / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    # One thread: on pictures this small, threads cost more than they bring, and on a busy machine very much more.
    environment = os.environ | {"PATH": path, "PBC": "cells.parquet", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{example}\n{example.code}\n{done.stdout}\n{done.stderr}"


def test_examples_are_found_and_few_are_skipped() -> None:
    by_mark = {mark: [example for example in EXAMPLES if example.mark == mark] for mark in ("quick", "slow", "skip")}
    assert len(by_mark["quick"]) >= 15
    assert len(by_mark["slow"]) >= 5
    assert len(by_mark["skip"]) <= 6
    fences = sum(
        len(re.findall(r"^```(?:sh|python|bash|shell|py)\b", page.read_text("utf-8"), re.MULTILINE)) for page in PAGES
    )
    assert fences == len(EXAMPLES)  # none is left out for want of a form that is recognised


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    for link in links_of(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name} links to {link}"
        assert not anchor or anchor in anchors_of(target), f"{page.name} links to {link}, a heading that is not there"


def test_every_page_of_the_guide_is_linked_from_the_readme() -> None:
    linked = {link.partition("#")[0] for link in links_of(ROOT / "README.md")}
    assert {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} <= linked


_ENDS = {"value": 0.0, "low": -0.02, "high": 0.02}


def test_tables_of_recipe_keys_are_those_of_the_code() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "recipe_keys.py"))
    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert page == script["with_tables"](page), "docs/recipes.md is behind the code; write it anew with: make docs"


def test_tables_of_operations_are_those_of_the_code() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "operation_tables.py"))
    page = (ROOT / "docs" / "augmentation.md").read_text(encoding="utf-8")
    assert page == script["with_tables"](page), "docs/augmentation.md is behind the code; write it anew with: make docs"


def test_tables_of_stress_suites_are_those_of_the_code() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "stress_tables.py"))
    page = (ROOT / "docs" / "stress-suites.md").read_text(encoding="utf-8")
    assert page == script["with_tables"](page), "docs/stress-suites.md is behind the code; run: make docs"


def test_tables_of_the_studies_of_options_are_those_of_the_results(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "docs" / "option_tables.py"))
    page = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
    assert page == script["with_tables"](page, ROOT / "docs" / "results"), "docs/studies.md is behind; make docs"
    rows = [
        {"cell": cell, "title": cell, "figure": figure, "value": value, **difference}
        for cell, value, gain in (("ours", 0.9, None), ("without_colour", 0.7, -0.2), ("augmix", 0.91, 0.01))
        for difference in [
            {f"difference_{end}": None if gain is None else gain + move for end, move in _ENDS.items()},
        ]
        for figure in ("altered", "clean", "group colour")
    ]
    (tmp_path / "policies").mkdir()
    facts = {"Trained on": "100 pictures, 10 epochs, 2 seeds", "Network": "small", "Altered": "9 conditions"}
    (tmp_path / "policies" / "study.json").write_text(json.dumps({"facts": facts, "rows": rows}))
    lines = list(script["study_lines"](tmp_path, "policies"))
    assert any(" --scale full --seeds 2 --only ours without_colour augmix`" in line for line in lines)
    assert "| ours (`ours`) | 90.0 | – | – | – | – | 90.0 | – | reference |" in lines
    assert "| augmix (`augmix`) | 91.0 | – | – | – | – | 91.0 | +1.0 (−1.0 to +3.0) | undecided |" in lines
    assert any(line.startswith("| without_colour") and line.endswith("| costs |") for line in lines)
    assert lines[-1] == "| colour and tone | 90.0 | 70.0 | −20.0 (−22.0 to −18.0) |"
    others = [rows[0] | {"figure": figure} for figure in ("chain3", "group geometry")]
    (tmp_path / "found.json").write_text(json.dumps({"facts": facts, "rows": [*rows, *others]}))
    script["keep"](tmp_path / "kept", tmp_path / "found.json")
    shown = [row for row in rows if (row["cell"], row["figure"]) != ("augmix", "group colour")]
    assert json.loads((tmp_path / "kept" / "study.json").read_text()) == {"facts": facts, "rows": shown}


def test_tables_of_the_teams_studies_are_those_of_the_results(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "docs" / "study_tables.py"))
    page = (ROOT / "docs" / "teams-studies.md").read_text(encoding="utf-8")
    assert page == script["with_tables"](page, ROOT / "docs" / "results"), "docs/teams-studies.md is behind; make docs"
    interval = {"value": 0.9, "low": 0.85, "high": 0.95}
    row = {
        **{"row": "basic", "reported": {"accuracy": 0.8989, "online": 0.32}, "from_scratch": False, "missing": ""},
        **{"figures": dict.fromkeys(("clean", "chain"), interval), "parameters": 314_712, "epochs": 10, "runs": 1},
        **{"seconds": 65.0, "revision": "abc", "pictures": 2000},
    }
    absent = row | {"row": "mobilenetv2", "missing": "No | weights.", "figures": {}}
    finding = {"finding": "basic-collapses", "rows": ["basic", "mobilenetv2"], "difference": interval}
    (tmp_path / "formidable").mkdir()
    contents = {"basic": row, "mobilenetv2": absent, "findings": {"findings": [finding]}}
    for name, content in contents.items():
        (tmp_path / "formidable" / f"{name}.small.json").write_text(json.dumps(content))
    made = script["with_tables"](page, tmp_path)
    assert "| `basic` | 89.9 % accuracy | 32 % | 90.0 (85.0–95.0) | 90.0 (85.0–95.0) | – | 314,712 | 10 |" in made
    assert "| `mobilenetv2` | 89.9 % accuracy | 32 % | left out | | | 314,712 | | | |" in made
    assert "Left out: `mobilenetv2`: No \\| weights." in made
    assert "did not hold | `basic` − `mobilenetv2`, chain | +90.0 (+85.0 to +95.0) | small |" in made


def test_toml_in_the_guide_is_valid_recipes(tmp_path: Path) -> None:
    blocks = [
        block for page in PAGES for block in re.findall(r"^```toml\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    ]
    assert len(blocks) >= 3
    for number, block in enumerate(blocks):
        path = tmp_path / f"{number}.toml"
        path.write_text(block, encoding="utf-8")
        if re.search(r"^type = ", block, re.MULTILINE):
            assert check_space(load_space(path), load_recipe("standard")) == []
        else:
            load_recipe(path)
    path.write_text(f"{blocks[0]}\n[frame]\nsize = 96\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="no such key"):
        load_recipe(path)


def test_commands_in_the_readme_are_those_of_the_command_line() -> None:
    from smearlab.cli import app

    shown = set(re.findall(r"^\| `smearlab (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert shown == {name for name in app if not name.startswith("-")}


def test_make_targets_named_in_the_pages_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        named = re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(named) <= targets, page.name


def test_tables_of_the_teams_are_those_of_the_recipes() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "team_tables.py"))
    page = (ROOT / "docs" / "teams.md").read_text(encoding="utf-8")
    assert page == script["with_tables"](page), "docs/teams.md is behind the recipes; run: make docs"
