"""`smearlab export MODEL --to submission`: a zip for a competition's server, tried out before it is called done."""

from __future__ import annotations

import io
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab import __version__
from smearlab.data.atomic import write_bytes, write_json
from smearlab.data.framing import frame_pictures
from smearlab.deploy.assembly import Runtime, check_source, model_source
from smearlab.deploy.clean_process import clean_python
from smearlab.deploy.export import build_file, checked_out, report_path
from smearlab.deploy.flat_graph import flatten
from smearlab.deploy.framing_graph import can_be_inside
from smearlab.deploy.material import gather
from smearlab.deploy.trial import Check, Expected, judge
from smearlab.errors import ModelError
from smearlab.inference.model_folder import NETWORK
from smearlab.inference.predictor import Predictor

if TYPE_CHECKING:
    from smearlab.deploy.material import Material
    from smearlab.deploy.precision import Precision

SIDE = 96
"""Side in pixels of a competition's pictures."""
TRIED = 128
"""Pictures that the bundle is tried out with."""
BATCH = 32
WEIGHTS: dict[Runtime, str] = {"onnxruntime": "model.onnx", "torch": "weights.npz", "tensorflow": "weights.npz"}
NAMES: dict[Runtime, str] = {"onnxruntime": "ONNX Runtime", "torch": "PyTorch", "tensorflow": "TensorFlow"}
_READABLE = 0o100644  # a file that everybody may read
_SAME_DATE = (1980, 1, 1, 0, 0, 0)  # of every file in the zip, so that the same model gives the same bytes


@dataclass(frozen=True)
class Submission:
    """What was written.

    Attributes:
        path: the zip.
        runtime: that it needs.
        python: in what it was tried out.
        checks: what was tried, and what came out.
        notes: what a person should know, in sentences.
    """

    path: Path
    runtime: Runtime
    python: str
    checks: tuple[Check, ...]
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """Say it in lines of text."""
        width = max(len(check.name) for check in self.checks)
        rows = [f"  {check.name:<{width}}  {check.figure}" for check in self.checks]
        return [
            f"Tried out in {self.python}:",
            *rows,
            *self.notes,
            f"Written: {self.path} (checks: {report_path(self.path)})",
        ]

    def to_json(self) -> dict[str, Any]:
        """Return all of it as it stands beside the zip."""
        checks = [{"check": check.name, "figure": check.figure, "passed": check.passed} for check in self.checks]
        return {
            "file": self.path.name,
            "runtime": self.runtime,
            "python": self.python,
            "notes": list(self.notes),
            "checks": checks,
        }


def write_submission(
    model: str | Path,
    out: str | Path,
    *,
    runtime: Runtime = "onnxruntime",
    precision: Precision = "float32",
    calibration: str | Path | None = None,
    check_python: str | Path = "auto",
) -> Submission:
    """Write a competition bundle, after it has been unpacked and tried out by a clean Python process.

    Args:
        model: a model folder, a run folder or ``default``.
        out: the file to write, ``….zip``.
        runtime: what runs on the server; ``model.py`` needs it and NumPy.
        precision: of the weights; ``int8`` for ONNX Runtime only. The other runtimes store ``float16`` weights and
            compute in ``float32``.
        calibration: cells in any form, to try the bundle out with and to calibrate int8; None takes drawings.
        check_python: see `clean_process.clean_python`.

    Raises:
        ModelError: the model cannot be bundled, or a check failed: then nothing is written.
        DataError: the pictures cannot be read.
    """
    out = checked_out(out, ".zip")
    predictor = Predictor.load(model, second_look=False)  # what leaves here looks once
    _refuse_impossible(predictor, runtime, precision)
    material = gather(calibration, predictor.framing, predictor.class_names, calibrate=precision == "int8")
    files = bundle_files(predictor, runtime, precision, material)
    packed = _zipped(files)
    expected = _expected(predictor, material, precision)
    python, checks = try_bundle(packed, expected, runtime, check_python)
    if failed := [check for check in checks if not check.passed]:
        words = "; ".join(f"{check.name}: {check.figure}" for check in failed)
        raise ModelError(f"The bundle failed its trial in {python}. {words}. Nothing was written.")
    notes = ["It was tried out with the demo's drawings; give real cells with --calibration."] if material.drawn else []
    done = Submission(out, runtime, python, tuple(checks), tuple(notes))
    write_bytes(out, packed)
    write_json(report_path(out), done.to_json())
    return done


