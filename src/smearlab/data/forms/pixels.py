"""Pictures that come as arrays: what is taken, what is converted, and what is refused."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.data.decode import MAX_PIXELS
from smearlab.errors import DataError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from smearlab.data.cells import UInt8Array

MAX_BYTES = 4 * MAX_PIXELS
"""The most that one picture of an array may take: as uint8, the largest with four channels."""

_WANTED = "Save RGB pictures as uint8 of shape (N, height, width, 3), with values from 0 to 255."


def check_picture_array(shape: tuple[int, ...], dtype: np.dtype[Any], where: str) -> None:
    """Refuse arrays that cannot be pictures.

    Raises:
        DataError: wrong shape, number of channels or type, or pictures larger than `MAX_PIXELS` or `MAX_BYTES`; the
            message says what to save instead.
    """
    if dtype.hasobject:
        raise DataError(
            f"{where} holds Python objects, which could run code when loaded. Pictures of mixed sizes are best "
            f"saved as files in class folders. {_WANTED}"
        )
    if dtype.kind not in "uif":
        raise DataError(f"{where} is of type {dtype}. {_WANTED}")
    if min(shape, default=1) < 1:
        raise DataError(f"{where} is empty: its shape is {shape}. {_WANTED}")
    if len(shape) == 4 and shape[-1] not in (1, 3, 4) and shape[1] in (1, 3, 4):
        raise DataError(f"{where} has shape {shape}, channels first. Save images.transpose(0, 2, 3, 1).")
    if len(shape) == 3 and shape[-1] in (3, 4):
        raise DataError(f"{where} has shape {shape}, like a single picture. Save images[None] instead.")
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[-1] not in (1, 3, 4)):
        raise DataError(f"{where} has shape {shape}. {_WANTED}")
    _check_size(shape, dtype, where)


def _check_size(shape: tuple[int, ...], dtype: np.dtype[Any], where: str) -> None:
    """Refuse by the header alone what an archive of a few kilobytes could swell to."""
    what = f"The pictures of {where} are too large: {shape[1]}×{shape[2]}"
    if shape[1] * shape[2] > MAX_PIXELS:
        raise DataError(f"{what} is more than {MAX_PIXELS:,} pixels. Cut the cells out and save these.")
    if math.prod(shape[1:]) * dtype.itemsize > MAX_BYTES:
        raise DataError(f"{what} as {dtype} is more than {MAX_BYTES:,} bytes each. {_WANTED}")


def to_pictures(chunk: NDArray[Any], first: int, where: str) -> Iterator[UInt8Array | UnreadableError]:
    """Bring the pictures of an array to ``uint8 (h, w, 3)``.

    Grey ones are repeated over the channels, transparent ones laid on white. Whole numbers from 0 to 255 of any
    type are taken as they are. A picture with NaN or infinite values is unreadable by itself.

    Args:
        chunk: ``(n, h, w)``, or ``(n, h, w, c)`` with 1, 3 or 4 channels.
        first: number of the first picture, for messages.
        where: names the array, for messages.

    Raises:
        DataError: values outside 0…255 or fractions, because guessing their scale would change the pictures.
    """
    for offset, picture in enumerate(chunk):
        if picture.dtype.kind == "f" and not np.isfinite(picture).all():
            yield UnreadableError("the picture holds NaN or infinite values")
        else:
            yield _to_rgb(_to_bytes(picture, f"picture {first + offset} of {where}"))


def _to_bytes(picture: NDArray[Any], where: str) -> UInt8Array:
    if picture.dtype == np.uint8:
        return picture
    low, high = picture.min(), picture.max()
    if low < 0 or high > 255:
        raise DataError(f"The values of {where} run from {low} to {high}. {_WANTED}")
    whole = picture.astype(np.uint8)
    if not np.array_equal(whole, picture):
        small = " Values from 0 to 1 are brought there by (images * 255).round()."
        hint = small if high <= 1 else " Round them: images.round()."
        raise DataError(f"The values of {where} are fractions, from {low:g} to {high:g}.{hint} {_WANTED}")
    return whole


def _to_rgb(picture: UInt8Array) -> UInt8Array:
    if picture.ndim == 2:
        picture = picture[:, :, None]
    if picture.shape[2] == 1:
        return np.repeat(picture, 3, axis=2)
    if picture.shape[2] == 4:
        alpha = picture[:, :, 3:].astype(np.uint16)
        return ((picture[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return picture
