"""Turning the bytes of a picture file into RGB pixels, or saying why that cannot be done.

This is the only place where picture files are decoded, so that training and prediction see the same pixels.
"""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from smearlab.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from smearlab.data.cells import UInt8Array

DECODER_VERSION = 1
"""Raised whenever the same bytes give other pixels than before, so that no old cache is used."""

MAX_PIXELS = 50_000_000
"""Larger pictures are refused by their header, before any memory is taken: no cell fills 50 megapixels."""

# Containers of other data, stubs that need a handler, and EPS, which would run Ghostscript on the file.
_NOT_PICTURES = {"BUFR", "GRIB", "HDF5", "MPEG", "EPS", "WMF", "FPX", "MIC"}
_COMMON_FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF")
_ORIENTATION = 0x0112
_KNOWN_BEGINNINGS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%!PS", "a PostScript document"),
    (b"PAR1", "a Parquet file"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself; run: git lfs pull"),
)
_strict_lock = threading.Lock()


def decode(
    data: bytes, *, max_pixels: int = MAX_PIXELS, max_side: int | None = None, formats: tuple[str, ...] | None = None
) -> UInt8Array:
    """Decode a picture file of any format Pillow reads.

    The format is told by the content, not by a file name. The EXIF orientation is applied; grey and palette
    pictures become RGB; transparent ones are laid on white; 16-bit ones are scaled linearly, 0…65535 to
    0…255; of several frames the first is taken. Colour profiles are not applied. The picture is never resized.

    Args:
        data: the whole content of the file.
        max_pixels: larger pictures are refused by their header.
        max_side: so are those with a longer side; None for any.
        formats: Pillow's names of the formats to read; None for all of `picture_formats`.

    Returns:
        RGB pixels ``uint8 (h, w, 3)``.

    Raises:
        UnreadableError: not a picture, truncated, damaged, or too large; the message is the reason.
    """
    if not data:
        raise UnreadableError("the file is empty")
    try:
        with _strict_pillow(), Image.open(io.BytesIO(data), formats=formats or picture_formats()) as picture:
            _check_size(picture, max_pixels, max_side)
            return _to_rgb(picture)
    except UnreadableError:
        raise
    except UnidentifiedImageError:
        raise UnreadableError(_what_it_is(data)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        raise UnreadableError(f"too large: more than {max_pixels:,} pixels") from None
    except Exception as error:  # Pillow's plugins raise almost anything on damaged bytes
        raise UnreadableError(_reason(error)) from None


@cache
def picture_formats() -> tuple[str, ...]:
    """Return Pillow's names of the formats that are read, in the order they are tried."""
    Image.init()
    others = sorted(set(Image.OPEN) - _NOT_PICTURES - set(_COMMON_FORMATS))
    return tuple(name for name in (*_COMMON_FORMATS, *others) if name in Image.OPEN)


@cache
def picture_suffixes() -> frozenset[str]:
    """Return the lower-case file name suffixes of pictures, such as ``.jpg``."""
    known = set(picture_formats())
    return frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in known)


def _check_size(picture: Image.Image, max_pixels: int, max_side: int | None) -> None:
    width, height = picture.size
    if width * height > max_pixels:
        raise UnreadableError(f"too large: {width}×{height} is more than {max_pixels:,} pixels")
    if max_side is not None and max(width, height) > max_side:
        raise UnreadableError(f"too large: {width}×{height} has a side of more than {max_side:,} pixels")


def _to_rgb(picture: Image.Image) -> UInt8Array:
    picture.load()
    picture = _upright(picture)
    if picture.mode.startswith("I") or picture.mode == "F":
        return _from_deep_grey(np.asarray(picture))
    if picture.has_transparency_data:
        picture = _on_white(picture)
    if picture.mode != "RGB":
        picture = picture.convert("RGB")
    return np.asarray(picture)


def _upright(picture: Image.Image) -> Image.Image:
    # Reading the orientation parses the whole EXIF block; most pictures have none.
    if "exif" not in picture.info and "Raw profile type exif" not in picture.info and "xmp" not in picture.info:
        return picture
    try:
        if picture.getexif().get(_ORIENTATION, 1) == 1:
            return picture
        return ImageOps.exif_transpose(picture)
    except Exception:  # a damaged EXIF block tells no orientation, but the pixels are whole
        return picture


def _on_white(picture: Image.Image) -> Image.Image:
    coloured = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)


def _from_deep_grey(pixels: NDArray[Any]) -> UInt8Array:
    """Scale grey pixels of more than 8 bits to ``uint8 (h, w, 3)``."""
    if np.issubdtype(pixels.dtype, np.floating):
        raise UnreadableError("its pixels are floating-point numbers; save it with 8 or 16 bits")
    wide = pixels.astype(np.int64)
    if wide.min() < 0 or wide.max() > 65535:
        raise UnreadableError("its pixels have more than 16 bits; save it with 8 or 16 bits")
    grey = ((wide + 128) // 257).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


@contextmanager
def _strict_pillow() -> Iterator[None]:
    """Make Pillow refuse truncated files, also where other code has told it to fill them with grey.

    Its switch is global, so one thread at a time may turn it; in the usual case, off, nothing is locked.
    """
    if not ImageFile.LOAD_TRUNCATED_IMAGES:
        yield
        return
    with _strict_lock:
        before = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before


def _what_it_is(data: bytes) -> str:
    beginning = data[:64].lstrip().lower()
    for magic, what in _KNOWN_BEGINNINGS:
        if beginning.startswith(magic.lower()):
            return f"not a picture but {what}"
    return "not a picture in any known format"


def _reason(error: Exception) -> str:
    text = str(error).strip().rstrip(".")
    if "truncated" in text.lower() or isinstance(error, EOFError):
        return "the file is truncated"
    return f"the file is damaged ({text or type(error).__name__})"
