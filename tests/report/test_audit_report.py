from __future__ import annotations

import base64
import hashlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from smearlab.report.audit_contents import AuditReport, NaturalGroup, PictureStatistics
from smearlab.report.audit_report import audit_page, write_audit_report
from smearlab.report.text import THIN

from .audit_pages import item, line, small_audit, spread
from .conftest import EVIL
from .html_reader import Reader, read_html


@pytest.fixture(scope="module")
def html() -> str:
    return audit_page(small_audit()).html()


@pytest.fixture(scope="module")
def page(html: str) -> Reader:
    return read_html(html)


def texts(page: Reader, *tags: str) -> list[str]:
    return [element.text for element in page.all(*tags)]


def tiles(report: AuditReport) -> dict[str, tuple[str, str]]:
    headline = audit_page(report).headline
    assert headline is not None
    return {tile.label: (tile.value.replace(THIN, " "), tile.note.replace(THIN, " ")) for tile in headline.tiles}


def test_elements_are_closed_as_they_are_opened(page: Reader) -> None:
    assert page.mismatched == []
    assert page.unclosed == []


def test_the_page_asks_no_network_and_runs_only_its_own_script(page: Reader, html: str) -> None:
    policy = next(meta.attributes["content"] for meta in page.all("meta") if "http-equiv" in meta.attributes)
    script = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(script) == 1
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert not [element for element in page.elements if element.attributes.get("src", "data:")[:5] != "data:"]
    assert "innerHTML" not in script[0]


def test_the_headline_counts_each_picture_once_and_no_ambiguous_one() -> None:
    found = tiles(small_audit())
    assert found["Pictures affected"] == ("29.0 %", "9 of 31 rows, each counted once")
    assert found["Exact copies"] == ("2", "in 1 group")
    assert found["Label errors"] == ("1", "and 1 ambiguous")


def test_a_quick_audit_says_that_labels_were_not_judged() -> None:
    quick = small_audit(quick=True, items=[item(3, "off_topic")])
    assert tiles(quick)["Label errors"] == ("–", "not in a quick audit")
    unlabelled = small_audit(class_names=(), counts={}, items=[item(3, "off_topic")])
    assert tiles(unlabelled)["Label errors"] == ("–", "no labels")


def test_each_kind_has_its_part_its_link_and_its_filter(page: Reader) -> None:
    kinds = {box.attributes["value"] for box in page.all("input") if box.attributes.get("name") == "kind"}
    assert kinds >= {"exact_duplicate", "conflicting_duplicate", "near_duplicate", "off_topic", "unreadable"}
    assert kinds >= {"label_error", "ambiguous", "others"}
    sections = {element.attributes["id"] for element in page.all("section")}
    links = {link.attributes["href"] for link in page.all("a") if "data-part" in link.attributes}
    assert kinds <= sections
    assert links == {f"#{kind}" for kind in kinds}


def test_every_control_has_a_name(page: Reader) -> None:
    html = audit_page(small_audit()).html()
    for control in re.findall(r"<(?:select|input)[^>]*>", html):
        before = html[: html.index(control)]
        assert before.rfind("<label") > before.rfind("</label>"), control
    assert all(canvas.attributes["aria-label"] for canvas in page.all("canvas"))


def test_names_of_others_are_escaped_and_folders_of_the_machine_hidden() -> None:
    evil = small_audit(
        name=EVIL,
        data=f"/home/ann/{EVIL}",
        class_names=(EVIL, "monocyte"),
        counts={EVIL: 1, "monocyte": 0},
        by_class=[PictureStatistics(EVIL, 1, (1, 2, 3), {EVIL: spread(3)})],
        by_source=[PictureStatistics(f"/home/ann/{EVIL}", 1, (1, 2, 3), {EVIL: spread(3)})],
        groups=[NaturalGroup(EVIL, {EVIL: 1}, [1], EVIL)],
        manifest=[line(row, reason=EVIL) for row in range(30)],
        notes=[EVIL],
        created=EVIL,
    )
    html = audit_page(evil).html()
    assert EVIL not in html
    assert "&lt;script&gt;" in html
    elsewhere = re.sub(r'<figure class="code">.*?</figure>', "", html, flags=re.DOTALL)
    assert len(elsewhere) < len(html)
    assert "/home/ann" not in elsewhere


@pytest.mark.parametrize(
    "data",
    ["demo", "cells/challenge.npz", "/home/ann/cells.npz", "~/my cells/ann's", "C:\\cells 100 %", "/data/<b>.npz"],
)
def test_commands_name_the_data_as_it_was_given(data: str) -> None:
    page = read_html(audit_page(small_audit(data=data)).html())
    commands = next(text for text in texts(page, "code") if "smearlab apply" in text).splitlines()
    assert [shlex.split(command)[:5] for command in commands] == [
        ["smearlab", "apply", data, "--manifest", "manifest.csv"],
        ["smearlab", "train", data, "--manifest", "manifest.csv"],
    ]


def test_commands_for_pictures_of_no_file_show_no_folder() -> None:
    assert "smearlab apply cells --manifest" in audit_page(small_audit(data="")).html()


def test_what_is_missing_is_left_out() -> None:
    bare = small_audit(items=(), by_class=(), by_source=(), groups=(), maps=(), smears=(), typical={}, browse=False)
    page = read_html(audit_page(bare).html())
    titles = texts(page, "h2")
    assert "Classes" in titles
    assert not {"Size and colour", "Natural groups", "Maps", "Same smear"} & set(titles)
    assert any("Nothing was found wrong" in text for text in texts(page, "p"))
    assert tiles(bare)["Pictures affected"][0] == "0.0 %"


def test_classes_out_of_balance_and_without_pictures_are_pointed_out() -> None:
    few = {"basophil": 2, "monocyte": 40}
    balance = small_audit(class_names=tuple(few), counts=few, items=(), by_class=())
    assert "Monocyte has 20 times as many pictures as basophil" in audit_page(balance).html()
    empty = small_audit(class_names=tuple(few), counts={"monocyte": 3}, items=(), by_class=())
    assert "No picture is labelled basophil." in audit_page(empty).html()


def test_it_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    write_audit_report(tmp_path / "deep" / "report.html", small_audit())
    assert (tmp_path / "deep" / "report.html").read_text("utf-8").startswith("<!doctype html>")


def test_it_needs_the_core_install_only() -> None:
    absent = ("torch", "matplotlib", "scipy", "sklearn", "skimage", "pandas", "pyarrow")
    code = f"import sys; sys.modules.update(dict.fromkeys({absent!r}))\n"
    code += "from tests.report.audit_pages import small_audit\n"
    code += "from smearlab.report.audit_report import audit_page\nprint(len(audit_page(small_audit()).html()))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50_000
