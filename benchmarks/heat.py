"""How much of a model's heat lies inside the cell, on synthetic cells whose masks are known.

    python -m benchmarks.heat MODEL [--pictures 200]

MODEL is best one trained on the demo (`smearlab train demo --recipe quick --out RUN`). Only cells that it names rightly
are asked about, for their own class.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial

import numpy as np

from benchmarks.results import markdown_table, write_section
from smearlab.data.cells import BoolArray, FloatArray, UInt8Array
from smearlab.data.demo import draw_demo
from smearlab.data.framing import frame_pictures
from smearlab.data.window import auto_window
from smearlab.evaluation.heat import HeatOptions, heat_maps, share_inside
from smearlab.evaluation.rebuilding import rebuild_network
from smearlab.inference.predictor import Predictor
from smearlab.metrics import bootstrap

METHODS = (
    ("Grad-CAM", HeatOptions("gradcam")),
    ("Grad-CAM++", HeatOptions("gradcam++")),
    ("Grad-CAM, last layer alone", HeatOptions("gradcam", refine=False)),
    ("Grad-CAM++, last layer alone", HeatOptions("gradcam++", refine=False)),
    ("LayerCAM, refined", HeatOptions("layercam")),
    ("occlusion", HeatOptions("occlusion")),
)
SEED = 1
"""Of the synthetic cells: others than those of the default demo, which the model may have been trained on."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave RESULTS.md as it is")
    given = parser.parse_args(arguments)
    predictor = Predictor.load(given.model)
    network = rebuild_network(predictor, given.model, "this benchmark")
    framed, masks, labels = synthetic_cells(predictor, given.pictures)
    right = predictor.predict_framed(framed).label_indices == labels
    framed, masks, labels = framed[right], masks[right], labels[right]
    lines = []
    for name, options in METHODS:
        inside = share_inside(heat_maps(network, framed, labels, options), masks)
        inside = inside[np.isfinite(inside)]
        found = bootstrap(len(inside), partial(_means, inside))
        lines.append([name, f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]", f"{np.median(inside):.3f}"])
    table = markdown_table(["method", "share of the heat inside the cell", "median"], lines)
    words = (
        f"{len(framed)} synthetic cells, of which {masks.mean():.3f} of the area is cell; model {predictor.info.name}."
    )
    print(f"{words}\n\n{table}")
    if given.write:
        write_section("Heat inside the cell", f"{words}\n\n{table}", ["torch", "captum", "numpy"])
    return 0


def _means(values: FloatArray, weights: FloatArray) -> FloatArray:
    return np.asarray((weights * values).sum(axis=1) / weights.sum(axis=1))


def synthetic_cells(predictor: Predictor, count: int) -> tuple[UInt8Array, BoolArray, np.ndarray]:
    """Return framed synthetic cells, their masks at the same size, and their labels in the model's order."""
    demo = draw_demo(SEED, max(2, -(-count // 8)))
    junk = {row for rows in demo.planted.values() for row, _ in rows}
    rows = np.array([row for row in range(len(demo.cells)) if row not in junk][:count])
    images = np.stack([np.asarray(demo.cells.images[row]) for row in rows])
    assert all(auto_window(image) is None for image in images), "the masks would have to be cropped too"
    side = predictor.framing.size
    places = (np.arange(side) * images.shape[1] // side).astype(int)
    masks = demo.cell[rows][:, places][:, :, places]
    names = [demo.cells.class_names[label] for label in demo.cells.known_labels[rows]]
    labels = np.array([predictor.class_names.index(name) for name in names], np.int64)
    return np.array(frame_pictures(images, predictor.framing)), masks, labels


if __name__ == "__main__":
    sys.exit(main())
