"""Starting and stopping the server."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from smearlab.deploy.server.app import create_app
from smearlab.deploy.server.connection import PatientConnection
from smearlab.deploy.server.logs import log, set_up
from smearlab.deploy.server.settings import Settings
from smearlab.errors import ServiceError
from smearlab.inference.predictor import Predictor

if TYPE_CHECKING:
    from fastapi import FastAPI

    from smearlab.deploy.server.admission import Admission


def serve(model: str | Path, host: str, port: int, settings: Settings, threads: int | None = None) -> None:
    """Serve a model until the process is told to stop (Ctrl-C, or SIGTERM).

    The first signal ends it in good order: what runs is finished, new requests are refused with 503. A second ends it
    at once.

    Args:
        model: a model folder, a run folder, or ``default``.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        settings: limits, token and batch size.
        threads: CPU threads of the network; None takes as many as there are cores.

    Raises:
        ModelError: the model cannot be loaded.
        ServiceError: the address cannot be listened on.
    """
    listener = listen(host, port)
    try:
        predictor = Predictor.load(model, threads)
        set_up()
        app = create_app(predictor, settings)
        server = make_server(app.state.service.admission, app, settings)
        print(f"Serving {predictor.info.name} on {address(listener)} (Ctrl-C stops it)", flush=True)
        if settings.token is None and not _is_local(host):
            print("smearlab: no token is set, so whoever reaches this address can use it.", file=sys.stderr)
        log("start", model=predictor.info.name)
        server.run(sockets=[listener])
        log("stop")
    finally:
        listener.close()


class PoliteServer(uvicorn.Server):
    """A server that, told to stop, finishes what runs while it refuses what is new in words."""

    def __init__(self, config: uvicorn.Config, admission: Admission, patience: float) -> None:
        super().__init__(config)
        self._admission = admission
        self._patience = patience
        self._deadline: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal: the first asks, the second insists."""
        if self._admission.stopping:
            self.should_exit = True
            self.force_exit = True
        self._admission.stopping = True

    async def on_tick(self, counter: int) -> bool:
        """Say, ten times a second, whether it is time to go."""
        if self._admission.stopping and not self.should_exit:
            now = asyncio.get_running_loop().time()
            self._deadline = self._deadline or now + self._patience
            self.should_exit = self._admission.requests == 0 or now > self._deadline
        return await super().on_tick(counter)


def make_server(admission: Admission, app: FastAPI, settings: Settings) -> PoliteServer:
    """Make the HTTP server for an application, with the limits of its connections."""
    limits = settings.limits
    connection = type("Connection", (PatientConnection,), {"limits": limits})
    config = uvicorn.Config(
        app,
        http=connection,
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing here depends on who the client is
        limit_concurrency=limits.connections,
        timeout_graceful_shutdown=2,  # for answers that are still being sent
        h11_max_incomplete_event_size=32_768,
    )
    return PoliteServer(config, admission, limits.shutdown_seconds)


def listen(host: str, port: int) -> socket.socket:
    """Listen on an address, before anything slow is loaded.

    Raises:
        ServiceError: it is in use, not of this machine, or not to be had without rights.
    """
    if not 0 <= port <= 65_535:
        raise ServiceError(f"A port is a number from 0 to 65535, but got {port}.")
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(place[:2], family=family)
    except socket.gaierror:
        raise ServiceError(
            f"There is no address '{host}'. Give --host 127.0.0.1, or 0.0.0.0 for all networks."
        ) from None
    except (OSError, UnicodeError) as error:
        raise ServiceError(_why_not(error, host, port)) from None


def address(listener: socket.socket) -> str:
    """Return the URL at which a browser on this machine finds the server."""
    host, port = listener.getsockname()[:2]
    names = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
    return f"http://{names.get(host, f'[{host}]' if ':' in host else host)}:{port}"


def _why_not(error: OSError | UnicodeError, host: str, port: int) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use. Stop what uses it, or choose another: --port {port + 1}"
    if number == errno.EACCES:
        return f"Port {port} is not to be had without special rights. Choose one above 1023: --port 8000"
    return (
        f"Cannot listen on {host}, port {port}: {getattr(error, 'strerror', None) or error}. Check --host and --port."
    )


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
