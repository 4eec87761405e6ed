"""A model folder that names pictures by their mean colour, exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from smearlab.data.cells import Cells
from smearlab.data.framing import Framing
from smearlab.inference.info import IsCell, ModelInfo, NetworkInfo
from smearlab.inference.model_folder import write_model_folder
from smearlab.inference.trust import fit_trust
from smearlab.networks.build import CellNetwork
from smearlab.networks.onnx import export_onnx

COLOURS = {"basophil": (1.0, 0.0, 0.0), "eosinophil": (0.0, 1.0, 0.0), "monocyte": (0.0, 0.0, 1.0)}
SIZE = 16


class MeanColour(nn.Module):
    """The mean of each colour plane."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Return ``(n, 3)``."""
        return pictures.mean(dim=(2, 3))


def colour_cells(names: tuple[str, ...], per_class: int = 6, wrong: int = 0) -> Cells:
    """Return pictures in the colour of their class; the first `wrong` of them carry the next class's label."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(names)), per_class)
    colours = np.array([COLOURS.get(name, (0.5, 0.5, 0.5)) for name in names])[labels]
    noise = rng.normal(0, 12, (len(labels), SIZE, SIZE, 3))
    images = np.clip(60 + 140 * colours[:, None, None] + noise, 0, 255).astype(np.uint8)
    labels[:wrong] = (labels[:wrong] + 1) % len(names)
    sources = np.array([f"cells/{row}.png" for row in range(len(labels))])
    return Cells(images, labels.astype(np.int64), sources, names, np.arange(len(labels)), name="colours")


def write_colour_folder(target: Path, names: tuple[str, ...] = tuple(COLOURS)) -> Path:
    """Write a model folder whose classes are these colours in this order."""
    head = nn.Linear(3, len(names))
    with torch.no_grad():
        head.weight.copy_(20 * torch.tensor([COLOURS[name] for name in names]))
        head.bias.zero_()
    network = CellNetwork(MeanColour(), nn.Sequential(head), "unit").eval()
    cells = colour_cells(names)
    with torch.no_grad():
        pictures = torch.from_numpy(np.asarray(cells.images)).permute(0, 3, 1, 2) / 255
        logits, features = network(pictures).numpy(), network.features(pictures).numpy()
    trust, threshold = fit_trust(logits, cells.known_labels, features)
    info = ModelInfo(
        name="colours",
        class_names=names,
        framing=Framing(size=SIZE, crop="none"),
        network=NetworkInfo(name="mean colour", parameters=12),
        is_cell=IsCell(threshold=threshold),
    )
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    return write_model_folder(target, onnx=export_onnx(network, SIZE), weights=weights, trust=trust, info=info)
