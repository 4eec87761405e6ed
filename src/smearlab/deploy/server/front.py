"""What every request passes first and last: headers for safety, a line in the log, a count, and no crash."""

from __future__ import annotations

import logging
import time
import uuid

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smearlab.deploy.server.logs import log
from smearlab.deploy.server.measures import Measures
from smearlab.deploy.server.refusal import Refusal

CLIENT_LEFT = 499
"""The status that proxies write for a client that went away; it only ever stands in logs and counts."""

SAFETY = {
    # The page needs its own files, pictures that were dropped on it, and small PNGs from an answer; nothing else.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Front:
    """Wraps the application. Plain ASGI, so that a body is never gathered here."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self.app = app
        self.measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, and say what became of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit = Visit(scope, send)
        try:
            await self.app(scope, receive, visit.send)
        except ClientDisconnect:
            visit.status = CLIENT_LEFT
        except Exception as error:  # a fault of ours: this request fails, the server lives
            log("fault", level=logging.ERROR, error=error, request=visit.name)
            if visit.status is None:
                message = "Something went wrong in the server. Its log says more, under this request's id."
                await Refusal(500, "internal", message).response()(scope, receive, visit.send)
        finally:
            visit.end(self.measures)


class Visit:
    """One request on its way.

    Attributes:
        name: a random id, in the log and in the header ``X-Request-Id``.
        status: of the answer; None before there is one.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self.name = uuid.uuid4().hex
        self.status: int | None = None
        self._scope = scope
        self._send = send
        self._begun = time.perf_counter()

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on; its head gets the headers for safety."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self.name
            for name, value in SAFETY.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)

    def end(self, measures: Measures) -> None:
        """Count and log the request. Its path stands there only where it is one of ours: others may hold anything."""
        seconds = time.perf_counter() - self._begun
        route = self._scope.get("route")
        path = getattr(route, "path", None) or "other"
        method = self._scope["method"] if self._scope["method"] in ("GET", "HEAD", "POST", "OPTIONS") else "other"
        status = CLIENT_LEFT if self.status is None else self.status
        measures.requests.labels(path, method, str(status)).inc()
        measures.seconds.labels(path).observe(seconds)
        fields = {"pictures": self._scope["pictures"]} if "pictures" in self._scope else {}
        log(
            "request", request=self.name, method=method, path=path, status=status, ms=round(seconds * 1000, 1), **fields
        )
