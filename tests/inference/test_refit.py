from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.inference.tiny_model import CLASS_NAMES, write_tiny_folder

from smearlab.data.cells import Cells
from smearlab.data.framing import Framing
from smearlab.errors import DataError, ModelError
from smearlab.inference.outlines import outlines
from smearlab.inference.predictor import Predictor
from smearlab.inference.refit import refit_trust, remember


def coloured(count: int, seed: int, names: tuple[str, ...] = CLASS_NAMES) -> Cells:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    colours = 90 + 60 * np.eye(3)[labels] + rng.normal(0, 15, (count, 3))
    pictures = np.clip(rng.normal(colours[:, None, None], 20, (count, 16, 16, 3)), 0, 255)
    sources = np.array([f"{number}.png" for number in range(count)])
    return Cells(pictures.astype(np.uint8), labels.astype(np.int64), sources, names, np.arange(count), name="tiny")


def test_old_models_load_and_refitting_gives_them_sets_and_the_better_rejection(tmp_path: Path) -> None:
    folder = write_tiny_folder(tmp_path)
    network = (folder / "model.onnx").read_bytes()
    old = Predictor.load(folder).predict(coloured(6, 1).images)
    with pytest.raises(ModelError, match="no prediction sets"):
        old.prediction_sets()
    info = refit_trust(folder, coloured(300, 0))
    assert info.is_cell.method == "unit_mahalanobis"
    assert (folder / "model.onnx").read_bytes() == network
    new = Predictor.load(folder).predict(coloured(600, 2).images)
    assert new.is_cell.mean() > 0.95
    sets = new.prediction_sets(0.9)
    own = [CLASS_NAMES[number % 3] in names for number, names in enumerate(sets)]
    assert np.mean(own) == pytest.approx(0.9, abs=0.05)
    violet = Predictor.load(folder).predict(np.full((2, 16, 16, 3), (250, 0, 250), np.uint8))
    assert not violet.is_cell.any()


def test_a_batch_and_its_parts_say_the_same(tmp_path: Path) -> None:
    folder = write_tiny_folder(tmp_path)
    refit_trust(folder, coloured(300, 0))
    predictor, pictures = Predictor.load(folder), coloured(40, 3).images
    whole, parts = predictor.predict(pictures), predictor.predict(pictures, batch_size=7)
    assert whole.prediction_sets(0.95) == parts.prediction_sets(0.95)
    np.testing.assert_array_equal(whole.strangeness, parts.strangeness)
    few = whole.take(np.array([5, 3]))
    assert few.prediction_sets(0.95) == [whole.prediction_sets(0.95)[number] for number in (5, 3)]


def test_cells_of_other_classes_or_without_labels_are_refused(tmp_path: Path) -> None:
    folder = write_tiny_folder(tmp_path)
    with pytest.raises(ModelError, match="in its order"):
        refit_trust(folder, coloured(30, 0, ("a", "b", "c")))
    cells = coloured(30, 0)
    unlabelled = Cells(cells.images, None, cells.sources, cells.class_names, cells.rows, name="tiny")
    with pytest.raises(DataError, match="label"):
        refit_trust(folder, unlabelled)


def test_refitting_keeps_what_the_model_was_taught(tmp_path: Path) -> None:
    folder, known = write_tiny_folder(tmp_path), outlines(coloured(5, 1).images, Framing(size=16))
    remember(folder, known)
    refit_trust(folder, coloured(300, 0))
    kept = Predictor.load(folder).folder.trust.training_outlines
    assert kept is not None
    np.testing.assert_array_equal(kept, known)