def bundle_files(predictor: Predictor, runtime: Runtime, precision: Precision, material: Material) -> dict[str, bytes]:
    """Return the files of a bundle by name.

    Raises:
        ModelError: the network uses an operator that the runtime's interpreter does not know.
    """
    info = predictor.info
    settings = {
        "class_names": list(info.class_names),
        "weights": WEIGHTS[runtime],
        "batch_size": BATCH,
        "size": info.framing.size,
        "crop": info.framing.crop,
        "fraction": info.framing.fraction,
        "filter": info.framing.filter,
    }
    if runtime == "onnxruntime":
        weights = build_file(predictor, precision, material, "whole")
    else:
        network = (predictor.folder.path / NETWORK).read_bytes()
        weights = flatten(network, runtime, half=precision == "float16")
    source = model_source(runtime, settings, _about(predictor, runtime))
    return {"model.py": source.encode(), WEIGHTS[runtime]: weights}


def try_bundle(
    packed: bytes, expected: Expected, runtime: Runtime, check_python: str | Path = "auto"
) -> tuple[str, list[Check]]:
    """Unpack a bundle into an empty folder, and let a clean Python process run it.

    Args:
        packed: the zip's bytes.
        expected: the pictures, and what is right for them.
        runtime: what it needs.
        check_python: see `clean_process.clean_python`.

    Returns:
        In what it was tried out, in words, and the checks.

    Raises:
        ModelError: ``model.py`` cannot be compiled or uses a name that nobody defines, or there is no clean Python.
    """
    with tempfile.TemporaryDirectory(prefix="smearlab-bundle-") as temporary:
        folder = Path(temporary) / "bundle"
        with zipfile.ZipFile(io.BytesIO(packed)) as file:
            file.extractall(folder)
        check_source((folder / "model.py").read_text(encoding="utf-8"))
        pictures = Path(temporary) / "pictures.npy"
        np.save(pictures, expected.pictures)
        with clean_python(runtime, check_python) as python:
            found = python.try_out(folder, pictures)
            return python.words, judge(found, expected, runtime, len(packed))


def _refuse_impossible(predictor: Predictor, runtime: Runtime, precision: Precision) -> None:
    framing = predictor.framing
    if not can_be_inside(framing):
        raise ModelError(
            f"A bundle cannot frame as this model does (crop '{framing.crop}', content '{framing.content}'): it would "
            "need smearlab on the server. Train with framing.crop = 'none' or 'auto' and framing.content = 'whole'."
        )
    if precision == "int8" and runtime != "onnxruntime":
        raise ModelError(
            f"--precision int8 is computed by ONNX Runtime only; --runtime {runtime} takes float32 or float16."
        )


def _expected(predictor: Predictor, material: Material, precision: Precision) -> Expected:
    # As the competition shows them: whole frames are cropped as the model would, not squeezed.
    place = predictor.framing.place.model_copy(update={"size": SIDE})
    pictures = frame_pictures(list(material.pictures[:TRIED]), place)
    predictions = predictor.predict(pictures)
    top = np.sort(predictions.logits, axis=1)
    labels = None if material.labels is None else material.labels[:TRIED]
    return Expected(
        pictures=pictures,
        labels=predictions.label_indices,
        margins=np.asarray(top[:, -1] - top[:, -2], np.float64),
        truth=labels,
        classes=len(predictor.class_names),
        precision=precision,
    )


def _about(predictor: Predictor, runtime: Runtime) -> str:
    info, needs = predictor.info, NAMES[runtime]
    credit = f"Licence of the weights: {info.provenance.licence or 'not stated'}. {info.provenance.credit}".strip()
    return (
        (
            f"Names blood cells: Model().predict(X). Needs NumPy and {needs}.\n\n"
            f"Classes, in the order of the numbers: {', '.join(info.class_names)}.\n"
            f"Network: {info.network.name}; model '{info.name}'. {credit}\n"
            f"Written by smearlab {__version__}.\n"
        )
        .replace("\\", "/")
        .replace('"""', "'''")
    )


def _zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _SAME_DATE)
            entry.external_attr = _READABLE << 16  # else the owner alone may read it, who need not be who runs it
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
