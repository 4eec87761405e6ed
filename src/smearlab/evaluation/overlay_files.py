"""What ``smearlab predict --explain`` adds: for every picture, what its label rests on, laid over it as a PNG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from smearlab.data.atomic import atomic_folder
from smearlab.data.paths import user_path
from smearlab.data.stream import stream_pictures
from smearlab.errors import DataError
from smearlab.evaluation.heat import HeatOptions, heat_maps
from smearlab.evaluation.overlays import overlay
from smearlab.evaluation.rebuilding import rebuild_network
from smearlab.inference.predict import predicted_batches
from smearlab.inference.predictor import Predictor

_BATCH = 16


def check_overlay_folder(pictures: str | Path | Sequence[str], folder: str | Path) -> Path:
    """Make sure that overlays can be written, before anything is predicted.

    Raises:
        DataError: the pictures come from standard input, which cannot be read twice, or the folder is there already
            and not empty.
    """
    target = user_path(folder)
    named = [str(pictures)] if isinstance(pictures, str | Path) else list(pictures)
    if "-" in named:
        raise DataError("--explain reads the pictures a second time, which - does not allow: give files or a folder.")
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise DataError(f"{target} exists already. Choose a new folder for --explain.")
    return target


def write_overlays(
    pictures: str | Path | Sequence[str],
    model: str | Path,
    folder: str | Path,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write ``000012.png`` for the picture of row 12, for each that can be read, in constant memory.

    Args:
        pictures: as for `smearlab.inference.predict.predict_to_file`, but not standard input.
        model: a model folder, a run folder or ``default``.
        folder: a new folder; it appears when it is complete.
        progress: called after each batch with the number of pictures it had.

    Returns:
        The number of overlays.

    Raises:
        DataError: see `check_overlay_folder`; or the pictures cannot be read at all.
        ModelError: the model cannot be loaded, or its network not be rebuilt.
        MissingExtraError: PyTorch is not installed.
    """
    target = check_overlay_folder(pictures, folder)
    predictor = Predictor.load(model)
    network = rebuild_network(predictor, model, "'smearlab predict --explain'")
    written = 0
    with atomic_folder(target) as staged:
        for batch, predictions in predicted_batches(stream_pictures(pictures), predictor, _BATCH):
            shown = [picture for picture in batch if picture.pixels is not None]
            if shown:
                framed = np.stack([picture.pixels for picture in shown if picture.pixels is not None])
                heat = heat_maps(network, framed, predictions.label_indices, HeatOptions())
                for picture, pixels, warmth in zip(shown, framed, heat, strict=True):
                    Image.fromarray(overlay(pixels, warmth)).save(staged / f"{picture.row:06d}.png")
            written += len(shown)
            if progress is not None:
                progress(len(batch))
    return written
