"""`smearlab embed`: a collection laid out in a plane by what a layer of a model sees in it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from smearlab.data.atomic import atomic_path, write_json
from smearlab.data.framing import frame_pictures
from smearlab.data.paths import user_path
from smearlab.data.progress import progress
from smearlab.data.read import read
from smearlab.errors import DataError, did_you_mean
from smearlab.evaluation.explain import evenly
from smearlab.evaluation.rebuilding import rebuild_network
from smearlab.evaluation.spatial import layer_features
from smearlab.inference.predictor import Predictor
from smearlab.metrics.projection import principal_components, tsne_points
from smearlab.report.map_report import MapReport, write_map_report

if TYPE_CHECKING:
    from smearlab.data.cells import Cells, FloatArray, IntArray
from smearlab.data.results_folder import check_results_folder

MapName = Literal["pca", "tsne"]
FACTS = "embed.json"
_FILES = (FACTS, "map.csv", "map.png", "report.html")
_BATCH = 64
_NEIGHBOURS = 5
TSNE_LIMIT = 5000
"""Pictures that t-SNE is given unless more are asked for: its time grows with the number."""


@dataclass(frozen=True)
class EmbedOptions:
    """What is laid out, and how.

    Attributes:
        method: ``pca`` (Pearson 1901) or ``tsne`` (van der Maaten & Hinton 2008).
        layer: of the backbone; empty takes the features that the head sees, which needs no torch.
        limit: at most so many pictures, evenly spaced; 0 for all, with t-SNE up to `TSNE_LIMIT`.
        seed: of t-SNE.
    """

    method: MapName = "pca"
    layer: str = ""
    limit: int = 0
    seed: int = 0


def embed(
    model: str | Path, data: str | Path | Cells, out: str | Path, options: EmbedOptions | None = None
) -> MapReport:
    """Write a map of a collection: ``map.csv``, ``map.png``, ``report.html``.

    Args:
        model: a model folder, a run folder or ``default``.
        data: any form that `read` takes, with labels or without; without, the model's answers colour the map.
        out: the folder to write to: new, empty, or of an earlier map, whose files are replaced.
        options: method, layer, how many.

    Returns:
        What the page shows.

    Raises:
        DataError: the data cannot be read, no such method, too few pictures, or `out` holds something else.
        ModelError: the model cannot be loaded, its network not be rebuilt, or it has no such layer.
    """
    options, folder = options or EmbedOptions(), user_path(out)
    _check_method(options.method)
    check_results_folder(folder, "map", _FILES, FACTS)
    predictor = Predictor.load(model)
    cells = _read(data)
    most = options.limit or (TSNE_LIMIT if options.method == "tsne" else 0)
    cells = cells.take(evenly(len(cells), most))
    if len(cells) < _NEIGHBOURS:
        raise DataError(f"A map needs {_NEIGHBOURS} pictures or more; {cells.name} has {len(cells)}.")
    features, named = _features(predictor, model, cells, options.layer)
    points, shares = _points(features, options)
    labels = named if cells.labels is None else np.asarray(cells.class_names)[cells.labels]
    names = predictor.class_names if cells.labels is None else cells.class_names
    indices = np.array([names.index(label) for label in labels.tolist()], np.int64)
    report = MapReport(
        name=cells.name,
        words=_words(options, shares),
        class_names=names,
        labels=indices,
        points=points,
        labelled=cells.labels is not None,
        neighbours=neighbour_shares(features, indices, len(names)),
        unreadable=len(cells.unreadable),
    )
    _write(folder, cells, labels.tolist(), named.tolist(), report, options)
    return report


def neighbour_shares(features: FloatArray, labels: IntArray, classes: int, count: int = _NEIGHBOURS) -> FloatArray:
    """Return of which classes a picture's nearest neighbours are.

    Args:
        features: ``(n, d)``.
        labels: ``int64 (n,)``.
        classes: how many there are.
        count: neighbours of each picture.

    Returns:
        ``float64 (classes, classes)``: a row for each class of picture, a column for each class of neighbour; rows sum
        to 1, and are NaN for classes without a picture.
    """
    from sklearn.neighbors import NearestNeighbors

    wanted = min(count, len(features) - 1)
    found = NearestNeighbors(n_neighbors=wanted + 1).fit(features).kneighbors(features, return_distance=False)
    table = np.zeros((classes, classes))
    for place, near in enumerate(found):
        others = near[near != place][:wanted]
        np.add.at(table[labels[place]], labels[others], 1)
    total = table.sum(axis=1, keepdims=True)
    return np.where(total > 0, table / np.maximum(total, 1), np.nan)


def _check_method(method: str) -> None:
    known = get_args(MapName)
    if method not in known:
        raise DataError(f"There is no method '{method}'.{did_you_mean(method, known)} Choose pca or tsne.")


def _read(data: str | Path | Cells) -> Cells:
    """Read with labels where there are any."""
    try:
        return read(data, tolerate_unreadable=True, minimum_classes=1)
    except DataError:
        return read(data, tolerate_unreadable=True, labelled=False)


def _features(predictor: Predictor, model: str | Path, cells: Cells, layer: str) -> tuple[FloatArray, np.ndarray]:
    """Return ``float32 (n, d)`` features and the model's answers."""
    network = rebuild_network(predictor, model, "--layer") if layer else None
    parts, named = [], []
    with progress("Looking at pictures", len(cells)) as advance:
        for start in range(0, len(cells), _BATCH):
            places = range(start, min(start + _BATCH, len(cells)))
            framed = frame_pictures([np.asarray(cells.images[place]) for place in places], predictor.framing)
            predictions = predictor.predict_framed(framed, features=True)
            named.append(predictions.labels)
            assert predictions.features is not None
            parts.append(predictions.features if network is None else layer_features(network, framed, layer))
            advance(len(framed))
    return np.concatenate(parts), np.concatenate(named)


def _points(features: FloatArray, options: EmbedOptions) -> tuple[FloatArray, FloatArray]:
    points, shares = principal_components(features)
    points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
    return (tsne_points(features, options.seed) if options.method == "tsne" else points), shares


def _words(options: EmbedOptions, shares: FloatArray) -> str:
    what = f"the layer {options.layer}" if options.layer else "the features that the head sees"
    if options.method == "tsne":
        return f"t-SNE of {what}: neighbours look alike to the network; distances between far groups mean little"
    return f"The two first principal components of {what}; they hold {shares.sum():.0%} of all variance"


def _write(
    folder: Path, cells: Cells, labels: list[str], named: list[str], report: MapReport, options: EmbedOptions
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(
        folder / FACTS,
        {"method": options.method, "layer": options.layer, "pictures": len(cells), "unreadable": len(cells.unreadable)},
    )
    with atomic_path(folder / "map.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "source", "label", "named", "x", "y"])
        rows = zip(cells.rows.tolist(), cells.sources.tolist(), labels, named, report.points.tolist(), strict=True)
        for row, source, label, answer, (x, y) in rows:
            writer.writerow([row, source, label if report.labelled else "", answer, f"{x:.6g}", f"{y:.6g}"])
    write_map_report(folder / "report.html", folder / "map.png", report)
