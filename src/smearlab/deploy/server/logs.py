"""Structured logs: one JSON object a line. No content of a request, no file name, no address of a client."""

from __future__ import annotations

import json
import logging
import sys
import traceback
import warnings
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

LOGGER = logging.getLogger("smearlab.server")
_SOURCES = ("smearlab.server", "uvicorn", "uvicorn.error")


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object; what stands in its `fields` attribute becomes members."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        about: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage().strip(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            about["error"] = record.exc_info[0].__name__
            about["where"] = places(record.exc_info[2])
        return json.dumps(about, ensure_ascii=False)


def places(trace: TracebackType | None) -> list[str]:
    """Return the functions an error went through, without its message, which may hold what a request brought."""
    return [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(trace)]


def log(event: str, *, level: int = logging.INFO, error: BaseException | None = None, **fields: object) -> None:
    """Write one event with its fields."""
    information = None if error is None else (type(error), error, error.__traceback__)
    LOGGER.log(level, event, extra={"fields": fields}, exc_info=information)


def set_up(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send the server's events, and what uvicorn has to say, to a stream; standard error by default."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    for name in _SOURCES:
        logger = logging.getLogger(name)
        logger.handlers = [handler] if name != "uvicorn.error" else []
        logger.propagate = name == "uvicorn.error"
        logger.setLevel(level if name == "smearlab.server" else logging.WARNING)
    # Pillow warns of damaged metadata in words that quote it, and Python remembers each of these texts for good.
    warnings.filterwarnings("ignore", module=r"PIL\.")
