"""What a network needs to see training pictures for, before its first step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from smearlab.networks.build import build_network
from smearlab.networks.config import HeadConfig, NetworkConfig
from smearlab.networks.matching import match_norms
from smearlab.networks.restoring import norms_are_folded, restore_norms
from smearlab.networks.weights import starting_weights

if TYPE_CHECKING:
    import numpy.typing as npt

    from smearlab.data.cells import UInt8Array
    from smearlab.networks.build import CellNetwork

PICTURES = 256
"""How many training pictures statistics are taken from."""
_MATCHED = 128
"""Of these, how many are shown at once to a network whose normalisation was replaced."""


def prepare_network(
    network: CellNetwork, config: NetworkConfig, images: UInt8Array, rows: npt.NDArray[np.int64]
) -> int:
    """Restore folded batch normalisation, and fit replaced normalisation to the weights that were loaded.

    Args:
        network: with its starting weights; changed in place.
        config: what it was built from.
        images: framed pictures ``uint8 (n, h, w, 3)``.
        rows: ``int64 (m,)``, those of the training part, m ≥ 1; up to `PICTURES` of them, evenly spaced, are used.

    Returns:
        How many normalisation layers were changed.

    Raises:
        RecipeError: the weights of the recipe cannot be read.
    """
    if config.restore_norms == "never":
        return 0
    if config.norm in ("group", "layer"):
        return _match(network, config, images, rows)
    if config.restore_norms == "always" or norms_are_folded(network.backbone):
        return restore_norms(network, training_pictures(images, rows))
    return 0


def training_pictures(images: UInt8Array, rows: npt.NDArray[np.int64]) -> Tensor:
    """Return up to `PICTURES` of the given rows, evenly spaced, as ``float32 (m, 3, h, w)`` in 0–1."""
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(PICTURES, len(rows))).round().astype(np.int64))]
    return torch.from_numpy(np.ascontiguousarray(images[chosen])).permute(0, 3, 1, 2).to(torch.float32) / 255


def _match(network: CellNetwork, config: NetworkConfig, images: UInt8Array, rows: npt.NDArray[np.int64]) -> int:
    if config.weights == "none" or not starting_weights(config).has_statistics:
        return 0
    pictures = training_pictures(images, rows)
    original = build_network(config.model_copy(update={"norm": "keep"}), HeadConfig(), 1, size=pictures.shape[-1])
    restore_norms(original, pictures)
    return match_norms(network, original, pictures[:_MATCHED])
