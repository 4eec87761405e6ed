"""`smearlab export MODEL --to onnx`: one file for other programs, with framing inside, and what it is worth."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx

from smearlab import __version__
from smearlab.data.atomic import write_bytes, write_json
from smearlab.data.paths import user_path
from smearlab.data.window import ANALYSER_SIDES, LEAST_SIDE
from smearlab.deploy.comparison import Comparison, compare, file_contender, reference_of
from smearlab.deploy.framing_graph import Wide, can_be_inside, with_framing
from smearlab.deploy.material import FEWEST, gather
from smearlab.deploy.onnx_graph import checked, load_graph, opset, set_metadata
from smearlab.deploy.precision import Precision, to_float16, to_int8
from smearlab.errors import ModelError
from smearlab.inference.model_folder import INFO, NETWORK
from smearlab.inference.predictor import Predictor

if TYPE_CHECKING:
    from smearlab.deploy.material import Material
    from smearlab.inference.info import ModelInfo

MOST_DIFFERENT = {"float32": 1e-3, "float16": 0.1, "int8": float("inf")}
"""Largest difference of a logit, relative to the largest one, above which a file is refused. Of whole numbers the
labels are judged, not the logits."""
LEAST_SAME = 0.8
"""Share of equal labels below which a file is refused: it is broken, not just less exact."""
WORTH_A_WARNING = 0.003
"""Balanced accuracy lost, above which a warning is printed."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: the file.
        precision: of its weights and arithmetic.
        framing: ``inside`` (it takes pictures of any size) or ``outside`` (it takes framed ones).
        opset: version of the operators.
        comparison: beside the network it was made from.
        notes: what a person should know, in sentences.
    """

    path: Path
    precision: Precision
    framing: str
    opset: int
    comparison: Comparison
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """Say it in lines of text."""
        return [*self.comparison.lines(), *self.notes, f"Written: {self.path} (figures: {report_path(self.path)})"]

    def to_json(self) -> dict[str, Any]:
        """Return all of it as it stands beside the file."""
        return {
            "file": self.path.name,
            "precision": self.precision,
            "framing": self.framing,
            "opset": self.opset,
            "notes": list(self.notes),
            **self.comparison.to_json(),
        }


def export_file(
    model: str | Path,
    out: str | Path,
    *,
    precision: Precision = "float32",
    calibration: str | Path | None = None,
    wide: Wide = "refuse",
    seconds: float = 1.0,
) -> Exported:
    """Write a model as one ONNX file and, beside it, how it compares with the network it was made from.

    Args:
        model: a model folder, a run folder or ``default``.
        out: the file to write, ``….onnx``.
        precision: of weights and arithmetic.
        calibration: cells in any form, best with labels: some to calibrate int8 with, the others to compare on. None
            takes the demo's drawings, which say little of real cells.
        wide: what the file does with pictures that may be whole fields; only for the crop ``auto``.
        seconds: about how long each of up to eight timings takes.

    Raises:
        ModelError: the model cannot be loaded or exported, or the file says something else than its network.
        DataError: the pictures cannot be read, or nothing can be written to `out`.
    """
    out = checked_out(out, ".onnx")
    predictor = Predictor.load(model, second_look=False)  # what leaves here looks once
    info = predictor.info
    material = gather(calibration, info.framing, info.class_names, calibrate=precision == "int8")
    inside = can_be_inside(info.framing)
    network = build_file(predictor, precision, material, wide)
    reference, why_not = reference_of(predictor, model)
    exported = file_contender(f"{precision} ONNX", network, info.framing, inside=inside)
    comparison = compare(exported, reference, _accepted(material, predictor, inside, wide), seconds=seconds)
    _refuse_broken(comparison, precision)
    notes = _notes(precision, material, comparison, info, why_not, inside=inside)
    place = "inside" if inside else "outside"
    done = Exported(out, precision, place, opset(onnx.load_from_string(network)), comparison, tuple(notes))
    write_bytes(out, network)
    write_json(report_path(out), done.to_json())
    return done


def build_file(predictor: Predictor, precision: Precision, material: Material, wide: Wide) -> bytes:
    """Convert the network, put its framing in front and describe it in the file.

    Args:
        predictor: the model.
        precision: of weights and arithmetic.
        material: has the pictures to calibrate with.
        wide: see `export_file`.
    """
    graph = load_graph((predictor.folder.path / NETWORK).read_bytes())
    if precision == "float16":
        graph = to_float16(graph)
    elif precision == "int8":
        graph = to_int8(graph, material.calibration)
    inside = can_be_inside(predictor.framing)
    if inside:
        with_framing(graph, predictor.framing, wide)
    set_metadata(graph, _metadata(predictor, precision, wide, inside=inside))
    return checked(graph)


def checked_out(out: str | Path, suffix: str) -> Path:
    """Return the path of a file to write, if nothing speaks against it.

    Raises:
        ModelError: another suffix, a folder, or a file that would stand in a model folder, which may hold no others.
    """
    path = user_path(out, ModelError)
    if path.suffix.lower() != suffix:
        raise ModelError(f"--out {path}: give the name of a {suffix} file.")
    if path.is_dir():
        raise ModelError(f"--out {path} is a folder; give the name of a {suffix} file.")
    if (path.parent / INFO).is_file() and (path.parent / NETWORK).is_file():
        raise ModelError(f"{path.parent} is a model folder, which may hold nothing else. Write {path.name} elsewhere.")
    return path


def report_path(out: Path) -> Path:
    """Return where the figures of an exported file are written."""
    return out.with_suffix(".json")


def _metadata(predictor: Predictor, precision: Precision, wide: Wide, *, inside: bool) -> dict[str, str]:
    info = predictor.info
    return {
        "name": info.name,
        "class_names": json.dumps(info.class_names),
        "temperature": repr(float(predictor.folder.trust.temperature[0])),
        "probabilities": "softmax(logits / temperature)",
        "precision": precision,
        "input": _input_words(info, wide, inside=inside),
        "framing": info.framing.model_dump_json(),
        "framing_inside": json.dumps(inside),
        "wide": wide if inside and info.framing.crop == "auto" else "",
        "scaling": f"inside: {info.scaling.model_dump_json()}",
        "network": info.network.name,
        "licence": info.provenance.licence,
        "credit": info.provenance.credit,
        "made_by": f"smearlab {__version__}",
    }


def _input_words(info: ModelInfo, wide: Wide, *, inside: bool) -> str:
    size = info.framing.size
    if not inside:
        return (
            f"uint8 RGB (n, {size}, {size}, 3), already framed: the crop '{info.framing.crop}' and the content "
            f"'{info.framing.content}' depend on the picture, and are done by smearlab.data.framing.frame_picture"
        )
    words = "uint8 RGB (n, h, w, 3), n from 1, any h and w, 0 to 255 as decoded"
    if info.framing.crop != "auto":
        return words
    if wide == "refuse":
        return f"{words}; refuses pictures that may be whole fields, from 100 px a side"
    return f"{words}; pictures from 100 px a side are taken as cut out around a cell"


def _accepted(material: Material, predictor: Predictor, inside: bool, wide: Wide) -> Material:
    """Leave out the pictures that the file would refuse."""
    framing = predictor.framing
    if not inside or framing.crop != "auto" or wide != "refuse":
        return material

    def taken(height: int, width: int) -> bool:
        short, long = min(height, width), max(height, width)
        analyser = ANALYSER_SIDES[0] <= short and long <= ANALYSER_SIDES[1]
        return short < LEAST_SIDE or analyser or short == long == framing.size

    kept = [place for place, picture in enumerate(material.pictures) if taken(*picture.shape[:2])]
    if len(kept) < min(FEWEST, len(material.pictures)):
        raise ModelError(
            f"The pictures of {material.name} are {LEAST_SIDE} px or more on both sides, and the file would refuse "
            "them, as it cannot tell whether they are whole fields. If they are cut out around a cell, add "
            "--wide whole."
        )
    labels = None if material.labels is None else material.labels[kept]
    return replace(material, pictures=[material.pictures[place] for place in kept], labels=labels)


def _refuse_broken(comparison: Comparison, precision: Precision) -> None:
    different = not comparison.relative_difference <= MOST_DIFFERENT[precision]
    if different or comparison.same_label < LEAST_SAME:
        raise ModelError(
            f"The {precision} file says something else than its network: logits differ by up to "
            f"{comparison.relative_difference:.2g} of the largest, and {comparison.same_label:.1%} of the labels agree."
            + (" Export float32, or calibrate with pictures like those it will see." if precision != "float32" else "")
        )


def _notes(
    precision: Precision, material: Material, comparison: Comparison, info: ModelInfo, why_not: str, *, inside: bool
) -> list[str]:
    notes = []
    if material.drawn:
        what = "calibrated with and compared on" if precision == "int8" else "compared on"
        notes.append(f"It was {what} the demo's drawings, which are no cells. Give real ones with --calibration.")
    if why_not:
        notes.append(f"It was compared with the model's ONNX file, not with PyTorch: {why_not}.".replace("..", "."))
    if not inside:
        notes.append(f"Framing is not inside: {_input_words(info, 'refuse', inside=False)}.")
    before, after = comparison.reference.balanced_accuracy, comparison.exported.balanced_accuracy
    if before is not None and after is not None and before - after > WORTH_A_WARNING:
        notes.append(
            f"Balanced accuracy falls by {100 * (before - after):.1f} points against {comparison.reference.name}."
        )
    return notes
