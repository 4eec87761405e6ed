"""From the bytes of an upload to the network's square input, or to why that cannot be."""

from __future__ import annotations

from smearlab.data.cells import UInt8Array
from smearlab.data.decode import decode
from smearlab.data.framing import Framing, frame_picture
from smearlab.deploy.server.settings import Limits
from smearlab.deploy.server.upload import Fault, Upload
from smearlab.errors import UnreadableError

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF")
"""What cameras, microscopes and viewers write. Rarer formats widen what a stranger's bytes can reach."""

MOST_SCANS = 100
"""Scans of a progressive JPEG; usual ones have about ten. Thousands of empty ones keep a decoder busy for minutes."""

_START_OF_SCAN = b"\xff\xda"


def framed(upload: Upload, framing: Framing, limits: Limits) -> UInt8Array | Fault:
    """Decode and frame one picture.

    Args:
        upload: the picture file in memory.
        framing: the model's.
        limits: of pixels and sides.

    Returns:
        ``uint8 (size, size, 3)``, or why there is none.
    """
    if upload.fault is not None:
        return upload.fault
    if upload.data[:3] == b"\xff\xd8\xff" and upload.data.count(_START_OF_SCAN) > MOST_SCANS:
        return Fault(422, "unreadable", f"the file is damaged (more than {MOST_SCANS} scans)")
    try:
        image = decode(upload.data, max_pixels=limits.pixels, max_side=limits.side, formats=FORMATS)
    except UnreadableError as error:
        return _fault(str(error))
    return frame_picture(image, framing)


def _fault(reason: str) -> Fault:
    if reason.startswith("too large"):
        return Fault(413, "too_large", reason)
    if reason.startswith("not a picture"):
        return Fault(415, "not_a_picture", f"{reason}; send {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    return Fault(422, "unreadable", reason)
