"""The documentation builds into a site without a warning, asks nothing of other hosts, and loses nothing on the way."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.documents import ROOT

import smearlab

HOOKS = runpy.run_path(str(ROOT / "docs" / "site_hooks.py"))
as_site: Callable[[str, str], str] = HOOKS["as_site"]


def build(project: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(out)]
    environment = os.environ | {"NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return folder


def test_every_page_is_there(site: Path) -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} | {"index", "MODEL_CARD", "CHANGELOG", "CONTRIBUTING"}
    assert pages <= {path.stem for path in site.glob("*.html")}
    assert not list(site.glob("*.py"))  # the scripts beside the pages are no part of it


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    outside = re.compile(
        r"""(?:<(?:script|img|iframe|source)[^>]*\ssrc=|<link[^>]*\shref=|url\(|@import\s)["']?(?:https?:)?//"""
    )
    for path in (*site.rglob("*.html"), *site.rglob("*.css")):
        assert not outside.search(path.read_text(encoding="utf-8")), path.name


def test_lists_tables_and_pictures_survive(site: Path) -> None:
    for path in site.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        for paragraph in re.findall(r"<p>(.*?)</p>", text, re.DOTALL):
            assert not re.search(r"^(?:[-*|] |\d+\. |!\[)", paragraph, re.MULTILINE), f"{path.name}: {paragraph[:200]}"
        for picture in re.findall(r'<img[^>]*\ssrc="([^"#?]+)', text):
            assert picture.startswith("data:") or (path.parent / picture).is_file(), f"{path.name}: {picture}"


def test_reference_has_every_public_name(site: Path) -> None:
    page = (site / "api.html").read_text(encoding="utf-8")
    homes: dict[str, str] = smearlab._HOMES
    for name, home in homes.items():
        assert f'id="{home}.{name}"' in page, name
    assert 'id="smearlab.inference.predictor.Predictor.predict"' in page
    assert "reference:" not in page


def test_functions_named_in_the_reference_are_in_it() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    described = set(re.findall(r"<!-- reference: ([\w.]+) -->", text))
    named = set(re.findall(r"`(smearlab(?:\.\w+){2,})`", text))
    assert len(named) >= 9
    assert named <= described


def test_links_are_turned_into_those_of_the_site() -> None:
    assert as_site("[a](docs/audit.md#policies) [b](LICENSE)", "index.md") == "[a](audit.md#policies) [b](LICENSE.txt)"
    assert as_site("[a](../README.md) [b](images/page.png)", "serve.md") == "[a](index.md) [b](images/page.png)"
    assert as_site("[a](../docs/deploy.md)", "benchmarks/RESULTS.md") == "[a](../deploy.md)"
    for same in (
        "[a](https://example.org/x.md)",
        "[a](#limits)",
        "[a](no-such-page.md)",
        "```text\n[a](docs/audit.md)\n```",
    ):
        assert as_site(same, "index.md") == same


def test_marks_are_turned_into_those_of_the_site() -> None:
    assert as_site("| `a\\|b` | x |", "index.md") == "| `a|b` | x |"
    assert as_site("```sh\n| `a\\|b` |\n```", "index.md") == "```sh\n| `a\\|b` |\n```"
    assert as_site("<!-- reference: smearlab.errors -->", "api.md") == "::: smearlab.errors"


@pytest.mark.slow
def test_faults_stop_the_build(tmp_path: Path) -> None:
    """A link to nowhere, a heading that is not there, and a page without a place in the navigation."""
    project = tmp_path / "project"
    shutil.copytree(ROOT / "docs", project / "docs")
    for folder in ("benchmarks", "examples", "src/smearlab/recipes"):
        shutil.copytree(ROOT / folder, project / folder)
    for name in ("README.md", "MODEL_CARD.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "mkdocs.yml"):
        shutil.copy(ROOT / name, project / name)
    page = project / "docs" / "api.md"
    page.write_text(re.sub("<!-- reference.*-->", "", page.read_text(encoding="utf-8")), encoding="utf-8")
    assert build(project, tmp_path / "sound").returncode == 0
    (project / "docs" / "lost.md").write_text("# Lost\n\n[a](nowhere.md) [b](audit.md#no-such-heading)\n")
    done = build(project, tmp_path / "faulty")
    assert done.returncode != 0
    for fault in ("lost.md", "'nowhere.md'", "'#no-such-heading'"):
        assert fault in done.stderr
