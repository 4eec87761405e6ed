"""What a report says about a model and a machine."""

from __future__ import annotations

import importlib.metadata
import os
from datetime import datetime
from typing import TYPE_CHECKING

from smearlab import __version__
from smearlab.report.contents import Machine, ModelFacts, SkippedPicture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smearlab.data.cells import Cells
    from smearlab.data.framing import Framing
    from smearlab.inference.predictor import Predictor


def model_facts(predictor: Predictor, notes: Mapping[str, str] | None = None) -> ModelFacts:
    """Describe a loaded model."""
    info, folder = predictor.info, predictor.folder
    temperature = float(folder.trust.temperature[0])
    return ModelFacts(
        network=info.network.name,
        parameters=info.network.parameters,
        classes=info.class_names,
        framing=framing_words(info.framing),
        files={path.name: path.stat().st_size for path in sorted(folder.path.iterdir())},
        notes={"Temperature": f"{temperature:.3f}", **(notes or {})},
    )


def framing_words(framing: Framing) -> str:
    """Say how a picture becomes the network's input."""
    crops = {
        "none": "the whole picture",
        "centre": f"the centred square of {framing.fraction:.0%} of the shorter side",
        "cell": "a square around the cell",
        "auto": "whole analyser frames cut to their centre, other pictures whole",
    }
    contents = {
        "whole": "",
        "high_pass": "; of that only fine structure (high-pass filter)",
        "nucleus": "; of that only the stained nucleus",
    }
    resized = f"resized to {framing.size} × {framing.size} px ({framing.filter})"
    return f"{crops[framing.crop]}, {resized}{contents[framing.content]}"


def machine_facts(
    seconds: Mapping[str, float], *, device: str = "cpu", seed: int | None = None, precision: str = "", threads: int = 0
) -> Machine:
    """Describe what the work was done with."""
    names = ("numpy", "pillow", "onnxruntime", "torch", "timm", "accelerate")
    return Machine(
        device=device,
        threads=threads or os.cpu_count() or 1,
        seed=seed,
        precision=precision,
        versions={"smearlab": __version__, **{name: version for name in names if (version := _version(name))}},
        seconds=seconds,
        created=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
    )


def skipped_pictures(cells: Cells) -> list[SkippedPicture]:
    """List the pictures that could not be decoded."""
    return [SkippedPicture(item.row, item.source, item.reason) for item in cells.unreadable]


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
