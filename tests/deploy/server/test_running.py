"""A real server on a real port: slow clients, crowds, and a good end."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from tests.deploy.server.conftest import PATIENCE, Running, wait_until
from tests.deploy.server.samples import files, picture

from smearlab.deploy.server.running import address, listen
from smearlab.errors import ServiceError

Start = Callable[..., Running]
HEAD = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 90000\r\n\r\n"


def connect(server: Running) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    connection.settimeout(PATIENCE)
    return connection


def everything(connection: socket.socket) -> bytes:
    received = b""
    while chunk := connection.recv(65_536):
        received += chunk
    return received


def named(server: Running) -> None:
    """The server names a picture: it lives."""
    answer = httpx.post(f"{server.url}/predict", files=files(picture("blue")), timeout=PATIENCE)
    assert answer.json()["predictions"][0]["label"] == "blue"


class TestSlowClients:
    def test_a_head_that_never_ends(self, start: Start) -> None:
        server = start(header_seconds=0.3)
        with connect(server) as silent, connect(server) as begun:
            begun.sendall(b"POST /predict HTT")
            answer = everything(begun)
            assert answer.startswith(b"HTTP/1.1 408")
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "too_slow"
            assert everything(silent) == b""
        named(server)

    def test_a_head_that_comes_byte_by_byte(self, start: Start) -> None:
        server = start(header_seconds=0.5)
        with connect(server) as connection:
            begun = time.monotonic()
            with pytest.raises(OSError):  # noqa: PT012 - whichever byte finds the connection closed
                while time.monotonic() - begun < PATIENCE:
                    connection.sendall(b"G")
                    time.sleep(0.05)
            assert time.monotonic() - begun < PATIENCE / 2

    def test_a_body_that_stops(self, start: Start) -> None:
        server = start(idle_seconds=0.3)
        with connect(server) as connection:
            connection.sendall(HEAD + b'{"pictures": [')
            assert b" 408 " in connection.recv(65_536).split(b"\r\n")[0]
        named(server)

    def test_a_body_that_drips(self, start: Start) -> None:
        server = start(upload_seconds=0.6)
        with connect(server) as connection:
            connection.sendall(HEAD)
            connection.settimeout(0.1)
            answer = b""
            for _ in range(int(PATIENCE / 0.1)):
                connection.sendall(b" ")
                try:
                    answer = connection.recv(65_536)
                except TimeoutError:
                    continue
                break
            assert b" 408 " in answer.split(b"\r\n")[0]
        named(server)

    def test_a_client_that_leaves_in_the_middle(self, start: Start) -> None:
        server = start()
        for _ in range(20):
            with connect(server) as connection:
                connection.sendall(HEAD + b"x" * 1_000)
        wait_until(lambda: server.app.state.service.admission.requests == 0)
        assert server.app.state.service.admission.held == 0
        named(server)

    def test_a_client_that_takes_no_answer(self, start: Start) -> None:
        server = start(idle_seconds=0.3)
        with connect(server) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_024)
            ask = b"GET /static/main.js HTTP/1.1\r\nHost: a\r\n\r\n"
            deadline = time.monotonic() + PATIENCE
            # Never reading: with the first byte taken, the server would rightly wait again.
            with pytest.raises((ConnectionResetError, BrokenPipeError)):  # noqa: PT012 - whichever request finds it
                while time.monotonic() < deadline:
                    connection.sendall(ask)
        named(server)

    def test_nothing_is_kept_for_a_client_that_was_hung_up_on(self, start: Start) -> None:
        server = start(idle_seconds=0.3)
        with connect(server) as connection:
            # Few enough for the server to take them all: a close with requests unread would reset by itself.
            connection.sendall(b"GET /static/main.js HTTP/1.1\r\nHost: a\r\n\r\n" * 1_000)
            wait_until(lambda: bool(server.server.server_state.connections))
            wait_until(lambda: not server.server.server_state.connections)
            with pytest.raises(ConnectionResetError):  # and no more of the answers, however long it waits
                everything(connection)


def test_an_answer_does_not_wait_to_be_acknowledged(start: Start) -> None:
    server = start()
    seconds = []
    with httpx.Client(timeout=PATIENCE) as client:
        for _ in range(30):
            begun = time.perf_counter()
            client.get(f"{server.url}/health")
            seconds.append(time.perf_counter() - begun)
    assert min(seconds) < 0.02  # a client puts its acknowledgement off for 40 ms


def test_bytes_that_are_no_http(start: Start) -> None:
    server = start()
    for junk in (
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"\0" * 100,
        b"GET / HTTP/x\r\n\r\n",
        b"GET /\x80 HTTP/1.1\r\n\r\n",
        b"A" * 70_000,
    ):
        with connect(server) as connection:
            connection.sendall(junk)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(65_536)
            assert not answer or answer.startswith(b"HTTP/1.1 4")
    named(server)


def test_a_declared_length_beyond_the_limit_is_refused_before_it_is_sent(start: Start) -> None:
    server = start(request_bytes=10_000)
    with connect(server) as connection:
        connection.sendall(HEAD)
        answer = connection.recv(65_536)
    assert b" 413 " in answer.split(b"\r\n")[0]


class TestCrowds:
    def test_more_requests_than_are_taken_are_told_to_come_again(self, start: Start) -> None:
        server = start(requests=2, idle_seconds=PATIENCE)
        with connect(server) as one, connect(server) as two:
            for connection in (one, two):
                connection.sendall(HEAD)
            wait_until(lambda: server.app.state.service.admission.requests == 2)
            answer = httpx.post(f"{server.url}/predict", files=files(picture()), timeout=PATIENCE)
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
            assert answer.json()["error"]["code"] == "busy"
            assert httpx.get(f"{server.url}/health", timeout=PATIENCE).status_code == 200
        wait_until(lambda: server.app.state.service.admission.requests == 0)
        named(server)

    def test_uploads_that_together_fill_the_memory(self, start: Start) -> None:
        server = start(held_bytes=50_000, idle_seconds=PATIENCE)
        with connect(server) as one:
            one.sendall(HEAD + b"x" * 49_000)
            wait_until(lambda: server.app.state.service.admission.held == 49_000)
            answer = httpx.post(f"{server.url}/predict", files=files(picture(), b"x" * 5_000), timeout=PATIENCE)
            assert answer.status_code == 429
        wait_until(lambda: server.app.state.service.admission.held == 0)
        named(server)

    def test_heat_maps_are_made_a_few_at_a_time(self, start: Start) -> None:
        server = start(explanations=1)
        gate = hold_the_network(server)
        with ThreadPoolExecutor(3) as pool:
            asked = [pool.submit(explain, server) for _ in range(3)]
            wait_until(lambda: sum(one.done() for one in asked) == 2)
            gate.set()
            assert sorted(one.result() for one in asked) == [200, 429, 429]

    def test_clients_at_once_get_their_own_answers(self, start: Start) -> None:
        server = start()
        colours = ["red", "green", "blue"] * 20

        def ask(colour: str) -> str:
            data = base64.b64encode(picture(colour)).decode()
            body = {"pictures": [{"data": data}]}
            answer = httpx.post(f"{server.url}/predict", json=body, timeout=PATIENCE)
            return str(answer.json()["predictions"][0]["label"])

        with ThreadPoolExecutor(12) as pool:
            assert list(pool.map(ask, colours)) == colours


def explain(server: Running) -> int:
    return httpx.post(f"{server.url}/explain", files=files(picture()), timeout=PATIENCE).status_code


def hold_the_network(server: Running) -> threading.Event:
    """Let the network wait until the event is set."""
    gate = threading.Event()
    batcher: Any = server.app.state.service.batcher
    predictor = batcher.predictor

    class Held:
        framing = predictor.framing

        def predict_framed(self, batch: Any) -> Any:
            gate.wait(PATIENCE)
            return predictor.predict_framed(batch)

    batcher.predictor = Held()
    return gate


class TestEnd:
    def test_what_runs_is_finished_and_what_is_new_refused(self, start: Start) -> None:
        server = start()
        gate = hold_the_network(server)
        keeps = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        keeps.request("GET", "/health")
        assert keeps.getresponse().read()
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(httpx.post, f"{server.url}/predict", files=files(picture()), timeout=PATIENCE)
            wait_until(lambda: server.app.state.service.admission.requests == 1)
            server.server.handle_exit(signal.SIGTERM, None)
            new = httpx.post(f"{server.url}/predict", files=files(picture()), timeout=PATIENCE)
            assert (new.status_code, new.json()["error"]["code"]) == (503, "stopping")
            assert httpx.get(f"{server.url}/health", timeout=PATIENCE).status_code == 503
            gate.set()
            assert running.result().status_code == 200
        server.thread.join(PATIENCE)
        assert not server.thread.is_alive()
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/health", timeout=PATIENCE)

    def test_patience_with_what_runs_has_an_end(self, start: Start) -> None:
        server = start(shutdown_seconds=0.2, idle_seconds=PATIENCE)
        with connect(server) as connection:
            connection.sendall(HEAD)
            wait_until(lambda: server.app.state.service.admission.requests == 1)
            server.server.handle_exit(signal.SIGTERM, None)
            server.thread.join(PATIENCE)
            assert not server.thread.is_alive()


class TestAddress:
    def test_a_port_in_use(self) -> None:
        with listen("127.0.0.1", 0) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(ServiceError, match=rf"Port {port} .* in use.*--port {port + 1}"):
                listen("127.0.0.1", port)

    @pytest.mark.parametrize(
        ("host", "port", "told"),
        [
            ("127.0.0.1", 70_000, "0 to 65535"),
            ("no.such.host.invalid", 8000, "There is no address"),
            ("192.0.2.1", 8000, "Cannot listen on 192.0.2.1"),
            ("a" * 70, 8000, "--host"),
        ],
    )
    def test_places_where_nobody_can_listen(self, host: str, port: int, told: str) -> None:
        with pytest.raises(ServiceError, match=told):
            listen(host, port)

    def test_the_address_is_one_that_a_browser_takes(self) -> None:
        with listen("0.0.0.0", 0) as everywhere:
            assert address(everywhere) == f"http://127.0.0.1:{everywhere.getsockname()[1]}"


class TestCommand:
    def test_it_serves_until_it_is_told_to_stop(self, tiny_folder: Path, tmp_path: Path) -> None:
        command = [
            sys.executable,
            "-m",
            "smearlab",
            "serve",
            "--model",
            str(tiny_folder),
            "--port",
            "0",
            "--threads",
            "1",
        ]
        log = tmp_path / "log"
        with log.open("wb") as errors:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
            assert process.stdout is not None
            said = process.stdout.readline()
            url = next(word for word in said.split() if word.startswith("http://"))
            wait_until(lambda: b'"start"' in log.read_bytes())
            assert httpx.get(f"{url}/health", timeout=PATIENCE).json() == {"status": "ok"}
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
        assert (events[0], events[-1]) == ("start", "stop")
        assert str(tiny_folder) not in log.read_text()

    def test_a_port_in_use_is_a_mistake_in_one_line(self, tiny_folder: Path) -> None:
        with listen("127.0.0.1", 0) as taken:
            port = str(taken.getsockname()[1])
            done = smearlab("serve", "--model", str(tiny_folder), "--port", port)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"smearlab: Port {port}")
        assert done.stderr.count("\n") == 1

    def test_without_its_extra_it_says_what_to_install(self) -> None:
        code = (
            "import sys; from importlib import util; found = util.find_spec\n"
            "util.find_spec = lambda name, *rest: None if name == 'fastapi' else found(name, *rest)\n"
            "import smearlab.errors as errors; errors.find_spec = util.find_spec\n"
            "from smearlab.__main__ import main; sys.exit(main(['serve']))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 2
        assert "pip install 'smearlab[web]'" in done.stderr

    def test_the_server_needs_no_torch(self) -> None:
        code = "import smearlab.deploy.server.running, sys; print({'torch', 'timm', 'sklearn'} & set(sys.modules))"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=True
        )
        assert done.stdout.strip() == "set()"


def smearlab(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "smearlab", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False)
