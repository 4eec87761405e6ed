"""The page in a real browser: Chromium as it is installed here, driven by Playwright."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.browser import OPTIONS, PATIENCE, need_chromium
from tests.deploy.server.conftest import Running, run_in_thread, wait_until
from tests.deploy.server.samples import COLOURS, noisy, picture

from smearlab.deploy.server.settings import Limits, Settings, Token
from smearlab.inference.predictor import Predictor
from smearlab.inference.writer import prediction_columns

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
SECRET = "a-secret-of-some-length"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = need_chromium()
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=path, args=OPTIONS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def server(predictor: Predictor) -> Iterator[Running]:
    running = run_in_thread(predictor, Settings(Limits(picture_bytes=100_000)))
    yield running
    running.stop()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a page, and fail if its script met an error or asked another server for anything."""
    strays: list[str] = []
    contexts: list[Any] = []

    def opened(url: str, *, errors: bool = True, ready: bool = True, **options: Any) -> Any:
        context = browser.new_context(
            **{"viewport": {"width": 1200, "height": 900}, "accept_downloads": True} | options
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on(
            "request",
            lambda request: strays.append(request.url) if not request.url.startswith((url, "blob:", "data:")) else None,
        )
        if errors:
            page.on("pageerror", lambda error: strays.append(str(error)))
            page.on("console", lambda message: strays.append(message.text) if message.type == "error" else None)
        page.goto(url)
        if ready:
            page.wait_for_selector("body[data-ready]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert strays == []


def upload(name: str, data: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": f"image/{name.rpartition('.')[2]}", "buffer": data}


def sent() -> list[dict[str, Any]]:
    """Four red, three green and two blue cells, one picture that is no cell, one that is no picture."""
    cells = [picture(colour) for colour, number in zip(COLOURS, (4, 3, 2), strict=True) for _ in range(number)]
    named = [upload(f"cell{number}.png", data) for number, data in enumerate(cells)]
    return [*named, upload("noise.tiff", noisy(0, "TIFF")), upload("notes.png", b"no picture")]


def settle(page: Any) -> None:
    page.wait_for_selector("#results:not([hidden])")
    page.wait_for_selector("#progress", state="hidden")
    page.wait_for_selector("#chart svg")


def test_pictures_are_named_counted_and_downloaded(
    server: Running, visit: Callable[..., Any], predictor: Predictor
) -> None:
    page = visit(server.url, errors=False)  # a browser reports a picture that is none as an error
    page.set_input_files("#files", sent())
    settle(page)
    assert page.locator(".card").count() == 11
    assert page.locator(".card .verdict b").all_text_contents() == [
        *["red"] * 4,
        *["green"] * 3,
        *["blue"] * 2,
        *page.locator(".doubtful .verdict b").all_text_contents(),
    ]
    assert page.locator(".card .badge").all_text_contents() == ["not a cell", "unreadable"]
    assert "not a picture" in page.locator(".card").last.text_content()
    wait_until(lambda: "9 cells" in page.inner_text("#count-lead"))
    chart = page.locator("#chart svg").get_attribute("aria-label")
    assert "red 44.4" in chart
    assert "blue 22.2" in chart
    assert "9 cells · 1 not a cell · 1 unreadable" in page.inner_text("#said")
    with page.expect_download() as waiting:
        page.click("#download")
    assert waiting.value.suggested_filename == "predictions.csv"
    lines = list(csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text("utf-8"), newline="")))
    assert list(lines[0]) == prediction_columns(predictor.class_names)
    assert [line["row"] for line in lines] == [str(number) for number in range(11)]
    assert (
        sorted(line["label"] for line in lines if line["is_cell"] == "true")
        == ["blue"] * 2 + ["green"] * 3 + ["red"] * 4
    )
    assert {line["source"] for line in lines} == {one["name"] for one in sent()}
    (bad,) = [line for line in lines if line["error"]]
    assert (bad["confidence"], bad["p_red"], bad["is_cell"]) == ("", "", "false")


def test_filters_leave_what_they_say(server: Running, visit: Callable[..., Any]) -> None:
    page = visit(server.url, errors=False)
    page.set_input_files("#files", sent())
    settle(page)
    for key, number in (("red", 4), ("green", 3), ("blue", 2), ("other", 1), ("error", 1), ("all", 11)):
        page.click(f".filter[data-key={key}]")
        assert page.locator(".card").count() == number
        assert page.locator(f".filter[data-key={key}]").get_attribute("aria-pressed") == "true"
    page.select_option("#sort", "doubt")
    assert "unreadable" in page.locator(".card").first.text_content()
    page.click("#clear")
    assert not page.locator("#results").is_visible()
    assert page.locator(".card").count() == 0


def test_a_heat_map_on_request_by_keyboard_alone(server: Running, visit: Callable[..., Any]) -> None:
    page = visit(server.url)
    page.set_input_files("#files", [upload(f"cell{number}.png", noisy(number)) for number in range(3)])
    settle(page)
    page.focus(".card >> nth=0")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("#detail[open]")
    assert page.inner_text("#detail-title") == "cell1.png"
    assert page.locator("#facts .chance").count() == 3
    page.focus("#heat")
    page.keyboard.press("Enter")
    page.wait_for_selector("#view-heat:not([hidden])")
    assert page.locator("#view-heat").evaluate("image => image.decode().then(() => image.naturalWidth)") == 16
    assert "redder" in page.inner_text("#heat-words")
    page.focus("#detail-close")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#detail-title") == "cell2.png"
    assert not page.locator("#view-heat").is_visible()
    assert page.locator("#next").is_disabled()
    page.keyboard.press("Escape")
    assert not page.locator("#detail").is_visible()
    assert page.evaluate("document.activeElement.className") == "card doubtful"


def test_other_classes_that_remain_possible_are_told(server: Running, visit: Callable[..., Any]) -> None:
    page = visit(server.url)

    def with_set(route: Any) -> None:
        answer = route.fetch()
        body = answer.json()
        for row in body["predictions"]:
            row["prediction_set"] = ["red", "blue"]
        route.fulfill(response=answer, json=body)

    page.route("**/predict*", with_set)
    page.set_input_files("#files", [upload("cell.png", picture("red"))])
    settle(page)
    shown = page.locator(".card").text_content()
    assert "unsure" in shown
    assert "Could also be blue" in shown
    page.click(".filter[data-key=unsure]")
    page.click(".card")
    assert "Could also be blue" in page.inner_text("#facts")


def test_a_folder_gives_its_pictures_and_their_places(
    server: Running, visit: Callable[..., Any], tmp_path: Path
) -> None:
    folder = tmp_path / "smear"
    for name in ("b/2.png", "a/1.png", "a/notes.txt", ".hidden/3.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture())
    page = visit(server.url)
    page.set_input_files("#folder", str(folder))
    settle(page)
    assert page.locator(".card .name").evaluate_all("names => names.map(name => name.title)") == ["a/1.png", "b/2.png"]


def test_pictures_can_be_dropped_anywhere(server: Running, visit: Callable[..., Any]) -> None:
    page = visit(server.url)
    drop = """async bytes => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type: "image/png" }));
        document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }"""
    page.evaluate(drop, list(picture("green")))
    settle(page)
    assert page.locator(".card .verdict b").all_text_contents() == ["green"]


def test_too_large_a_file_is_told_without_sending_it(server: Running, visit: Callable[..., Any]) -> None:
    page = visit(server.url, errors=False)
    page.set_input_files("#files", [upload("a-large.png", b"\x89PNG" + b"x" * 200_000), upload("cell.png", picture())])
    settle(page)
    assert "too large" in page.locator(".card").first.text_content()
    assert page.locator(".card .verdict").count() == 1


def test_names_are_never_taken_for_markup(server: Running, visit: Callable[..., Any]) -> None:
    page = visit(server.url)
    page.set_input_files("#files", [upload("<img src=x onerror=alert(1)>.png", picture())])
    settle(page)
    assert page.locator(".card .name").text_content() == "<img src=x onerror=alert(1)>.png"


def test_a_server_that_went_away_is_told_and_tried_again(predictor: Predictor, visit: Callable[..., Any]) -> None:
    server = run_in_thread(predictor, Settings())
    page = visit(server.url, errors=False)
    page.route("**/predict*", lambda route: route.abort())
    page.set_input_files("#files", [upload("cell.png", picture())])
    page.wait_for_selector("#alert:not([hidden])")
    assert "cannot be reached" in page.inner_text("#alert")
    page.unroute("**/predict*")
    page.click("#alert button")
    settle(page)
    assert page.locator(".card").count() == 1
    server.stop()


def test_a_token_is_asked_for_and_kept(predictor: Predictor, visit: Callable[..., Any]) -> None:
    server = run_in_thread(predictor, Settings(token=Token(SECRET)))
    page = visit(server.url, errors=False, ready=False)
    for given in ("a-wrong-one-of-some-length", SECRET):
        page.wait_for_selector("#ask[open]")
        page.fill("#token", given)
        page.keyboard.press("Enter")
    page.wait_for_selector("body[data-ready]")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    page.set_input_files("#files", [upload("cell.png", picture())])
    settle(page)
    server.stop()


def test_light_and_dark_by_system_and_by_choice(server: Running, visit: Callable[..., Any]) -> None:
    page = visit(server.url, color_scheme="dark")
    back = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(back)
    page.click("#theme")
    light = page.evaluate(back)
    assert page.inner_text("#theme").endswith("light")
    assert dark != light
    page.reload()
    assert page.evaluate(back) == light
    page.click("#theme")
    assert page.evaluate(back) == dark


@pytest.mark.parametrize("width", [320, 390, 800])
def test_the_page_fits_small_screens(server: Running, visit: Callable[..., Any], width: int) -> None:
    page = visit(server.url, errors=False, viewport={"width": width, "height": 800}, has_touch=True)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert page.evaluate(fits)
    page.set_input_files("#files", sent())
    settle(page)
    assert page.evaluate(fits)
    page.click(".card >> nth=0")
    assert page.evaluate(fits)
    small = """[...document.querySelectorAll('#intake button, .panel button, .card, .filter')]
        .filter(one => one.offsetParent && one.offsetHeight < 32).length"""
    assert page.evaluate(small) == 0


def test_the_description_needs_nothing_from_elsewhere(server: Running, visit: Callable[..., Any]) -> None:
    page = visit(server.url)
    page.goto(f"{server.url}/docs")
    assert page.locator(".route").count() >= 10
    page.click("#theme")
    assert page.inner_text("#theme").endswith("light")


def test_many_pictures_are_shown_some_at_a_time(server: Running, visit: Callable[..., Any]) -> None:
    page = visit(server.url)
    page.set_input_files("#files", [upload(f"{number}.png", picture([*COLOURS][number % 3])) for number in range(600)])
    settle(page)
    wait_until(lambda: "600 cells" in page.inner_text("#count-lead"))
    assert page.locator(".card").count() == 200
    # By key: cards take their own height as they come into view, and may move the button from under a pointer that
    # presses in the moment of the jump to the end of the page.
    page.press("#more", "Enter")
    assert page.locator(".card").count() == 400
