from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.inference.test_refit import coloured
from tests.inference.tiny_model import write_tiny_folder

from smearlab.__main__ import main
from smearlab.data.cells import Cells
from smearlab.data.demo import demo_cells
from smearlab.data.framing import Framing
from smearlab.errors import DataError
from smearlab.evaluation import shift as shift_module
from smearlab.evaluation.shift import resemblances, shift, shift_words
from smearlab.inference.refit import refit_trust
from smearlab.inference.statistics import STATISTICS, picture_statistics, reference_statistics, signature


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = write_tiny_folder(tmp_path)
    refit_trust(folder, coloured(200, 0))
    return folder


def darker(cells: Cells) -> Cells:
    images = np.stack([np.asarray(one) // 2 for one in cells.images])
    return Cells(images, cells.labels, cells.sources, cells.class_names, cells.rows, name="darker")


def test_the_same_laboratory_is_recognised(model: Path) -> None:
    found = shift(model, coloured(120, 1))
    assert found.size < shift_module.LITTLE
    assert "use the model as it is" in found.advice[0]
    assert 0.5 < found.expected_accuracy <= 1


def test_another_laboratory_is_described(model: Path) -> None:
    found = shift(model, darker(coloured(120, 1)))
    assert found.size > 1
    words = "\n".join(shift_words(found))
    assert "They resemble" in words
    assert all(abs(change.deviations) > 1 for change in found.changes)


def test_each_alteration_is_most_like_itself() -> None:
    table, names = shift_module._alterations()
    assert table.shape == (1 + len(names), 2 * len(STATISTICS))
    for found, (_, _, operation, _) in zip(table[1:], names, strict=True):
        assert resemblances(found)[0].operation == operation


@pytest.mark.parametrize(
    "gains", [(1.05, 1, 0.7), (0.75, 0.9, 1.1), (0.85, 1.03, 0.85), (1.1, 0.88, 0.97), (1.1, 0.95, 0.75)]
)
def test_one_cast_over_all_pictures_is_a_matter_of_white_balance(gains: tuple[float, float, float]) -> None:
    cells, framing = demo_cells(), Framing(size=96)
    images = np.stack(list(cells.take(np.arange(0, len(cells), 6)).images)) * np.array(gains)
    tinted = picture_statistics(np.clip(images, 0, 255).astype(np.uint8), framing)
    nearest = resemblances(signature(tinted, reference_statistics(cells.images, framing)))[0]
    assert nearest.operation == "white_balance"
    assert nearest.likeness > 0.8


def test_a_reference_can_be_given_and_is_asked_for(tmp_path: Path) -> None:
    old = write_tiny_folder(tmp_path)
    with pytest.raises(DataError, match="--reference"):
        shift(old, coloured(40, 1))
    assert shift(old, coloured(60, 1), reference=coloured(60, 2)).size < 0.6
    with pytest.raises(DataError, match="20 pictures or more"):
        shift(old, coloured(6, 1), reference=coloured(60, 2))


def test_the_command_writes_json(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "new.npz", images=np.stack(list(coloured(40, 3).images)))
    out = tmp_path / "shift.json"
    assert main(["shift", str(model), str(tmp_path / "new.npz"), "--out", str(tmp_path / "shift.txt")]) == 2
    assert not (tmp_path / "shift.txt").exists()
    assert main(["shift", str(model), str(tmp_path / "new.npz"), "--out", str(out)]) == 0
    assert "Expected accuracy" in capsys.readouterr().out
    assert json.loads(out.read_text())["pictures"] == 40
