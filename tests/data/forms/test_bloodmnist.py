import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from smearlab.data.cache import cache_folder
from smearlab.data.forms import bloodmnist
from smearlab.data.forms.bloodmnist import fetch, open_bloodmnist
from smearlab.data.read import read
from smearlab.errors import DataError


class Server(ThreadingHTTPServer):
    """Serves files; it can ignore ranges, break off, or fail."""

    files: dict[str, bytes]
    ranges = True
    break_after: int | None = None
    breaks_left = 0
    status = 0
    requests: list[tuple[str, str | None]]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, wanted = self.server, self.headers.get("Range")
        server.requests.append((self.path, wanted))
        data = server.files.get(self.path.lstrip("/"))
        if server.status or data is None:
            self.send_error(server.status or 404)
            return
        start = int(wanted.split("=")[1].rstrip("-")) if wanted and server.ranges else 0
        if start and start >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        body = data[start:]
        if server.breaks_left and server.break_after is not None:
            server.breaks_left -= 1
            body = body[: server.break_after]
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def npz(tmp_path: Path) -> bytes:
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 8), ("val", 4), ("test", 4)):
        arrays[f"{part}_images"] = rng.integers(0, 256, (count, 28, 28, 3), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.arange(count, dtype=np.uint8)[:, None] % 8
    np.savez(tmp_path / "made.npz", **arrays)  # type: ignore[arg-type]
    return (tmp_path / "made.npz").read_bytes()


@pytest.fixture
def server(npz: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve the file under every name, with its checksum as the official one, and give the test its own cache."""
    server = Server(("127.0.0.1", 0), Handler)
    server.files = dict.fromkeys(bloodmnist.CHECKSUMS, npz)
    server.requests = []
    checksum = hashlib.md5(npz).hexdigest()
    monkeypatch.setattr(bloodmnist, "CHECKSUMS", dict.fromkeys(bloodmnist.CHECKSUMS, checksum))
    monkeypatch.setenv("SMEARLAB_BLOODMNIST_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("SMEARLAB_CACHE", str(tmp_path / "cache"))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def part_of(name: str) -> Path:
    part = cache_folder() / "downloads" / f"{name}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    return part


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("bloodmnist", "bloodmnist"),
        ("bloodmnist:28", "bloodmnist"),
        ("bloodmnist:64", "bloodmnist_64"),
        ("bloodmnist:128", "bloodmnist_128"),
        ("bloodmnist:224", "bloodmnist_224"),
    ],
)
def test_each_size_is_downloaded_once(server: Server, text: str, name: str) -> None:
    cells = read(text)
    assert cells.name == name
    assert cells.parts is not None
    assert cells.parts.tolist() == ["train"] * 8 + ["validation"] * 4 + ["test"] * 4
    read(text)
    assert server.requests == [(f"/{name}.npz", None)]


def test_a_broken_download_goes_on_where_it_ended(server: Server, npz: bytes) -> None:
    part_of("bloodmnist.npz").write_bytes(npz[:1000])
    assert fetch("bloodmnist.npz").read_bytes() == npz
    assert server.requests == [("/bloodmnist.npz", "bytes=1000-")]
    assert not part_of("bloodmnist.npz").exists()


def test_a_server_that_ignores_ranges_starts_over(server: Server, npz: bytes) -> None:
    server.ranges = False
    part_of("bloodmnist.npz").write_bytes(b"x" * 1000)
    assert fetch("bloodmnist.npz").read_bytes() == npz


def test_a_part_that_is_already_whole_is_checked_and_used(server: Server, npz: bytes) -> None:
    part_of("bloodmnist.npz").write_bytes(npz)
    assert fetch("bloodmnist.npz").read_bytes() == npz


def test_a_connection_that_breaks_is_taken_up_at_once(server: Server, npz: bytes) -> None:
    server.break_after, server.breaks_left = 2000, 2
    assert fetch("bloodmnist.npz").read_bytes() == npz
    assert [wanted for _, wanted in server.requests] == [None, "bytes=2000-", "bytes=4000-"]


def test_a_connection_that_keeps_breaking_says_how_to_go_on(server: Server, npz: bytes) -> None:
    server.break_after, server.breaks_left = 1000, 3
    with pytest.raises(DataError, match=r"broke off.*Run again"):
        fetch("bloodmnist.npz")
    assert part_of("bloodmnist.npz").stat().st_size == 3000
    assert fetch("bloodmnist.npz").read_bytes() == npz


@pytest.mark.parametrize("beginning", [b"", b"wrong"])
def test_a_wrong_checksum_removes_the_part(server: Server, npz: bytes, beginning: bytes) -> None:
    server.files["bloodmnist.npz"] = b"wrong" + npz[5:-1] + b"?"
    part_of("bloodmnist.npz").write_bytes(beginning)
    with pytest.raises(DataError, match=r"not the official file.*removed"):
        fetch("bloodmnist.npz")
    assert list(part_of("bloodmnist.npz").parent.glob("bloodmnist*")) == []
    server.files["bloodmnist.npz"] = npz
    assert fetch("bloodmnist.npz").read_bytes() == npz


def test_faults_of_the_server_are_told(server: Server) -> None:
    server.status = 503
    with pytest.raises(DataError, match="503"):
        fetch("bloodmnist.npz")


def test_without_a_connection_the_file_can_be_put_by_hand(
    npz: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMEARLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SMEARLAB_BLOODMNIST_URL", "http://127.0.0.1:9")
    place = tmp_path / "cache" / "downloads" / "bloodmnist_64.npz"
    with pytest.raises(DataError, match="Without a connection") as caught:
        read("bloodmnist:64")
    assert str(place) in str(caught.value)
    place.write_bytes(npz)
    assert len(read("bloodmnist:64")) == 16


def test_two_that_want_it_download_once(server: Server, npz: bytes) -> None:
    threads = [threading.Thread(target=fetch, args=("bloodmnist.npz",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 1
    assert fetch("bloodmnist.npz").read_bytes() == npz


@pytest.mark.parametrize("text", ["bloodmnist:32", "bloodmnist:", "bloodmnist:64px"])
def test_other_sizes_are_refused(text: str, server: Server) -> None:
    if text == "bloodmnist:":
        assert open_bloodmnist(text).name == "bloodmnist"
        return
    with pytest.raises(DataError, match="28, 64, 128, 224"):
        open_bloodmnist(text)


def test_the_official_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMEARLAB_BLOODMNIST_URL", raising=False)
    url = "https://zenodo.org/records/10519652/files/bloodmnist_64.npz?download=1"
    assert bloodmnist._url("bloodmnist_64.npz") == url
    assert all(len(checksum) == 32 for checksum in bloodmnist.CHECKSUMS.values())
