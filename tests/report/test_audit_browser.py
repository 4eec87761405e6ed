"""The page of an audit in a real browser: Chromium as it is installed here, driven by Playwright."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.browser import OPTIONS, PATIENCE, need_chromium

from smearlab.report.audit_contents import AuditReport
from smearlab.report.audit_report import write_audit_report

from .audit_pages import AWKWARD, item, label_of, large_audit, small_audit, source_of

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
pytestmark = pytest.mark.slow

MANY = 20_000
IN_VIEW = """[...document.querySelectorAll('#off_topic [data-at]')].some(card => {
    const box = card.getBoundingClientRect();
    return box.top < innerHeight && box.bottom > 0;
})"""
SEEN = """part => [...document.querySelectorAll(`${part} .entries [data-at]`)]
    .filter(card => card.offsetParent).map(card => Number(card.dataset.at))"""
GAP = """anchor => {
    const heading = document.querySelector(`${anchor} h2`).getBoundingClientRect();
    const bar = document.getElementById('filters').getBoundingClientRect();
    return heading.top - (bar.top < heading.top ? Math.max(0, bar.bottom) : 0);
}"""
"""From the filters, or the window's edge where they are out of sight, down to a heading."""
TIMES = "[Number(document.documentElement.dataset.ready), performance.getEntriesByType('paint')[0].startTime]"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = need_chromium()
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=path, args=OPTIONS)
        yield running
        running.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Write a page, open it, and fail if its script met an error."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    errors: list[str] = []

    def opened(report: AuditReport) -> Any:
        path = tmp_path / "report.html"
        write_audit_report(path, report)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: errors.append(request.url) if request.url.startswith("http") else None)
        page.goto(path.as_uri())
        page.wait_for_selector("[data-drawn]")
        return page

    yield opened
    context.close()
    assert errors == []


def cards(page: Any, part: str = "") -> set[int]:
    """Return the rows whose cards can be seen."""
    return set(page.evaluate(SEEN, f"#{part}" if part else ""))


def filtered(page: Any, change: Callable[[], Any]) -> set[int]:
    """Change a filter and return the rows that are left."""
    change()
    page.wait_for_timeout(300)
    page.wait_for_selector("[data-drawn]")
    return cards(page)


def wait_until(page: Any, script: str) -> None:
    """Ask until the page says yes; Playwright's own way needs eval, which the page forbids."""
    for _ in range(PATIENCE // 100):
        if page.evaluate(script):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never true: {script}")


def exported(page: Any) -> dict[int, dict[str, str]]:
    with page.expect_download() as waiting:
        page.click("#export")
    assert waiting.value.suggested_filename == "manifest.csv"
    text = Path(waiting.value.path()).read_text("utf-8")
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(lines[0]) == ["row", "source", "action", "label", "reason"]
    return {int(line["row"]): line for line in lines}


def test_filters_leave_what_they_say(show: Callable[..., Any]) -> None:
    page = show(small_audit())
    assert cards(page) == set(range(31))
    assert cards(page, "near_duplicate") == {3, 20}  # a copy with the partner that has no finding
    text = page.locator("[name=text]")
    assert filtered(page, lambda: text.fill("9 10-12")) == {9, 10, 11, 12}
    assert filtered(page, lambda: text.fill("Quoted <B>")) == {7}
    assert filtered(page, lambda: text.fill("9999")) == set()  # no row has this number, and no name holds it
    page.click("[type=reset]")
    assert filtered(page, lambda: page.locator(".chip", has_text="off topic").click()) == {7, 9}
    score = "field => { field.value = 90; field.dispatchEvent(new Event('input', { bubbles: true })); }"
    assert filtered(page, lambda: page.locator("[name=score]").evaluate(score)) == {7}
    page.click("[type=reset]")
    looks_or_is = {row for row in range(31) if row < 30 and label_of(row) == "monocyte"} | {10}
    left = filtered(page, lambda: page.select_option("[name=class]", label="monocyte"))
    assert left - {20} == looks_or_is - {20}
    assert filtered(page, lambda: page.select_option("[name=decision]", "hand")) == set()
    assert page.locator("#nothing").is_visible()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("row 12", {12}),
        ("row 0", {0}),
        ("rows 0 2", {0, 2}),
        ("rows 5 23 10-12", {5, 10, 11, 12, 23}),
        ("Rows 0-3, 20", {0, 1, 2, 3, 20}),
        ("row 12, rows 5 23 28-100", {5, 12, 23, 28, 29, 30}),
        ("row #9", {9}),
        ("#9", {9}),
        ("9", {9}),
        ("3, 10-12", {3, 10, 11, 12}),
        ("row 99", set()),
        ("99", {6}),
        ("row_12.png", {4}),
        ("row 13.png", {5}),
        ("row", {4, 5, 6, 8}),  # also in the reason to drop a copy
        ("00014.png", {14}),
    ],
)
def test_rows_are_found_as_the_cards_name_them(show: Callable[..., Any], text: str, rows: set[int]) -> None:
    manifest = list(small_audit().manifest)
    for row, name in {4: "row_12.png", 5: "row 13.png", 6: "row 12, 99.png"}.items():
        manifest[row] = replace(manifest[row], source=name)
    page = show(small_audit(manifest=manifest, items=[item(7, "off_topic")]))
    assert filtered(page, lambda: page.fill("[name=text]", text)) == rows


