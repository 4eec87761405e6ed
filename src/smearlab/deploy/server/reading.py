"""Reading the pictures of a request, within limits of size, number and time."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from smearlab.deploy.server.admission import Ticket
from smearlab.deploy.server.multipart import PictureParts
from smearlab.deploy.server.refusal import Refusal, malformed, too_large
from smearlab.deploy.server.settings import Limits
from smearlab.deploy.server.upload import Fault, Upload, base_name, oversized

Model = TypeVar("Model", bound=BaseModel)
MULTIPART, JSON = "multipart/form-data", "application/json"
SMALL_BODY = 65_536
"""Bytes of a body that holds no pictures."""

JSON_COPIES = 3
"""A JSON body is in memory as it came, as texts, and as what they stand for."""

_BAD_BASE64 = Fault(422, "bad_base64", "its data is not base64")


class JsonPicture(BaseModel):
    """A picture in a JSON body."""

    model_config = ConfigDict(extra="forbid", strict=True)

    data: str = Field(description="The picture file, base64; a data: URL is taken as well.", min_length=1)
    source: str = Field(default="", description="Its file name, which the answer repeats without its folder.")


class JsonPictures(BaseModel):
    """A JSON body with pictures."""

    model_config = ConfigDict(extra="forbid", strict=True)

    pictures: Annotated[list[JsonPicture], Field(min_length=1)]


async def read_uploads(request: Request, ticket: Ticket, limits: Limits) -> list[Upload]:
    """Read the pictures of a request: multipart files, or JSON with base64.

    Args:
        request: its headers are read, its body not yet.
        ticket: counts the bytes that are held.
        limits: of size, number and time.

    Returns:
        One entry per picture, at least one, in the order of the request.

    Raises:
        Refusal: 400 malformed, 408 too slow, 413 too large, 415 another type of body, 429 no memory to hold it.
    """
    kind = _content_type(request, (MULTIPART, JSON))
    chunks = _body(request, ticket, limits)
    if kind == MULTIPART:
        parts = PictureParts(request.headers["content-type"], limits)
        async for chunk in chunks:
            parts.write(chunk)
        uploads = parts.finish()
    else:
        body = b"".join([chunk async for chunk in chunks])
        ticket.hold((JSON_COPIES - 1) * len(body))
        # In a thread, since 64 MiB of base64 take a second in which others should be answered.
        uploads = await asyncio.to_thread(parse_json, body, limits)
    if not uploads:
        raise malformed("The request has no picture. Send at least one, as in: curl -F pictures=@cell.png …")
    return uploads


async def read_small_json(request: Request, ticket: Ticket, limits: Limits, model: type[Model]) -> Model:
    """Read a JSON body of a few numbers into a model.

    Raises:
        Refusal: as for `read_uploads`; 413 above `SMALL_BODY` bytes.
    """
    _content_type(request, (JSON,))
    small = replace(limits, request_bytes=min(limits.request_bytes, SMALL_BODY))
    body = b"".join([chunk async for chunk in _body(request, ticket, small)])
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise json_refusal(error) from None


def parse_json(body: bytes, limits: Limits) -> list[Upload]:
    """Read the pictures of a JSON body.

    Raises:
        Refusal: 400 for what is not JSON, 422 for JSON of another form, 413 for too many pictures.
    """
    try:
        pictures = JsonPictures.model_validate_json(body).pictures
    except ValidationError as error:
        raise json_refusal(error) from None
    if len(pictures) > limits.pictures:
        raise too_large(f"The request has more than {limits.pictures} pictures. Send them in several.")
    return [_decoded(picture, limits) for picture in pictures]


def json_refusal(error: ValidationError) -> Refusal:
    """Say what is wrong with a JSON body, without repeating any of its content."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if fault["type"] == "json_invalid":
        return malformed("The body is not valid JSON. Check quotes, commas and brackets, and that it is UTF-8.")
    # A key that should not be there is the sender's own text, and is left out as well.
    place = ".".join(str(part) for part in fault["loc"] if fault["type"] != "extra_forbidden" or isinstance(part, int))
    where = f" at {place}" if place else ""
    return Refusal(
        422, "invalid", f"The JSON is not as it should be{where}: {fault['msg']}. See the API's description."
    )


def _decoded(picture: JsonPicture, limits: Limits) -> Upload:
    name = base_name(picture.source)
    text = picture.data
    if text.startswith("data:"):
        text = text.partition(",")[2]
    if len(text) * 3 // 4 > limits.picture_bytes + 1024:
        return Upload(name, b"", oversized(limits))
    try:
        # Programs that write base64 break it into lines.
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return Upload(name, b"", _BAD_BASE64)
    return Upload(name, data, oversized(limits) if len(data) > limits.picture_bytes else None)


def _content_type(request: Request, taken: tuple[str, ...]) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in taken:
        raise Refusal(415, "unsupported_body", f"The body must be {' or '.join(taken)}; see /docs for an example.")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise Refusal(415, "unsupported_body", "The body must not be compressed: leave Content-Encoding out.")
    return kind


async def _body(request: Request, ticket: Ticket, limits: Limits) -> AsyncIterator[bytes]:
    """Yield the body's chunks, each counted before it is given on."""
    declared = request.headers.get("content-length", "0")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > limits.request_bytes:
        raise _large_request(limits)
    clock = asyncio.get_running_loop().time
    deadline = clock() + limits.upload_seconds
    chunks = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(min(limits.idle_seconds, deadline - clock())):
                chunk = await anext(chunks, None)
        except TimeoutError:
            raise Refusal(408, "too_slow", "The upload took too long. Send fewer pictures in one request.") from None
        if chunk is None:
            return
        ticket.hold(len(chunk))
        if ticket.held > limits.request_bytes:
            raise _large_request(limits)
        if chunk:
            yield chunk


def _large_request(limits: Limits) -> Refusal:
    return too_large(f"The request is larger than {limits.request_bytes / 2**20:g} MiB. Send less in one request.")
