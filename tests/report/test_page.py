from __future__ import annotations

import re
from pathlib import Path

import pytest

from smearlab.report import Page
from smearlab.report.blocks import Code, Facts, Figure, Figures, Heading, Note, PlotBlock, Table

from .conftest import EVIL
from .html_reader import read_html


def test_policy_forbids_every_request() -> None:
    (policy,) = [
        element.attributes["content"]
        for element in read_html(Page("x").html()).all("meta")
        if element.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert "script-src" not in rules


def test_style_follows_the_system_and_print() -> None:
    html = Page("x").html()
    for query in ("prefers-color-scheme: dark", "prefers-reduced-motion", "@media print", "max-width: 34rem"):
        assert query in html
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)


@pytest.mark.parametrize(
    "block",
    [
        Note(EVIL, title=EVIL),
        Code(EVIL, EVIL),
        Code(EVIL, EVIL, folded=True),
        Facts([(EVIL, EVIL)]),
        Heading(EVIL),
        Table((EVIL, "b"), [(EVIL, EVIL)], EVIL),
        Figures([Figure(EVIL, EVIL, EVIL)]),
    ],
    ids=lambda block: f"{block.kind}",
)
def test_every_text_is_escaped(block: Note) -> None:
    page = Page(EVIL, EVIL, EVIL, EVIL)
    page.section(EVIL, block)
    reader = read_html(page.html())
    assert not reader.all("script")
    assert not reader.mismatched
    assert "<script" not in page.html()


def test_sections_have_their_own_anchors_and_are_in_the_contents() -> None:
    page = Page("x")
    page.section("Same name", Note("a"))
    page.section("Same name", Note("b"))
    page.section("Nothing in it", None)
    reader = read_html(page.html())
    anchors = [element.attributes["id"] for element in reader.all("section")]
    links = [element.attributes["href"] for element in reader.all("a") if element.attributes["href"] != "#main"]
    assert len(set(anchors)) == 2
    assert links == [f"#{anchor}" for anchor in anchors]


def test_write_makes_the_folder_and_leaves_nothing_else(tmp_path: Path) -> None:
    Page("Zellen – βγ").write(tmp_path / "new" / "report.html")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.html"]
    assert "Zellen – βγ" in (tmp_path / "new" / "report.html").read_text(encoding="utf-8")


def test_numbers_are_aligned_and_have_thousands_separators() -> None:
    page = Page("x")
    page.section("t", Table(("name", "n"), [("a", 12345)], "caption"))
    (cell,) = read_html(page.html()).all("td")
    assert cell.text == "12,345"
    assert cell.attributes["class"] == "n"


def test_plot_has_a_description_and_caption() -> None:
    from markupsafe import Markup

    page = Page("x")
    page.section("p", PlotBlock(Markup("<svg></svg>"), "what it shows", "Title", "How to read it"))
    html = page.html()
    assert 'role="img" aria-label="what it shows"' in html
    assert "How to read it" in html
