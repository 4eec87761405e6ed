"""`smearlab explain`: where a model looks in each picture, as overlays, a table and a page."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.atomic import atomic_path, write_json
from smearlab.data.framing import frame_pictures
from smearlab.data.paths import user_path
from smearlab.data.progress import progress
from smearlab.data.read import read
from smearlab.data.results_folder import check_results_folder
from smearlab.errors import DataError, counted, did_you_mean
from smearlab.evaluation.heat import HeatOptions, MethodName, heat_maps
from smearlab.evaluation.overlays import enlarged, overlay
from smearlab.evaluation.rebuilding import rebuild_network
from smearlab.inference.predictor import Predictor
from smearlab.report.contents import Example
from smearlab.report.heat_report import HeatPicture, HeatReport, write_heat_report
from smearlab.report.text import left_out

if TYPE_CHECKING:
    from smearlab.data.cells import Cells, FloatArray, IntArray, UInt8Array
    from smearlab.inference.predictor import Predictions

FACTS = "explain.json"
TABLE = "heat.csv"
OVERLAYS = "overlays"
_FILES = (FACTS, TABLE, OVERLAYS, "report.html")
_COLUMNS = ("row", "source", "label", "confidence", "class", "overlay")
_BATCH = 32


@dataclass(frozen=True)
class ExplainOptions:
    """What is explained, and how.

    Attributes:
        method: ``gradcam``, ``gradcam++``, ``layercam`` or ``occlusion``; see `heat.HeatOptions`.
        of_class: the class whose heat is wanted; None takes the model's answer to each picture.
        layer: of the backbone; empty chooses one.
        refine: sharpen the map of the deep layer by those of early ones.
        limit: at most so many pictures, evenly spaced over the collection; 0 for all.
    """

    method: MethodName = "gradcam"
    of_class: str | None = None
    layer: str = ""
    refine: bool = True
    limit: int = 64


def explain(
    model: str | Path, pictures: str | Path | Cells, out: str | Path, options: ExplainOptions | None = None
) -> HeatReport:
    """Write where a model looks: ``overlays/*.png``, ``heat.csv``, ``report.html``.

    Args:
        model: a model folder, a run folder or ``default``.
        pictures: any form that `read` takes; labels are not needed.
        out: the folder to write to: new, empty, or of an earlier explanation, whose files are replaced.
        options: method, class, how many.

    Returns:
        What the page shows.

    Raises:
        DataError: the pictures cannot be read, no such method or class, or `out` holds something else.
        ModelError: the model cannot be loaded, its network not be rebuilt, or it has no such layer.
    """
    options, folder = options or ExplainOptions(), user_path(out)
    heat_options = HeatOptions(options.method, options.layer, options.refine)
    check_results_folder(folder, "explanation", _FILES, FACTS)
    predictor = Predictor.load(model)
    wanted = _class_index(predictor, options.of_class)
    network = rebuild_network(predictor, model, "'smearlab explain'")
    cells = read(pictures, labelled=False, tolerate_unreadable=True)
    chosen = evenly(len(cells), options.limit)
    if not len(chosen):
        raise DataError(f"{cells.name} has no picture that can be read.")
    framed = frame_pictures([np.asarray(cells.images[int(place)]) for place in chosen], predictor.framing)
    predictions = predictor.predict_framed(framed)
    classes = predictions.label_indices if wanted is None else np.full(len(framed), wanted, np.int64)
    heat: FloatArray = np.zeros(framed.shape[:3], np.float32)
    with progress("Explaining", len(framed)) as advance:
        for start in range(0, len(framed), _BATCH):
            part = slice(start, start + _BATCH)
            heat[part] = heat_maps(network, framed[part], classes[part], heat_options)
            advance(len(framed[part]))
    return _write(folder, cells, chosen, framed, predictions, classes, heat, options)


def evenly(count: int, limit: int) -> IntArray:
    """Return at most `limit` positions below `count`, evenly spaced; all of them where the limit is 0."""
    if limit < 0:
        raise DataError(f"--limit {limit}: give how many pictures at most, or 0 for all.")
    number = count if not limit else min(limit, count)
    return np.linspace(0, max(0, count - 1), number).round().astype(np.int64)


def _class_index(predictor: Predictor, name: str | None) -> int | None:
    if name is None:
        return None
    known = predictor.class_names
    if name not in known:
        raise DataError(f"The model knows no class '{name}'.{did_you_mean(name, known)} It knows: {', '.join(known)}.")
    return known.index(name)


def _write(
    folder: Path,
    cells: Cells,
    chosen: IntArray,
    framed: UInt8Array,
    predictions: Predictions,
    classes: IntArray,
    heat: FloatArray,
    options: ExplainOptions,
) -> HeatReport:
    names, looked = predictions.class_names, predictions.looked_again | predictions.unsure
    shown = [
        HeatPicture(
            Example(framed[place], int(cells.rows[position]), str(cells.sources[position])),
            overlay(framed[place], heat[place]),
            str(predictions.labels[place]),
            float(predictions.confidence[place]),
            names[classes[place]],
            bool(looked[place]),
        )
        for place, position in enumerate(chosen.tolist())
    ]
    folder.mkdir(parents=True, exist_ok=True)
    # Written first: a folder that a kill left half done is recognised, and may be written again.
    facts = {"method": options.method, "layer": options.layer, "refine": options.refine, "pictures": len(shown)}
    facts["unreadable"] = len(cells.unreadable)
    write_json(folder / FACTS, facts)
    files = _write_overlays(folder / OVERLAYS, shown)
    _write_table(folder / TABLE, shown, files)
    report = HeatReport(
        cells.name,
        len(cells),
        names,
        shown,
        _mean_heat(framed, heat, classes, names),
        _words(options),
        len(cells.unreadable),
    )
    write_heat_report(folder / "report.html", report)
    return report


def _write_overlays(folder: Path, shown: list[HeatPicture]) -> list[str]:
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    names = [f"{picture.picture.row:06d}_{picture.of_class}.png" for picture in shown]
    for name, picture in zip(names, shown, strict=True):
        with atomic_path(folder / name) as temporary:
            enlarged(picture.overlay).save(temporary, "PNG")
    return names


def _write_table(path: Path, shown: list[HeatPicture], files: list[str]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for picture, name in zip(shown, files, strict=True):
            example = picture.picture
            figures = (example.row, example.source, picture.label, f"{picture.confidence:.6f}")
            writer.writerow([*figures, picture.of_class, f"{OVERLAYS}/{name}"])


def _mean_heat(
    framed: UInt8Array, heat: FloatArray, classes: IntArray, names: tuple[str, ...]
) -> dict[str, UInt8Array]:
    """Return each class's mean heat over its mean picture."""
    found = {}
    for index in np.unique(classes).tolist():
        members = classes == index
        mean = heat[members].mean(axis=0)
        picture = framed[members].mean(axis=0).round().astype(np.uint8)
        found[names[index]] = overlay(picture, mean / max(float(mean.max()), 1e-9))
    return found


def _words(options: ExplainOptions) -> str:
    methods = {"gradcam": "Grad-CAM", "gradcam++": "Grad-CAM++", "layercam": "LayerCAM", "occlusion": "Occlusion"}
    of = "the model's answer" if options.of_class is None else f"the class {options.of_class.replace('_', ' ')}"
    finer = options.refine and options.method != "occlusion"
    how = ", sharpened by early layers" if finer else ""
    layer = f" at the layer {options.layer}" if options.layer else ""
    return f"{methods[options.method]}{layer} for {of}{how}"


def summary_line(report: HeatReport) -> str:
    """Return in a line what was done."""
    return (
        f"{report.words}: {counted(len(report.pictures), 'picture')} of {report.total:,}.{left_out(report.unreadable)}"
    )
