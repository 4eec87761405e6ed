import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.audit.labelled import NAMES, alone, coloured_cells, flipped
from tests.inference.tiny_model import write_tiny_folder

from smearlab.audit import fold_predictions
from smearlab.audit.fold_predictions import allowed_start, combine, judges, out_of_sample
from smearlab.audit.folds import make_folds
from smearlab.audit.label_errors import judge_labels
from smearlab.audit.probing import probe
from smearlab.audit.starts import has_seen, match_columns
from smearlab.data.cells import Cells
from smearlab.data.read import read
from smearlab.errors import DataError
from smearlab.inference.outlines import outlines
from smearlab.inference.predictor import Predictions, Predictor


def answers_about(cells: Cells, right: np.ndarray, names: tuple[str, ...] = NAMES) -> Predictions:
    """Answers of a model that mostly knows: features are the mean colours, the class is named with 90 %."""
    features = np.stack([picture.mean((0, 1)) for picture in cells]).astype(np.float32)
    chances = np.full((len(right), 3), 0.05, np.float32)
    chances[np.arange(len(right)), right] = 0.9
    nothing = np.zeros(len(right), np.float32)
    return Predictions(names, chances, nothing == 0, nothing, np.log(chances), features)


def jpeg(picture: np.ndarray) -> np.ndarray:
    """Save a picture once more."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=50)
    return np.asarray(Image.open(buffer))


def test_wrong_labels_come_first() -> None:
    planted = flipped(coloured_cells())
    found = out_of_sample(
        planted.cells, answers=answers_about(planted.cells, planted.right), groups=alone(planted.cells)
    )
    quality = judge_labels(planted.cells, found.chances)
    assert found.judges == (
        "the model default, which knows none of these pictures as its own, and what its features teach in 5 folds"
    )
    assert set(quality.order[:6]) == set(np.flatnonzero(planted.wrong))
    np.testing.assert_array_equal(quality.suggested, planted.right)


def test_probabilities_are_float32_and_add_up() -> None:
    cells = coloured_cells(10)
    chances = out_of_sample(cells, answers=answers_about(cells, cells.known_labels), groups=alone(cells)).chances
    assert chances.dtype == np.float32
    assert chances.shape == (30, 3)
    np.testing.assert_allclose(chances.sum(1), 1, rtol=1e-5)


def test_no_label_moves_its_own_prediction_by_the_probe() -> None:
    """Of a row in fold f, no model that judges fold f may know; only the two numbers of the calibration are shared."""
    planted = flipped(coloured_cells(), count=1)
    row = int(np.flatnonzero(planted.wrong)[0])
    folds = make_folds(planted.cells, 5, 0, groups=alone(planted.cells))
    features = answers_about(planted.cells, planted.right).features
    assert features is not None
    told = [
        probe(features, cells.known_labels, folds, 3)
        for cells in (planted.cells, replace(planted.cells, labels=planted.right))
    ]
    mates = folds.numbers == folds.numbers[row]
    np.testing.assert_array_equal(told[0][mates], told[1][mates])
    assert not np.array_equal(told[0][~mates], told[1][~mates])


def test_a_model_with_the_classes_in_another_order_is_matched_by_name() -> None:
    cells = coloured_cells(10)
    order = [2, 0, 1]
    answers = answers_about(cells, np.argsort(order)[cells.known_labels], tuple(NAMES[place] for place in order))
    members = judges(cells, make_folds(cells, 3, 0, groups=alone(cells)), answers=answers)
    assert set(members) == {"probe", "model"}
    np.testing.assert_array_equal(members["model"].argmax(1), cells.known_labels)


def test_a_model_that_does_not_know_the_classes_is_probed_and_networks_are_trained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cells = coloured_cells(10)
    even = np.full((30, 3), 1 / 3)
    monkeypatch.setattr(fold_predictions, "_judged_by_networks", lambda *arguments: even)
    answers = answers_about(cells, cells.known_labels, ("red", "green", "blue"))
    folds = make_folds(cells, 3, 0, groups=alone(cells))
    assert set(judges(cells, folds, answers=answers)) == {"probe", "network"}
    assert set(judges(cells, folds, answers=answers, train=False)) == {"probe"}


def test_the_start_model_is_asked_where_no_answers_are_given(tmp_path: Path) -> None:
    cells = replace(coloured_cells(10), class_names=("red", "green", "blue"))
    members = judges(cells, make_folds(cells, 3, 0, groups=alone(cells)), start=write_tiny_folder(tmp_path))
    np.testing.assert_array_equal(members["model"].argmax(1), cells.known_labels)
    np.testing.assert_array_equal(members["probe"].argmax(1), cells.known_labels)


def test_a_model_trained_on_these_very_data_judges_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells, model = coloured_cells(10), write_tiny_folder(tmp_path)
    monkeypatch.setattr(fold_predictions, "has_seen", lambda predictor, data: True)
    monkeypatch.setattr(fold_predictions, "untaught_start", lambda data: None)
    starts: list[object] = []

    def trained(data: object, folds: object, start: object, *others: object) -> np.ndarray:
        starts.append(start)
        return np.full((30, 3), 1 / 3)

    monkeypatch.setattr(fold_predictions, "_judged_by_networks", trained)
    found = out_of_sample(cells, folds=3, groups=alone(cells), start=model)
    assert starts == [None]
    assert found.judges == (
        f"3 networks trained here from scratch, each on the other folds. The model {model} was trained on these "
        "pictures and may not judge them"
    )


def test_a_file_of_weights_saw_nothing() -> None:
    assert allowed_start("weights.pth", coloured_cells(4)) == "weights.pth"
    assert allowed_start(None, coloured_cells(4)) is None


def test_labels_of_one_class_are_not_judged() -> None:
    cells = coloured_cells(10)
    one = cells.take(np.flatnonzero(cells.known_labels == 1))
    with pytest.raises(DataError, match="the same label"):
        out_of_sample(one, groups=alone(one))


@pytest.mark.parametrize(("data", "rows", "seen"), [("coloured", 80, True), ("coloured", 500, False), ("", 0, False)])
def test_a_model_has_seen_data_of_the_name_it_gives(tmp_path: Path, data: str, rows: int, seen: bool) -> None:
    predictor = Predictor.load(write_tiny_folder(tmp_path))
    told = predictor.info.provenance.model_copy(update={"data": data, "rows": rows})
    info = predictor.info.model_copy(update={"provenance": told})
    assert has_seen(Predictor(replace(predictor.folder, info=info)), coloured_cells()) == seen


def test_a_model_knows_pictures_again_that_were_copied_elsewhere(tmp_path: Path) -> None:
    drawn = read("demo")
    taught, others = drawn.take(np.arange(0, 40)), drawn.take(np.arange(40, 80))
    predictor = Predictor.load(write_tiny_folder(tmp_path))
    known = outlines(taught.images, predictor.framing)
    knowing = Predictor(replace(predictor.folder, trust=replace(predictor.folder.trust, training_outlines=known)))
    copied = replace(taught, name="other", images=[jpeg(picture) for picture in taught.images])
    assert has_seen(knowing, copied)
    assert not has_seen(knowing, others)
    assert not has_seen(predictor, copied)


def test_columns_are_matched_where_all_that_occurs_is_known() -> None:
    cells = coloured_cells(4)
    assert match_columns(("platelet", "neutrophil"), cells) is None
    two = cells.take(np.flatnonzero(cells.known_labels > 0))
    columns = match_columns(("platelet", "neutrophil"), two)
    assert columns is not None
    assert columns.tolist() == [-1, 1, 0]


def test_a_class_in_one_fold_only_is_judged_without_a_warning() -> None:
    cells = coloured_cells(10)
    labels = np.where(cells.known_labels == 2, 0, cells.known_labels)
    labels[0] = 2
    rare = replace(cells, labels=labels)
    chances = out_of_sample(rare, answers=answers_about(rare, labels), groups=alone(rare), folds=3).chances
    assert np.isfinite(chances).all()


def test_nothing_to_judge_by_is_refused() -> None:
    cells = coloured_cells(4)
    with pytest.raises(DataError, match="Nothing is left"):
        judges(cells, make_folds(cells, 3, 0, groups=alone(cells)), start=None, train=False)


def test_answers_without_features_are_refused() -> None:
    cells = coloured_cells(4)
    answers = replace(answers_about(cells, cells.known_labels), features=None)
    with pytest.raises(DataError, match="features=True"):
        judges(cells, make_folds(cells, 3, 0, groups=alone(cells)), answers=answers)


def test_judges_are_averaged() -> None:
    one, two = np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.5, 0.5]])
    np.testing.assert_allclose(combine([one, two]), 0.5)
