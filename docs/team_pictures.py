"""Draw the pictures that five teams looked at, docs/images/teams-*: from real cells, with this package.

    python -m docs.team_pictures cells.parquet --weights mobilenet_v2_imagenet.pth \
        [--model default] [--study studies/rookie] [--only classes augmentations heat map curves]

``--study`` names the folder of a finished study; its curves are drawn. Without it there are none.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from smearlab import celltypes
from smearlab.augment.config import AugmentConfig
from smearlab.augment.sheet import draw_sheet, every_operation, every_policy
from smearlab.data.cells import Cells, FloatArray, UInt8Array
from smearlab.data.framing import Framing, frame_pictures
from smearlab.data.read import read
from smearlab.data.split import SplitConfig, split_cells
from smearlab.evaluation.embed import neighbour_shares
from smearlab.evaluation.explain import ExplainOptions, explain
from smearlab.evaluation.sheet import in_turn
from smearlab.evaluation.spatial import unit_pictures
from smearlab.inference.predictor import Predictor
from smearlab.metrics.projection import principal_components
from smearlab.networks.build import build_network
from smearlab.report.map_report import MapReport, map_plot, overlap_words
from smearlab.report.study_curves import system_curves
from smearlab.training.recipe_io import load_recipe

IMAGES = Path(__file__).parent / "images"
PARTS = ("classes", "augmentations", "heat", "map", "curves")
_SIDE, _SMALL, _BATCH = 72, 56, 64
_EXAMPLES, _HEATED, _MAPPED = 10, 4, 250  # pictures of each class


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the pictures that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m docs.team_pictures", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("cells", help="labelled pictures")
    parser.add_argument("--weights", help="ImageNet's weights of MobileNetV2, for the map of what it sees")
    parser.add_argument("--model", default="default", help="whose heat and map are shown")
    parser.add_argument("--study", type=Path, help="folder of a finished study, for the curves")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args(arguments)
    cells = read(options.cells)
    # Cells that no model was fitted to in the 72/8/20 run of the recipes.
    test = cells.take(split_cells(cells, SplitConfig(train=0.72, validation=0.08, test=0.2)).test)
    if "classes" in options.only:
        class_grid(cells)
    if "augmentations" in options.only:
        augmentations(cells)
    if "heat" in options.only:
        heat(test, options.model)
    if "map" in options.only:
        maps(test, options.model, options.weights)
    if "curves" in options.only and options.study is not None:
        curves(options.study)


def class_grid(cells: Cells) -> None:
    """Ten cells of each class, a row for each."""
    rows = in_turn(cells.known_labels, _EXAMPLES * len(cells.class_names))
    pictures = _framed(cells.take(rows), _SIDE)
    # The first of every class, then the second: so a column is one turn.
    classes = len(cells.class_names)
    columns = [pictures[start : start + classes] for start in range(0, len(rows), classes)]
    titles = [celltypes.title(name) for name in cells.class_names]
    _save(draw_sheet(columns, [""] * len(columns), titles), "classes")


def augmentations(cells: Cells) -> None:
    """One neutrophil under every policy, and under every operation."""
    rows = in_turn(cells.known_labels, len(cells.class_names))
    order = np.roll(rows, -cells.class_names.index("neutrophil"))
    pictures = _framed(cells.take(order), _SIDE)
    columns, captions, names = every_policy(pictures, 6, 0, AugmentConfig())
    _save(draw_sheet(columns, ["as it is", *(column[0] for column in captions[1:])], names), "policies")
    columns, captions, names = every_operation(_framed(cells.take(order[:1]), _SMALL)[0], 6, 0)
    captions[0] = ["as it is"] * len(names)
    half = (len(names) + 1) // 2
    parts = [
        draw_sheet([c[part] for c in columns], [""] * len(columns), names[part], [c[part] for c in captions])
        for part in (slice(0, half), slice(half, None))
    ]
    _save(_side_by_side(parts), "operations")


def heat(cells: Cells, model: str) -> None:
    """Of each class its mean heat, and some pictures, each beside the same with its heat."""
    chosen = cells.take(in_turn(cells.known_labels, 24 * len(cells.class_names)))
    with tempfile.TemporaryDirectory() as folder:
        report = explain(model, chosen, Path(folder) / "heat", ExplainOptions(limit=0))
    rows, titles = [], []
    for name in report.class_names:
        own = [picture for picture in report.pictures if picture.of_class == name][:_HEATED]
        if len(own) < _HEATED:
            continue
        pairs = [side for picture in own for side in (picture.picture.image, picture.overlay)]
        rows.append(np.stack([_shrunk(side) for side in (report.mean[name], *pairs)]))
        titles.append(celltypes.title(name))
    columns = list(np.stack(rows, axis=1))
    _save(draw_sheet(columns, ["mean", *["cell", "heat"] * _HEATED], titles), f"heat-{Path(model).name}")


def maps(cells: Cells, model: str, weights: str | None) -> None:
    """Principal components of what ImageNet's MobileNetV2 sees, and of what a trained model sees."""
    chosen = cells.take(in_turn(cells.known_labels, _MAPPED * len(cells.class_names)))
    predictor = Predictor.load(model)
    framed = np.asarray(frame_pictures(list(np.asarray(chosen.images)), predictor.framing))
    trained = predictor.predict_framed(framed, features=True).features
    assert trained is not None
    seen = {f"map-{Path(model).name}": trained.astype(np.float64)}
    if weights is not None:
        seen["map-imagenet"] = imagenet_features(chosen, weights)
    for name, features in seen.items():
        points, shares = principal_components(features)
        report = MapReport(
            name=name,
            words=f"two components hold {shares.sum():.0%} of all variance",
            class_names=chosen.class_names,
            labels=chosen.known_labels,
            points=points,
            labelled=True,
            neighbours=neighbour_shares(features, chosen.known_labels, len(chosen.class_names)),
        )
        map_plot(report).save(IMAGES / f"teams-{name}.png")
        print(f"{name}: {len(chosen):,} cells; {report.words}. {overlap_words(report)}")


