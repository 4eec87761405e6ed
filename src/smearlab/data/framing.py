"""Framing: how a picture becomes the network's input, in exactly one place.

The reader, the Predictor, the ONNX file and the server all frame through here, so a picture is cropped and resized the
same way wherever it goes. Each picture is framed by itself: its neighbours in a batch never matter.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from smearlab.data.cells import Cells, Pictures, UInt8Array
from smearlab.data.loading import threads_at_hand
from smearlab.data.progress import progress
from smearlab.data.window import Window, auto_window, cell_window, centre_window
from smearlab.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IN_MEMORY_BYTES = 64 * 2**20
"""Framed collections up to this size are returned in memory; larger ones as a memory map of the cache."""

_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
}
_CHUNK = 64  # pictures that one thread frames at a time
_FORMAT = 1  # raise when the meaning of a Framing changes, so that old cache entries are not used


class Framing(BaseModel):
    """How a picture becomes the network's square input.

    Attributes:
        crop: which part of the picture is used.
            ``none``: all of it, stretched to a square.
            ``centre``: the centred square whose side is `fraction` of the shorter side.
            ``cell``: a square around the stained blob nearest the centre; beyond the border the edge is repeated.
            ``auto``: all of it where it already has the `size`; whole frames of the CellaVision DM96 and other wide
            fields give their centre, everything else is used whole. `smearlab.data.window.auto_window` has the rules.
        fraction: side of the ``centre`` crop as a share of the shorter side, in (0, 1].
        size: side of the result in pixels.
        filter: resampling filter, always anti-aliased when the picture shrinks.
        content: what the network sees of it. ``whole``: all. ``high_pass``: what is finer than a twelfth of the side,
            around mid-grey. ``nucleus``: the stained nucleus before the colour of the empty slide. The last two need
            scikit-image wherever the model is used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    crop: Literal["none", "centre", "cell", "auto"] = "auto"
    fraction: float = Field(default=1.0, gt=0.0, le=1.0)
    size: int = Field(default=96, ge=8, le=2048)
    filter: Literal["bilinear", "bicubic", "lanczos", "box"] = "bicubic"
    content: Literal["whole", "high_pass", "nucleus"] = "whole"

    @property
    def place(self) -> Framing:
        """The same crop and size with the content left whole: for pictures that are altered before they are seen."""
        return self.model_copy(update={"content": "whole"})

    @property
    def look(self) -> Framing:
        """What is still to be done to pictures that went through `place`: nothing is cropped again."""
        return self.model_copy(update={"crop": "none"})


def frame_picture(image: UInt8Array, framing: Framing) -> UInt8Array:
    """Crop and resize one picture, and keep of it what the network sees.

    Args:
        image: ``uint8 (h, w, 3)`` RGB.
        framing: the crop, size, filter and content.

    Returns:
        ``uint8 (size, size, 3)``; the picture itself, not a copy, where there is nothing to do.

    Raises:
        DataError: the picture is not ``uint8 (h, w, 3)``.
        MissingExtraError: the content needs scikit-image, which is not installed.
    """
    check_picture(image)
    placed = _placed(image, framing)
    if framing.content == "whole":
        return placed
    # Imported only where it is asked for: the imaging tools crop through here themselves.
    from smearlab.data.imaging.content import take_content

    return take_content(placed, framing.content)


def _placed(image: UInt8Array, framing: Framing) -> UInt8Array:
    """Crop and resize one picture."""
    window = crop_window(image, framing)
    part = image if window is None else window.cut(image)
    if part.shape[:2] == (framing.size, framing.size):
        return part
    resized = Image.fromarray(part).resize((framing.size, framing.size), _FILTERS[framing.filter])
    return np.asarray(resized, dtype=np.uint8)


def crop_window(image: UInt8Array, framing: Framing) -> Window | None:
    """Return the part of the picture that is used, or None for all of it."""
    height, width = image.shape[:2]
    if framing.crop == "centre":
        return centre_window(height, width, round(framing.fraction * min(height, width)))
    if framing.crop == "cell":
        return cell_window(image)
    if framing.crop == "auto" and (height, width) != (framing.size, framing.size):
        return auto_window(image)
    return None


