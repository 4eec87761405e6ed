"""Who may come in: so many requests at once, so many bytes in memory, and nobody once the server is to stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from smearlab.deploy.server.refusal import Refusal, busy
from smearlab.deploy.server.settings import Limits


class Ticket:
    """The leave of one request to hold memory; it gives all back when the request ends."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.held = 0

    def hold(self, number: int) -> None:
        """Count further bytes of the request's body.

        Raises:
            Refusal: 429, all requests together hold too many.
        """
        if self._admission.held + number > self._admission.limits.held_bytes:
            raise busy("The server holds as many uploads as its memory allows.")
        self._admission.held += number
        self.held += number


class Admission:
    """Counts what is in work. Used from the event loop alone, so nothing is locked.

    Attributes:
        limits: what may be in work.
        requests: requests in work.
        explanations: heat maps in work.
        held: bytes of bodies in memory.
        stopping: whether the server finishes what runs and takes no more.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.requests = 0
        self.explanations = 0
        self.held = 0
        self.stopping = False

    @contextmanager
    def request(self) -> Iterator[Ticket]:
        """Let one request in for the block.

        Raises:
            Refusal: 503 when the server stops, 429 when it has enough to do.
        """
        if self.stopping:
            raise Refusal(
                503, "stopping", "The server is about to stop. Try again later.", headers={"Retry-After": "5"}
            )
        if self.requests >= self.limits.requests:
            raise busy(f"The server already works on {self.requests} requests.")
        ticket = Ticket(self)
        self.requests += 1
        try:
            yield ticket
        finally:
            self.requests -= 1
            self.held -= ticket.held

    @contextmanager
    def explanation(self) -> Iterator[None]:
        """Let one heat map be made in the block.

        Raises:
            Refusal: 429, enough are being made.
        """
        if self.explanations >= self.limits.explanations:
            raise busy(f"The server already makes {self.explanations} heat maps.")
        self.explanations += 1
        try:
            yield
        finally:
            self.explanations -= 1
