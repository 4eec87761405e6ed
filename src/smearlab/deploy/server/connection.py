"""HTTP connections that do not wait for ever.

uvicorn itself sets no limit to how long a client may take for a request's head, or to take an answer: a few hundred
connections that send a byte now and then would hold the server's memory for good.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

from smearlab.deploy.server.refusal import Refusal
from smearlab.deploy.server.settings import Limits

_AT_ONCE = struct.pack("ii", 1, 0)
"""Linger for no second when the socket is closed."""


class PatientConnection(H11Protocol):
    """A connection whose client has so many seconds for each head, and for taking what is sent."""

    limits: ClassVar[Limits] = Limits()
    _head_timer: asyncio.TimerHandle | None = None
    _taking_timer: asyncio.TimerHandle | None = None
    _unsent: int = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        # asyncio leaves this out for sockets that it did not open itself. Without it an answer's body would wait for
        # the client to acknowledge its head, which clients put off for 40 ms.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watch()
        self._taking_timer = self.loop.call_later(self.limits.idle_seconds, self._check_taking)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that is whole ends the waiting."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Begin to wait for the next head."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """End all waiting."""
        super().connection_lost(exc)
        _end(self._head_timer, self._taking_timer)
        self._head_timer = self._taking_timer = None

    def _watch(self) -> None:
        """Keep a timer while no request is in work; further bytes of an unfinished head do not set it back."""
        if self.cycle is not None and not self.cycle.response_complete:
            _end(self._head_timer)
            self._head_timer = None
        elif self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(self.limits.header_seconds, self._too_slow)

    def _check_taking(self) -> None:
        """Hang up on a client that takes nothing of what waits for it, also after an orderly close has begun.

        uvicorn's own pauses in writing are no sign of it: they begin at 64 KiB, and a client may stop before.
        """
        unsent = self.transport.get_write_buffer_size()
        if unsent and unsent == self._unsent:
            # Reset at once: else the system would keep the megabytes it took for the client, and try for minutes.
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self.transport.abort()
            return
        self._unsent = unsent
        self._taking_timer = self.loop.call_later(self.limits.idle_seconds, self._check_taking)

    def _too_slow(self) -> None:
        """Say so, where a head was begun, and hang up."""
        begun = self.conn.trailing_data[0] and (self.cycle is None or self.cycle.response_complete)
        if begun and not self.transport.is_closing():
            body = bytes(Refusal(408, "too_slow", "The request's head took too long to arrive.").response().body)
            head = f"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            self.transport.write(f"{head}Connection: close\r\n\r\n".encode() + body)
        self.transport.close()


def _end(*timers: asyncio.TimerHandle | None) -> None:
    for timer in timers:
        if timer is not None:
            timer.cancel()