def imagenet_features(cells: Cells, weights: str) -> FloatArray:
    """What MobileNetV2 sees that was trained on ImageNet only, as team formidable gave it the pictures: at 224 px."""
    recipe = load_recipe("formidable/mobilenetv2", [f'network.weights="{weights}"'])
    network = build_network(recipe.network, recipe.head, len(cells.class_names), size=recipe.framing.size).eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(cells), _BATCH):
            framed = frame_pictures(list(np.asarray(cells.images[start : start + _BATCH])), recipe.framing)
            parts.append(network.features(unit_pictures(np.asarray(framed))).numpy())
    return np.concatenate(parts).astype(np.float64)


def curves(study: Path) -> None:
    """Loss and F1 of every system of a study."""
    histories = {}
    for path in sorted((study / "cells").glob("*.json")):
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts.get("history"):
            histories[path.name.split(".")[0]] = facts["history"]
    plot = system_curves(histories)
    if plot is None:
        raise SystemExit(f"{study} has no curves: give the folder of a finished study.")
    plot.save(IMAGES / f"teams-curves-{study.name}.png")


def _framed(cells: Cells, side: int) -> UInt8Array:
    return np.asarray(frame_pictures(list(np.asarray(cells.images)), Framing(size=side)))


def _shrunk(picture: UInt8Array) -> UInt8Array:
    return np.asarray(Image.fromarray(picture).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS))


def _side_by_side(sheets: Sequence[Image.Image]) -> Image.Image:
    size = sum(sheet.width for sheet in sheets), max(sheet.height for sheet in sheets)
    joined, left = Image.new("RGB", size, (255, 255, 255)), 0
    for sheet in sheets:
        joined.paste(sheet, (left, 0))
        left += sheet.width
    return joined


def _save(sheet: Image.Image, name: str) -> None:
    path = IMAGES / f"teams-{name}.jpg"
    sheet.save(path, "JPEG", quality=82, optimize=True)
    print(f"{path.name}: {sheet.width} × {sheet.height}, {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
