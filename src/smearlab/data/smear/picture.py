"""One picture: a cell among red cells on a slide, and the masks it was drawn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from smearlab.data.cells import BoolArray, UInt8Array
from smearlab.data.smear.background import draw_background
from smearlab.data.smear.canvas import Field, lay, reduce
from smearlab.data.smear.granulocytes import basophil, eosinophil, immature_granulocyte, neutrophil
from smearlab.data.smear.mononuclear import erythroblast, lymphocyte, monocyte, platelet
from smearlab.data.smear.slide import Slide, photograph
from smearlab.data.smear.stains import DrawnCell

PAINTERS: Mapping[str, Callable[[np.random.Generator], DrawnCell]] = {
    "basophil": basophil,
    "eosinophil": eosinophil,
    "erythroblast": erythroblast,
    "immature_granulocyte": immature_granulocyte,
    "lymphocyte": lymphocyte,
    "monocyte": monocyte,
    "neutrophil": neutrophil,
    "platelet": platelet,
}
"""How each cell type is drawn, by its name."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A finished picture.

    Attributes:
        image: ``uint8 (96, 96, 3)`` RGB.
        nucleus: where the nucleus is, ``bool (96, 96)``; nowhere for a platelet.
        cell: where the cell is, ``bool (96, 96)``.
    """

    image: UInt8Array
    nucleus: BoolArray
    cell: BoolArray


def draw_picture(seed: int, number: int, cell_type: str, slide: Slide) -> Picture:
    """Draw one cell; the same arguments give the same bytes.

    Args:
        seed: the seed of the whole set.
        number: the picture's number within the set; each has its own random numbers.
        cell_type: one of the eight names of `smearlab.celltypes.CLASS_NAMES`.
        slide: the slide it lies on.
    """
    rng = np.random.default_rng((seed, 2, number))
    cell = PAINTERS[cell_type](rng)
    radius = float(np.sqrt(reduce(cell.cell.astype(np.float32)).sum() / np.pi))
    surface = draw_background(rng, slide, radius)
    lay(surface, cell.cover, cell.surface)
    return Picture(photograph(rng, surface, slide), _mask(cell.nucleus), _mask(cell.cell))


def _mask(samples: BoolArray) -> BoolArray:
    """Reduce a mask to the finished size; a pixel counts when half of it is covered."""
    covered: Field = reduce(samples.astype(np.float32))
    return np.asarray(covered >= 0.5)