@pytest.mark.parametrize("width", [1300, 1000, 720, 500])
def test_the_contents_lead_to_headings_below_the_filters(show: Callable[..., Any], width: int) -> None:
    page = show(small_audit())
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 500})
    page.wait_for_timeout(300)
    anchors = page.evaluate("[...document.querySelectorAll('nav a')].map(link => link.getAttribute('href'))")
    assert {"#in-short", "#off_topic", "#label_error", "#classes"} <= set(anchors)
    gaps = {}
    for anchor in anchors[:-1]:  # the last has too little below it to reach the top
        page.click(f"nav a[href='{anchor}']")
        wait_until(page, f"location.hash === '{anchor}'")
        page.wait_for_timeout(100)
        gaps[anchor] = page.evaluate(GAP, anchor)
    assert all(0 <= gap < 60 for gap in gaps.values()), gaps


def test_the_contents_lead_to_a_part_that_a_filter_hid(show: Callable[..., Any]) -> None:
    page = show(small_audit())
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": 1300, "height": 500})
    page.fill("input[type=search]", "row 7")
    wait_until(page, "document.querySelector('#label_error').hidden")
    page.click("nav a[href='#label_error']")
    wait_until(page, "!document.querySelector('#label_error').hidden")
    page.wait_for_timeout(300)
    assert 0 <= page.evaluate(GAP, "#label_error") < 60
    page.reload()  # the address names the part
    page.wait_for_selector("[data-drawn]")
    page.wait_for_timeout(300)
    assert 0 <= page.evaluate(GAP, "#label_error") < 60


def test_decisions_are_exported_kept_and_taken_back(show: Callable[..., Any]) -> None:
    page = show(small_audit())
    before = exported(page)
    assert sorted(before) == list(range(31))
    assert before[7] == {"row": "7", "source": AWKWARD, "action": "drop", "label": label_of(7), "reason": "off topic"}
    page.click("#off_topic [data-at='7'] >> text=Keep")
    page.click("#off_topic [data-at='9'] >> text=Drop")
    page.click("#label_error [data-at='10'] >> text=Relabel: monocyte")
    page.click("#conflicting_duplicate .head >> text=Drop all")
    page.click("#others [data-at='4'] >> text=Relabel")
    page.select_option("#others [data-at='4'] select", label="basophil")
    page.reload()
    page.wait_for_selector("[data-drawn]")
    after = exported(page)
    assert {row: (after[row]["action"], after[row]["label"]) for row in after if after[row] != before[row]} == {
        1: ("drop", label_of(1)),
        2: ("drop", label_of(2)),
        4: ("relabel", "basophil"),
        7: ("keep", label_of(7)),
        9: ("drop", label_of(9)),
        10: ("relabel", "monocyte"),
    }
    assert {after[row]["reason"] for row in (1, 2, 4, 7, 9, 10)} == {"by hand"}
    assert all(after[row]["source"] == source_of(row) for row in range(30))
    page.click("#forget")
    assert exported(page) == before
    page.click("#undo")
    assert exported(page) == after


def test_the_keyboard_is_enough(show: Callable[..., Any]) -> None:
    page = show(small_audit())
    page.focus("#off_topic .pic.main >> nth=0")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("d")
    assert exported(page)[9]["action"] == "drop"
    page.focus("#off_topic .pic.main >> nth=0")
    page.keyboard.press("Enter")
    assert page.locator("#one").is_visible()
    page.keyboard.press("k")
    page.keyboard.press("ArrowRight")
    assert page.locator("#one-title").inner_text() == "Row 9"
    page.keyboard.press("u")
    page.keyboard.press("Escape")
    assert not page.locator("#one").is_visible()
    now = exported(page)
    assert (now[7]["action"], now[9]["action"]) == ("drop", "drop")


def test_all_that_the_filters_leave_can_be_decided_at_once(show: Callable[..., Any]) -> None:
    page = show(small_audit())
    filtered(page, lambda: page.locator(".chip", has_text="off topic").click())
    page.select_option("#bulk", "keep")
    assert {row for row, line in exported(page).items() if line["action"] == "drop"} == {8, 30}
    page.click("#undo")
    assert {row for row, line in exported(page).items() if line["action"] == "drop"} == {7, 8, 30}


def test_the_page_fits_a_phone(show: Callable[..., Any]) -> None:
    page = show(small_audit())
    page.set_viewport_size({"width": 380, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 380


def test_twenty_thousand_findings_scroll(show: Callable[..., Any], tmp_path: Path) -> None:
    page = show(large_audit(MANY))
    size = (tmp_path / "report.html").stat().st_size
    assert size < 40e6
    usable, painted = page.evaluate(TIMES)
    print(f"{MANY:,} findings, {size / 1e6:.1f} MB: painted after {painted:.0f} ms, usable after {usable:.0f} ms")
    page.click("#off_topic .more")
    height = page.evaluate("document.getElementById('off_topic').offsetHeight")
    assert height > 100_000
    seen = set()
    for step in range(1, 9):
        page.evaluate(f"scrollTo({{ top: {height * step / 9}, behavior: 'instant' }})")
        wait_until(page, IN_VIEW)
        seen |= cards(page, "off_topic")
    assert len(seen) > 8 * 28
    assert page.evaluate("document.querySelectorAll('[data-at]').length") < 2500
    assert len(exported(page)) == MANY
