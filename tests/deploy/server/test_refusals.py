"""What the service says to requests it does not answer as asked: a 4xx and words, and it lives on."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.deploy.server.samples import files, noisy, picture

from smearlab.deploy.server.settings import Limits, Settings, Token

FORM = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="pictures"; filename="a.png"\r\n\r\n'
FIELD = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'
ENDLESS = picture(form="JPEG", progressive=True)[:-2] + b"\xff\xda\x00\x08" * 500
SECRET = "a-secret-of-some-length"


def refused(answer: Any, status: int, code: str) -> str:
    """Check a refusal, and return its words."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    assert len(error["message"].split()) >= 4
    return str(error["message"])


def png_of(width: int, height: int) -> bytes:
    """A picture of nothing that is far larger than its file."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    deflate = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    packed = b"".join(deflate.compress(row) for _ in range(height)) + deflate.flush()
    chunks = ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


BODIES = {
    "nothing": (b"", FORM, 400, "malformed"),
    "no boundary in the header": (PART, "multipart/form-data", 400, "malformed"),
    "an endless boundary": (PART, f"multipart/form-data; boundary={'b' * 9000}", 400, "malformed"),
    "another boundary": (PART + b"x\r\n--c--\r\n", FORM, 400, "malformed"),
    "no closing boundary": (PART + picture(), FORM, 400, "malformed"),
    "a head that never ends": (b"--b\r\nContent-Disposition: " + b"x" * 70_000, FORM, 400, "malformed"),
    "a field that is no file": (FIELD, FORM, 400, "malformed"),
    "a part without a head": (b"--b\r\n\r\nx\r\n--b--\r\n", FORM, 400, "malformed"),
    "a form without parts": (b"--b--\r\n", FORM, 400, "malformed"),
    "no JSON": (b"{", "application/json", 400, "malformed"),
    "bytes that are no text": (b"\xff\xfe{}", "application/json", 400, "malformed"),
    "JSON nested without end": (b"[" * 100_000, "application/json", 400, "malformed"),
    "JSON of another form": (b"[1]", "application/json", 422, "invalid"),
    "no pictures in the JSON": (b'{"pictures": []}', "application/json", 422, "invalid"),
    "an unknown key": (b'{"pictures": [{"data": "QUJD", "size": 1}]}', "application/json", 422, "invalid"),
    "a number for base64": (b'{"pictures": [{"data": 5}]}', "application/json", 422, "invalid"),
    "letters that are not base64": (b'{"pictures": [{"data": "%%%"}]}', "application/json", 422, "bad_base64"),
    "plain text": (b"hello", "text/plain", 415, "unsupported_body"),
    "a bare picture": (picture(), "image/png", 415, "unsupported_body"),
}  # fmt: skip


@pytest.mark.parametrize("what", BODIES)
def test_bodies_that_cannot_be_read(client: TestClient, what: str) -> None:
    body, kind, status, code = BODIES[what]
    refused(client.post("/predict", content=body, headers={"Content-Type": kind}), status, code)
    assert client.post("/predict", files=files(picture())).status_code == 200


PICTURES = {
    "an empty file": (b"", 422, "unreadable", "empty"),
    "half a file": (noisy(1)[:600], 422, "unreadable", "truncated"),
    "a text": (b"hello", 415, "not_a_picture", "not a picture"),
    "a PDF": (b"%PDF-1.7", 415, "not_a_picture", "PDF"),
    "a drawing": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "not_a_picture", "SVG"),
    "a PostScript program": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "not_a_picture", "PostScript"),
    "a bomb": (png_of(20_000, 20_000), 413, "too_large", "25,000,000"),
    "an endless strip": (png_of(20_000, 1), 413, "too_large", "16,384"),
    "scans without end": (ENDLESS, 422, "unreadable", "scans"),
}  # fmt: skip


@pytest.mark.parametrize("what", PICTURES)
def test_pictures_that_cannot_be_used(client: TestClient, what: str) -> None:
    sent, status, code, words = PICTURES[what]
    answer = client.post("/predict", files=files(sent))
    assert words in refused(answer, status, code)
    assert words in answer.json()["predictions"][0]["error"]
    assert words in refused(client.post("/explain", files=files(sent)), status, code)
    beside = client.post("/predict", files=files(picture(), sent))
    assert beside.status_code == 200
    assert [bool(row["error"]) for row in beside.json()["predictions"]] == [False, True]


def test_faults_of_different_kinds_share_a_status(client: TestClient) -> None:
    message = refused(client.post("/predict", files=files(b"text", b"")), 422, "unreadable")
    assert "None of the 2 pictures" in message


def test_one_picture_too_large_among_others(client_with: Callable[..., TestClient]) -> None:
    client = client_with(picture_bytes=2_000)
    large = noisy(0, size=(60, 60))
    assert len(large) > 2_000
    rows = client.post("/predict", files=files(picture(), large, picture())).json()["predictions"]
    assert [row["error"][:9] for row in rows] == ["", "too large", ""]
    refused(client.post("/predict", files=files(large)), 413, "too_large")
    data = base64.b64encode(large).decode()
    refused(client.post("/predict", json={"pictures": [{"data": data}]}), 413, "too_large")


def test_requests_too_large(client_with: Callable[..., TestClient]) -> None:
    client = client_with(request_bytes=5_000)
    big = noisy(0, size=(60, 60))
    refused(client.post("/predict", files=files(big)), 413, "too_large")  # told by its declared length
    chunks = (chunk for chunk in [PART, big, b"\r\n--b--\r\n"])  # of no declared length
    answer = client.post("/predict", content=chunks, headers={"Content-Type": FORM})
    refused(answer, 413, "too_large")
    assert client.get("/metrics").text.count("smearlab_held_bytes 0.0") == 1


def test_json_counts_for_what_it_takes_in_memory(client_with: Callable[..., TestClient]) -> None:
    client = client_with(request_bytes=50_000, held_bytes=100_000)
    data = base64.b64encode(picture()).decode()
    body = json.dumps({"pictures": [{"data": data}]}).encode()
    for padding, status in ((1_000, 200), (45_000, 429)):
        headers = {"Content-Type": "application/json"}
        assert client.post("/predict", content=body + b" " * padding, headers=headers).status_code == status


def test_too_many_pictures(client_with: Callable[..., TestClient]) -> None:
    client = client_with(pictures=3)
    assert client.post("/predict", files=files(*[picture()] * 3)).status_code == 200
    refused(client.post("/predict", files=files(*[picture()] * 4)), 413, "too_large")
    data = base64.b64encode(picture()).decode()
    refused(client.post("/predict", json={"pictures": [{"data": data}] * 4}), 413, "too_large")


def test_more_pixels_than_allowed(client_with: Callable[..., TestClient]) -> None:
    client = client_with(pixels=480)
    assert client.post("/predict", files=files(picture())).status_code == 200
    refused(client.post("/predict", files=files(picture(size=(24, 21)))), 413, "too_large")


def test_only_one_picture_is_explained(client: TestClient) -> None:
    refused(client.post("/explain", files=files(picture(), picture())), 422, "invalid")


def test_compressed_bodies(client: TestClient) -> None:
    headers = {"Content-Encoding": "gzip"}
    refused(client.post("/predict", files=files(picture()), headers=headers), 415, "unsupported_body")


@pytest.mark.parametrize("counts", [{"a": -1}, {"a": 1.5}, {"a": "1"}, [], {str(n): 1 for n in range(2_000)}])
def test_counts_that_are_none(client: TestClient, counts: object) -> None:
    refused(client.post("/differential", json={"counts": counts}), 422, "invalid")


def test_a_small_body_may_not_be_large(client: TestClient) -> None:
    body = b'{"counts": {"a": 1}' + b" " * 70_000 + b"}"
    headers = {"Content-Type": "application/json"}
    refused(client.post("/differential", content=body, headers=headers), 413, "too_large")


def test_strange_addresses_and_methods(client: TestClient) -> None:
    refused(client.get("/no/such/place"), 404, "not_found")
    refused(client.get("/static/../settings.py"), 404, "not_found")
    refused(client.get("/static/%2e%2e/settings.py"), 404, "not_found")
    refused(client.get("/predict"), 405, "wrong_method")
    refused(client.post("/predict?thumbnails=perhaps", files=files(picture())), 422, "invalid")


def test_nothing_of_a_request_is_repeated(client: TestClient) -> None:
    secret = "patient-4711"
    answers = [
        client.post("/predict", json={"pictures": [{"data": "QUJD", secret: secret}]}),
        client.post("/predict", json={secret: secret}),
        client.post("/differential", json={"counts": {"a": secret}}),
        client.get(f"/{secret}"),
        client.post("/predict", content=secret.encode(), headers={"Content-Type": secret}),
    ]
    assert [secret in answer.text for answer in answers] == [False] * 5
    assert secret not in client.get("/metrics").text


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("C:\\Users\\ann\\cell.png", "cell.png"),
        ("/home/ann/smear/cell.png", "cell.png"),
        ("../../etc/passwd", "passwd"),
        ("a\tb.png", "a\ufffdb.png"),
        ("<b>.png", "<b>.png"),
        ("n" * 900, "n" * 200),
        ("", ""),
    ],
)
def test_of_a_name_only_the_last_part_is_told(client: TestClient, name: str, told: str) -> None:
    data = base64.b64encode(picture()).decode()
    (row,) = client.post("/predict", json={"pictures": [{"data": data, "source": name}]}).json()["predictions"]
    assert row["source"] == told


class TestToken:
    @pytest.fixture
    def guarded(self, client_with: Callable[..., TestClient]) -> TestClient:
        return client_with(Settings(Limits(), Token(SECRET)))

    def test_without_it_nothing_is_told(self, guarded: TestClient) -> None:
        for answer in (
            guarded.post("/predict", files=files(picture())),
            guarded.post("/explain", files=files(picture())),
            guarded.post("/differential", json={"counts": {}}),
            guarded.get("/model"),
            guarded.get("/metrics"),
            guarded.get("/model", headers={"Authorization": "Bearer another-secret-here"}),
            guarded.get("/model", headers={"Authorization": f"Basic {SECRET}"}),
            guarded.get("/model", headers={"Authorization": SECRET}),
        ):
            refused(answer, 401, "unauthorised")
            assert answer.headers["www-authenticate"] == "Bearer"

    def test_with_it_all_is_open(self, guarded: TestClient) -> None:
        headers = {"Authorization": f"Bearer {SECRET}"}
        assert guarded.post("/predict", files=files(picture()), headers=headers).status_code == 200
        assert guarded.get("/model", headers=headers).status_code == 200

    def test_the_page_and_the_health_need_none(self, guarded: TestClient) -> None:
        for path in ("/", "/docs", "/openapi.json", "/health", "/static/main.js"):
            assert guarded.get(path).status_code == 200
