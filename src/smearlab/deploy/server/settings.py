"""What a server may be told: its limits, its token, and how it runs the network."""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass, fields
from pathlib import Path

from smearlab.data.paths import user_path
from smearlab.errors import ServiceError

MIB = 2**20
TOKEN_VARIABLE = "SMEARLAB_TOKEN"
SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class Limits:
    """How much one request, and all of them together, may ask for.

    Attributes:
        picture_bytes: size of one picture file.
        request_bytes: size of a request's body.
        pictures: pictures in one request.
        pixels: width times height of one picture; told by its header, before it takes memory.
        side: longer side of one picture in pixels; resizing an endless strip takes memory by its length.
        requests: requests in work at once.
        held_bytes: bodies of all requests in memory at once.
        waiting: framed pictures that wait for the network.
        explanations: heat maps in work at once; each costs as much as a hundred pictures.
        connections: open connections.
        idle_seconds: longest wait for the next bytes of a body, and for the client to take those of an answer.
        upload_seconds: longest time for a whole body.
        header_seconds: longest time for a request's head, also the first of a connection.
        shutdown_seconds: how long running requests may take to finish once the server is told to stop.
    """

    picture_bytes: int = 20 * MIB
    request_bytes: int = 64 * MIB
    pictures: int = 256
    pixels: int = 25_000_000
    side: int = 16_384
    requests: int = 64
    held_bytes: int = 512 * MIB
    waiting: int = 2_048
    explanations: int = 2
    connections: int = 1_024
    idle_seconds: float = 10.0
    upload_seconds: float = 60.0
    header_seconds: float = 10.0
    shutdown_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Check that each allows something.

        Raises:
            ServiceError: one is not above zero.
        """
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                name = field.name.replace("_", " ")
                raise ServiceError(f"The limit of {name} must be above 0.")


class Token:
    """A secret that requests must bring; only its digest is kept."""

    def __init__(self, secret: str) -> None:
        self._digest = _digest(secret)

    def matches(self, given: str) -> bool:
        """Compare in a time that tells nothing about where the two differ."""
        return hmac.compare_digest(self._digest, _digest(given))


@dataclass(frozen=True)
class Settings:
    """How a server is to run.

    Attributes:
        limits: what requests may ask for.
        token: what they must bring; None where everyone is welcome.
        batch_size: pictures that are worked on at once.
        coverage: how often a picture's own class is to be in its prediction set, where the model has such sets.
    """

    limits: Limits = Limits()
    token: Token | None = None
    batch_size: int = 32
    coverage: float = 0.95

    def __post_init__(self) -> None:
        """Check the batch size.

        Raises:
            ServiceError: it is below 1.
        """
        if self.batch_size < 1:
            raise ServiceError(f"The batch size must be at least 1, but is {self.batch_size}.")


def find_token(file: Path | None) -> Token | None:
    """Take the token from a file, else from the environment variable `TOKEN_VARIABLE`, else none.

    Raises:
        ServiceError: the file cannot be read, or the token is too short or has characters that no header can hold.
    """
    if file is not None:
        return _checked_token(_read_secret(file), str(file))
    secret = os.environ.get(TOKEN_VARIABLE)
    return None if secret is None else _checked_token(secret, TOKEN_VARIABLE)


def _read_secret(file: Path) -> str:
    path = user_path(file, ServiceError)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ServiceError(f"The token cannot be read from {file}: {reason}. Check the path.") from None


def _checked_token(secret: str, where: str) -> Token:
    secret = secret.strip()
    if len(secret) < SHORTEST_TOKEN:
        raise ServiceError(
            f"The token in {where} has {len(secret)} characters; it needs at least {SHORTEST_TOKEN}."
            " Make one: python3 -c 'import secrets; print(secrets.token_urlsafe())'"
        )
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise ServiceError(f"The token in {where} must be letters, digits and signs of ASCII, without blanks.")
    return Token(secret)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
