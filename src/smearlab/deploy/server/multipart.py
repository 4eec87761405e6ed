"""Reading ``multipart/form-data`` as it comes in, into memory only.

Starlette's own reader puts every file above a megabyte on the disk; here no part of a request may reach it.
"""

from __future__ import annotations

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from smearlab.deploy.server.refusal import malformed, too_large
from smearlab.deploy.server.settings import Limits
from smearlab.deploy.server.upload import Upload, base_name, oversized


class PictureParts:
    """Collects the files of a body, chunk by chunk.

    A file that grows beyond the limit is let go of at once and becomes an error of its own.
    """

    def __init__(self, content_type: str, limits: Limits) -> None:
        self._limits = limits
        self._uploads: list[Upload] = []
        self._header = [bytearray(), bytearray()]
        self._disposition = b""
        self._name = ""
        self._size = 0
        self._data = bytearray()
        self._ended = False
        self._parser = self._make_parser(content_type)

    def write(self, chunk: bytes) -> None:
        """Take the next bytes of the body.

        Raises:
            Refusal: 400 for bytes that are no multipart body, or a part that is no file; 413 for too many pictures.
        """
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise malformed("The multipart body is damaged: a part does not begin or end as it should.") from None

    def finish(self) -> list[Upload]:
        """Return the pictures of the whole body.

        Raises:
            Refusal: 400, the body ends too early.
        """
        try:
            self._parser.finalize()
        except FormParserError:
            self._ended = False
        if not self._ended:
            raise malformed("The multipart body ends before its closing boundary. Send it again, whole.")
        return self._uploads

    def _make_parser(self, content_type: str) -> MultipartParser:
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if not boundary:
            raise malformed("The header Content-Type names no boundary. Let your HTTP client write this header.")
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._begin_data,
                    "on_part_data": self._take_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError:
            raise malformed("The boundary in the header Content-Type is too long.") from None

    def _begin_part(self) -> None:
        if len(self._uploads) >= self._limits.pictures:
            raise too_large(f"The request has more than {self._limits.pictures} pictures. Send them in several.")
        self._disposition, self._size, self._data = b"", 0, bytearray()

    def _end_header(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = [bytearray(), bytearray()]

    def _begin_data(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"filename" not in options:
            raise malformed(
                "A part of the form is no file. Send each picture as a file, as in: curl -F pictures=@cell.png …"
            )
        self._name = base_name(options[b"filename"].decode("utf-8", "replace"))

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._size > self._limits.picture_bytes:
            self._data = bytearray()
        else:
            self._data += data[start:end]

    def _end_part(self) -> None:
        large = self._size > self._limits.picture_bytes
        error = oversized(self._limits) if large else None
        self._uploads.append(Upload(self._name, bytes(self._data), error))

    def _end(self) -> None:
        self._ended = True
