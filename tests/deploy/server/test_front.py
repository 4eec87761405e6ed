"""What every request passes: headers for safety, one line in the log, and no file on the disk."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from tests.deploy.server.samples import files, noisy, picture

from smearlab.deploy.server.logs import LOGGER, JsonLines, log
from smearlab.inference.predictor import Predictor

opened: list[str] | None = None


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if opened is not None and event in ("open", "os.mkdir", "os.remove", "os.rename", "tempfile.mkstemp"):
        opened.append(f"{event} {arguments[0]!r}")


@pytest.fixture
def files_opened() -> Iterator[list[str]]:
    """What is opened or made on the disk while the test runs."""
    global opened
    if _watch not in _hooked:
        sys.addaudithook(_watch)  # cannot be taken back, so it is set once and switched off between tests
        _hooked.append(_watch)
    opened = []
    yield opened
    opened = None


_hooked: list[object] = []


@pytest.fixture
def lines() -> Iterator[list[dict[str, object]]]:
    """What the server logs, line by line."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    found: list[dict[str, object]] = []

    class Lines(list[dict[str, object]]):
        def __iter__(self) -> Iterator[dict[str, object]]:
            return iter([json.loads(line) for line in stream.getvalue().splitlines()])

    yield Lines(found)
    LOGGER.removeHandler(handler)


@pytest.mark.parametrize("path", ["/", "/docs", "/model", "/health", "/static/main.js", "/nowhere"])
def test_every_answer_is_headed_for_safety(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert len(headers["x-request-id"]) == 32


def test_no_answer_is_kept_by_a_browser_but_files_of_the_page_are_known_again(client: TestClient) -> None:
    assert client.get("/model").headers["cache-control"] == "no-store"
    first = client.get("/static/page.css")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/static/page.css", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_nothing_of_a_request_reaches_the_disk(client: TestClient, files_opened: list[str]) -> None:
    large = noisy(0, "BMP", (1_500, 1_000))  # 4.5 MB: frameworks put files above one megabyte on the disk
    for form in ("PNG", "JPEG", "TIFF", "GIF", "WEBP"):  # Pillow loads its parts when they are first used
        client.post("/predict", files=files(picture(form=form), large))
    client.post("/explain", files=files(picture()))
    client.get("/nowhere")
    files_opened.clear()
    for name in ("cell.png", "../../etc/passwd", "/etc/passwd", "C:\\boot.ini", "\0"):
        for form in ("PNG", "JPEG", "TIFF", "GIF", "WEBP"):
            answer = client.post("/predict", files=files(picture(form=form), large, b"junk", name=name))
            assert answer.status_code == 200
    client.post("/explain", files=files(large))
    client.get("/static/..%2f..%2fsettings.py")
    for path in ("/", "/static/main.js", "/model"):
        client.get(path)
    assert files_opened == []


def test_a_request_is_one_line_without_content_or_names(client: TestClient, lines: list[dict[str, object]]) -> None:
    exif = Image.Exif()
    exif[0x010E] = "patient-4711"
    client.post("/predict", files=files(picture(form="JPEG", exif=exif), b"junk", name="patient-4711.jpg"))
    client.get("/patient-4711?name=patient-4711")
    logged = list(lines)
    assert [line["path"] for line in logged] == ["/predict", "other"]
    assert logged[0]["pictures"] == 2
    assert logged[0]["status"] == 200
    assert set(logged[0]) == {"time", "level", "event", "request", "method", "path", "status", "ms", "pictures"}
    assert "patient" not in json.dumps(logged)


def test_exif_is_applied_but_never_shown(client: TestClient) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "patient-4711", 6
    answer = client.post("/predict?thumbnails=true", files=files(picture(form="JPEG", exif=exif)))
    assert answer.status_code == 200
    assert "4711" not in answer.text
    assert "4711" not in client.post("/explain", files=files(picture(form="JPEG", exif=exif))).text


def test_a_fault_of_ours_is_a_500_in_words_and_the_server_lives(
    client: TestClient, predictor: Predictor, lines: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("patient-4711")

    monkeypatch.setattr(predictor, "predict_framed", broken)
    answer = client.post("/predict", files=files(picture()))
    monkeypatch.undo()
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    fault = next(line for line in lines if line["event"] == "fault")
    assert (fault["error"], fault["request"]) == ("RuntimeError", answer.headers["x-request-id"])
    assert "4711" not in json.dumps(list(lines)) + answer.text
    assert client.post("/predict", files=files(picture())).status_code == 200


def test_events_have_their_fields(lines: list[dict[str, object]]) -> None:
    log("start", model="tiny")
    (line,) = lines
    assert (line["event"], line["model"], line["level"]) == ("start", "tiny", "info")
