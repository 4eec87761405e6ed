"""Fitting a finished model's trust anew on labelled cells; its network stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smearlab.errors import ModelError
from smearlab.inference.model_folder import NETWORK, WEIGHTS, resolve_model, write_model_folder
from smearlab.inference.predictor import Predictor
from smearlab.inference.statistics import reference_statistics
from smearlab.inference.trust import OUTLINES, fit_belief

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from smearlab.data.cells import Cells, UInt8Array
    from smearlab.inference.info import ModelInfo


def refit_trust(model: str | Path, cells: Cells, threads: int | None = None) -> ModelInfo:
    """Fit temperature, rejection and prediction sets anew, and write them into the model folder.

    For a model of an earlier smearlab, or to make its promises hold in another laboratory: the coverage of prediction
    sets and the share of cells kept are promised for pictures like those it was fitted on.

    Args:
        model: a model folder or a run folder; it is replaced whole, or not at all.
        cells: labelled cells, of the model's classes, that it was not trained on; some hundreds of each class.
        threads: CPU threads of the network; None takes as many as there are cores.

    Returns:
        What ``model.json`` says now.

    Raises:
        ModelError: there is no such model, or the cells have other classes or are too few.
        DataError: the cells are not labelled.
    """
    folder = resolve_model(model)
    predictor = Predictor.load(folder, threads, second_look=False)
    if cells.class_names != predictor.class_names:
        raise ModelError(
            f"The cells have the classes {', '.join(cells.class_names)}, but the model knows"
            f" {', '.join(predictor.class_names)}. Give cells of the model's classes, in its order."
        )
    found = predictor.predict(cells.images, features=True)
    if found.features is None:
        raise ModelError(f"{folder} gives no features. Export the model again.")
    trust, is_cell = fit_belief(found.logits, cells.known_labels, found.features)
    trust["picture_statistics"] = reference_statistics(cells.images, predictor.framing)
    info = predictor.info.model_copy(update={"is_cell": is_cell})
    known = predictor.folder.trust.training_outlines
    _write(folder, info, trust if known is None else {**trust, OUTLINES: known})
    return Predictor.load(folder, threads).info


def remember(model: str | Path, outlines: UInt8Array) -> None:
    """Give a model of an earlier smearlab the outlines of its training pictures, so that it will not judge them.

    Args:
        model: a model folder or a run folder; it is replaced whole, or not at all.
        outlines: ``uint8 (n, 32)``, as from `smearlab.inference.outlines.outlines`.

    Raises:
        ModelError: there is no such model.
    """
    folder = resolve_model(model)
    known = Predictor.load(folder).folder
    _write(folder, known.info, {**known.trust.tensors(), OUTLINES: outlines})


def _write(folder: Path, info: ModelInfo, trust: Mapping[str, NDArray[np.generic]]) -> None:
    onnx, weights = ((folder / name).read_bytes() for name in (NETWORK, WEIGHTS))
    write_model_folder(folder, onnx=onnx, weights=weights, trust=trust, info=info)
