"""Draw docs/images/detail.png: what the input norms make of drawn cells under noise and blur. No real picture is in it.

python -m docs.detail_picture
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from docs.imaging_picture import sheet
from skimage.filters import gaussian
from torch import nn

from smearlab.data.cells import UInt8Array
from smearlab.data.demo import draw_demo
from smearlab.networks.inputs import build_input_norm

PICTURE = Path(__file__).parent / "images" / "detail.png"
CLASSES = (6, 1, 4, 3, 0, 7)  # neutrophil, eosinophil, lymphocyte, immature granulocyte, basophil, platelet


def main() -> None:
    """Write the picture."""
    demo = draw_demo(seed=0, per_class=12)
    labels, stray = demo.cells.known_labels, np.asarray(demo.cells.groups) == "stray"
    cells = np.stack([demo.cells.images[np.flatnonzero((labels == label) & ~stray)[0]] for label in CLASSES]) / 255
    noise = np.random.default_rng(0).normal(size=cells.shape)
    shown = {
        "as they are": cells,
        "blurred, 1.5 px": gaussian(cells, (0, 1.5, 1.5, 0), mode="nearest"),
        "blurred, 3 px": gaussian(cells, (0, 3, 3, 0), mode="nearest"),
        "noise of 10 %": np.clip(cells + 0.1 * noise, 0, 1),
        "noise of 25 %": np.clip(cells + 0.25 * noise, 0, 1),
    }
    rows = []
    for name, pictures in shown.items():
        rows += [(name, through(build_input_norm("standardise"), pictures))]
        rows += [("… detail", through(build_input_norm("detail"), pictures))]
    sheet(rows, PICTURE)


def through(layer: nn.Module, pictures: np.ndarray) -> UInt8Array:
    """Return what a network sees of pictures ``(n, h, w, 3)`` in 0–1 behind a layer."""
    seen = layer(torch.from_numpy(pictures).float().permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    return np.asarray((seen.clamp(0, 1) * 255).round().to(torch.uint8))


if __name__ == "__main__":
    main()
