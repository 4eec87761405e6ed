"""The cell-centred crop: a square round the stained blob nearest the middle."""

from __future__ import annotations

from smearlab.data.cells import UInt8Array
from smearlab.data.framing import Framing, frame_picture
from smearlab.data.imaging.batches import each
from smearlab.errors import DataError


def crop_cells(images: UInt8Array, size: int = 96) -> UInt8Array:
    """Cut each picture to a square round its cell and resize it: large and small cells fill it alike.

    The very crop of ``framing.crop = "cell"`` in a recipe (`smearlab.data.window.cell_window`), so what is seen here is
    what a network would see. A picture without anything stained gives its centre square. The size of a cell, which
    tells a lymphocyte from a monocyte, is lost.

    Args:
        images: ``uint8 (h, w, 3)`` or ``uint8 (n, h, w, 3)`` RGB.
        size: side of the result in pixels, 8 to 2048.

    Returns:
        ``uint8 (size, size, 3)`` or ``uint8 (n, size, size, 3)``.

    Raises:
        DataError: wrong dtype or shape, or a size out of range.
    """
    if not 8 <= size <= 2048:
        raise DataError(f"A crop is 8 to 2048 pixels wide; got size={size}.")
    framing = Framing(crop="cell", size=size)
    return each(images, lambda picture: frame_picture(picture, framing))
