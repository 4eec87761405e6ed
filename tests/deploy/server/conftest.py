"""A tiny model behind the application: in this process, and as a real server in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.inference.tiny_model import write_tiny_folder

from smearlab.deploy.server.app import create_app
from smearlab.deploy.server.running import PoliteServer, address, listen, make_server
from smearlab.deploy.server.settings import Limits, Settings
from smearlab.inference.predictor import Predictor

PATIENCE = 60.0  # seconds: a busy machine is slow, and that is no fault of the server


@pytest.fixture(scope="session")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A model whose label is the brightest channel."""
    return Predictor.load(write_tiny_folder(tmp_path_factory.mktemp("model")), threads=1)


@pytest.fixture(scope="module")
def client(predictor: Predictor) -> Iterator[TestClient]:
    """The application with its usual limits."""
    with TestClient(create_app(predictor)) as running:
        yield running


@pytest.fixture
def client_with(predictor: Predictor) -> Iterator[Callable[..., TestClient]]:
    """Make a client of an application with other settings."""
    opened: list[TestClient] = []

    def made(settings: Settings | None = None, **limits: float) -> TestClient:
        client = TestClient(create_app(predictor, settings or Settings(Limits(**limits))))  # type: ignore[arg-type]
        client.__enter__()
        opened.append(client)
        return client

    yield made
    for client in opened:
        client.__exit__(None, None, None)


@dataclass
class Running:
    """A server in a thread."""

    url: str
    port: int
    app: FastAPI
    server: PoliteServer
    thread: threading.Thread

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@pytest.fixture
def start(predictor: Predictor) -> Iterator[Callable[..., Running]]:
    """Start a real server with these limits."""
    running: list[Running] = []

    def started(settings: Settings | None = None, **limits: float) -> Running:
        one = run_in_thread(predictor, settings or Settings(Limits(**limits)))  # type: ignore[arg-type]
        running.append(one)
        return one

    yield started
    for one in running:
        one.stop()


def run_in_thread(predictor: Predictor, settings: Settings) -> Running:
    listener = listen("127.0.0.1", 0)
    app = create_app(predictor, settings)
    server = make_server(app.state.service.admission, app, settings)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    return Running(address(listener), listener.getsockname()[1], app, server, thread)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model folder, for those who start the command."""
    return write_tiny_folder(tmp_path_factory.mktemp("served"))
