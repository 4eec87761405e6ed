"""Saying no to a request: a status, a code for programs, and words for people."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse

from smearlab.errors import ServiceError


class Refusal(ServiceError):
    """A request that is not answered as asked.

    Attributes:
        status: the HTTP status.
        code: a short name of the reason that programs can rely on.
        headers: further headers of the answer.
        details: further members of the answer's JSON object.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: dict[str, str] | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}
        self.details = details or {}

    def response(self) -> JSONResponse:
        """Return the answer that says so."""
        error = {"code": self.code, "message": str(self)}
        return JSONResponse({"error": error, **self.details}, self.status, self.headers)


def busy(message: str) -> Refusal:
    """Refuse for now: the server has as much to do as it takes on."""
    return Refusal(429, "busy", f"{message} Try again in a second.", headers={"Retry-After": "1"})


def too_large(message: str) -> Refusal:
    """Refuse for good: a limit on size or number."""
    return Refusal(413, "too_large", message)


def malformed(message: str) -> Refusal:
    """Refuse a body that cannot be read."""
    return Refusal(400, "malformed", message)