def check_picture(image: object) -> None:
    """Raise a DataError unless this is one ``uint8 (h, w, 3)`` picture."""
    if not isinstance(image, np.ndarray):
        raise DataError(f"A picture is a NumPy array uint8 (h, w, 3), but got {type(image).__name__}.")
    if image.dtype != np.uint8:
        raise DataError(
            f"A picture holds uint8 values 0 to 255, but got {image.dtype}. Pass the pixels as they are in the file:"
            " scaling and normalisation are part of the model."
        )
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise DataError(f"A picture is RGB with shape (h, w, 3), but got shape {image.shape}.")


def frame_cells(cells: Cells, framing: Framing) -> UInt8Array:
    """Crop and resize a collection.

    Args:
        cells: the pictures, in memory, memory-mapped or lazy, of any sizes.
        framing: the crop, size and filter.

    Returns:
        ``uint8 (N, size, size, 3)``: the very array of `cells` where its pictures already are framed; otherwise an
        array, which is a read-only memory map in the cache where it is larger than `IN_MEMORY_BYTES`.

    Raises:
        DataError: a picture is not ``uint8 (h, w, 3)``.
    """
    images = cells.images
    shape = (len(images), framing.size, framing.size, 3)
    if isinstance(images, np.ndarray) and _is_framed(images, framing):
        return images
    if int(np.prod(shape)) > IN_MEMORY_BYTES:
        return _frame_through_cache(images, framing, shape)
    framed = np.empty(shape, np.uint8)
    _frame_with_bar(framed, images, framing)
    return framed


def frame_pictures(images: Pictures, framing: Framing) -> UInt8Array:
    """Crop and resize some pictures in memory.

    Args:
        images: ``uint8 (n, h, w, 3)``, or ``uint8 (h, w, 3)`` of mixed sizes.
        framing: the crop, size and filter.

    Returns:
        ``uint8 (n, size, size, 3)``; the array itself, not a copy, where its pictures already are framed.

    Raises:
        DataError: a picture is not ``uint8 (h, w, 3)``.
    """
    if isinstance(images, np.ndarray) and _is_framed(images, framing):
        return images
    framed = np.empty((len(images), framing.size, framing.size, 3), np.uint8)
    _frame_into(framed, images, framing)
    return framed


def _is_framed(images: Pictures, framing: Framing) -> bool:
    if not isinstance(images, np.ndarray):
        return False
    cut = framing.crop == "cell" or (framing.crop == "centre" and framing.fraction < 1.0)
    if cut or framing.content != "whole":
        return False
    return images.dtype == np.uint8 and images.shape[1:] == (framing.size, framing.size, 3)


def _frame_through_cache(images: Pictures, framing: Framing, shape: tuple[int, ...]) -> UInt8Array:
    from smearlab.data.cache import open_or_build

    def build(folder: Path) -> None:
        framed = np.lib.format.open_memmap(folder / "images.npy", mode="w+", dtype=np.uint8, shape=shape)
        _frame_with_bar(framed, images, framing)
        framed.flush()

    folder = open_or_build(f"framed-{_content_key(images, framing)}", build)
    framed: UInt8Array = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
    return framed


def _frame_with_bar(framed: UInt8Array, images: Pictures, framing: Framing) -> None:
    with progress("Framing pictures", len(framed)) as advance:
        _frame_into(framed, images, framing, advance)


def _frame_into(
    framed: UInt8Array, images: Pictures, framing: Framing, advance: Callable[[int], None] | None = None
) -> None:
    if framing.content != "whole":
        from smearlab.data.imaging.content import check_content

        check_content(framing.content)

    # Threads, as Pillow lets go of the interpreter while it resizes.
    def work(rows: range) -> int:
        for row in rows:
            framed[row] = frame_picture(images[row], framing)
        return len(rows)

    if len(framed) <= _CHUNK:
        work(range(len(framed)))
        return
    with ThreadPoolExecutor(threads_at_hand()) as pool:
        for done in pool.map(work, _chunks(len(framed), _CHUNK)):
            if advance is not None:
                advance(done)


def _chunks(total: int, size: int) -> Iterator[range]:
    return (range(start, min(start + size, total)) for start in range(0, total, size))


def _content_key(images: Pictures, framing: Framing) -> str:
    # Entries made before there was a content are still of use.
    described = framing.model_dump_json(exclude={"content"} if framing.content == "whole" else None)
    digest = hashlib.sha256(f"{_FORMAT} {described}".encode())
    with progress("Looking for framed pictures", len(images)) as advance:
        for index in range(len(images)):
            image = np.ascontiguousarray(images[index])
            digest.update(repr(image.shape).encode())
            digest.update(image.data)
            advance(1)
    return digest.hexdigest()[:32]
