"""The command that ships a model: export."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from smearlab.cli.app import app


@app.command
def export(
    model: str = "default",
    *,
    to: Literal["onnx", "submission"],
    out: Path,
    precision: Literal["float32", "float16", "int8"] = "float32",
    runtime: Literal["onnxruntime", "torch", "tensorflow"] | None = None,
    calibration: str | None = None,
    wide: Literal["refuse", "whole"] = "refuse",
    check_python: str | None = None,
) -> None:
    """Write a model as an ONNX file, or as a bundle for a competition's server, and check what was written.

    Parameters
    ----------
    model
        A model folder, a run folder, or default, the model that ships.
    to
        onnx: one file with framing and scaling inside. submission: a zip with model.py and weights.
    out
        The file to write: .onnx or .zip. Its figures are written beside it as .json.
    precision
        Of weights and arithmetic; int8 is calibrated on pictures.
    runtime
        Of a bundle: what runs on the competition's server; model.py uses that and NumPy, nothing else. onnxruntime by
        default.
    calibration
        Cells in any form, best with labels: to calibrate int8 with, and to compare on. Drawings by default.
    wide
        What an ONNX file does with pictures from 100 px a side, which may be whole fields: refuse them, or take them
        whole.
    check_python
        Where a bundle is tried out: new (an environment with the runtime alone), here (this Python, all else
        refused), or the path of a Python that has the runtime.
    """
    from smearlab.errors import DataError, require

    require("onnx", "export", "smearlab export")
    if to == "onnx" and (runtime or check_python):
        raise DataError("--runtime and --check-python are of a bundle: leave them out, or give --to submission.")
    if to == "onnx":
        from smearlab.deploy.export import export_file

        done = export_file(model, out, precision=precision, calibration=calibration, wide=wide)
        print("\n".join(done.lines()))
        return
    from smearlab.deploy.submission import write_submission

    bundle = write_submission(
        model,
        out,
        runtime=runtime or "onnxruntime",
        precision=precision,
        calibration=calibration,
        check_python=check_python or "auto",
    )
    print("\n".join(bundle.lines()))
