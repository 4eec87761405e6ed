from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.inference.tiny_model import write_tiny_folder

from smearlab.errors import DataError
from smearlab.evaluation import overlay_files
from smearlab.evaluation.overlay_files import check_overlay_folder, write_overlays
from smearlab.inference.predictor import Predictor


def test_each_readable_picture_has_an_overlay_named_by_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, slide = write_tiny_folder(tmp_path), tmp_path / "slide"
    slide.mkdir()
    for number in (0, 2):
        Image.new("RGB", (16, 16), (200, 10, 10)).save(slide / f"{number}.png")
    (slide / "1.png").write_bytes(b"no picture")
    monkeypatch.setattr(overlay_files, "rebuild_network", lambda *_: None)
    monkeypatch.setattr(overlay_files, "heat_maps", lambda _, framed, *__: np.zeros(framed.shape[:3], np.float32))
    assert write_overlays(str(slide), model, tmp_path / "maps") == 2
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == ["000000.png", "000002.png"]
    with Image.open(tmp_path / "maps" / "000000.png") as shown:
        assert shown.size == (Predictor.load(model).framing.size,) * 2


def test_standard_input_and_a_full_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a second time"):
        check_overlay_folder("-", tmp_path / "maps")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="exists already"):
        check_overlay_folder("cells", tmp_path)
