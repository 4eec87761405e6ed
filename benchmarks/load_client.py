"""Clients of a web service in one process: each sends its next request as soon as it has the answer to its last.

Plain sockets and ready-made requests, so that the clients take little of the processor that they share with the server.
"""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

FAILED = 0
"""The status of a request that got no answer at all."""


@dataclass
class Answers:
    """What became of many requests.

    Attributes:
        statuses: how many got which HTTP status; `FAILED` for none.
        seconds: how long each that was answered with 200 took.
        wall: seconds from the first request to the last answer.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    wall: float = 0.0

    @property
    def faults(self) -> int:
        """Requests that were neither answered nor told to come again."""
        return sum(number for status, number in self.statuses.items() if status not in (200, 429))


def prepared(host: str, port: int, pictures: Sequence[bytes]) -> bytes:
    """Write one ``POST /predict`` with these picture files, ready to be sent."""
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="pictures"; filename="cell"\r\n\r\n'.encode()
    body = b"".join(head + picture + b"\r\n" for picture in pictures) + f"--{boundary}--\r\n".encode()
    kind = f"Content-Type: multipart/form-data; boundary={boundary}"
    lines = ("POST /predict HTTP/1.1", f"Host: {host}:{port}", kind, f"Content-Length: {len(body)}", "", "")
    return "\r\n".join(lines).encode() + body


def send_for(host: str, port: int, requests: Sequence[bytes], clients: int, seconds: float) -> Answers:
    """Let clients send requests in turn for so many seconds."""
    end = time.perf_counter() + seconds
    endless = itertools.takewhile(lambda _: time.perf_counter() < end, itertools.cycle(requests))
    return asyncio.run(_send(host, port, endless, clients))


def send_all(host: str, port: int, requests: Sequence[bytes], clients: int) -> Answers:
    """Let clients send these requests, each once."""
    return asyncio.run(_send(host, port, iter(requests), clients))


async def _send(host: str, port: int, requests: Iterator[bytes], clients: int) -> Answers:
    answers = Answers()
    begun = time.perf_counter()
    await asyncio.gather(*(_client(host, port, requests, answers) for _ in range(clients)))
    answers.wall = time.perf_counter() - begun
    return answers


async def _client(host: str, port: int, requests: Iterator[bytes], answers: Answers) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    for request in requests:
        begun = time.perf_counter()
        try:
            writer.write(request)
            await writer.drain()
            status = await _answer(reader)
        except (OSError, asyncio.IncompleteReadError):
            status = FAILED
            writer.close()
            reader, writer = await asyncio.open_connection(host, port)
        answers.statuses[status] += 1
        if status == 200:
            answers.seconds.append(time.perf_counter() - begun)
    writer.close()


async def _answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])
