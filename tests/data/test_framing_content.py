"""What a network sees of a framed picture: fine structure or nuclei, the same wherever pictures are framed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from tests.inference.tiny_model import tiny_info, tiny_network, tiny_trust

from smearlab.data import framing as framing_module
from smearlab.data.cells import Cells, UInt8Array
from smearlab.data.framing import Framing, frame_cells, frame_picture, frame_pictures
from smearlab.data.imaging import high_pass, isolate_nuclei, segment_nuclei
from smearlab.data.imaging.content import FINE, take_content
from smearlab.errors import MissingExtraError
from smearlab.inference.info import ModelInfo
from smearlab.inference.model_folder import write_model_folder
from smearlab.inference.predictor import Predictor

CONTENTS: tuple[Literal["high_pass", "nucleus"], ...] = ("high_pass", "nucleus")
SLIDE = (236, 228, 214)


def cell(side: int = 96, across: int = 20) -> UInt8Array:
    """A dark violet nucleus in a pale cell on an empty slide."""
    picture = np.full((side, side, 3), SLIDE, np.uint8)
    rows, columns = np.mgrid[:side, :side]
    away = np.hypot(rows - side / 2, columns - side / 2)
    picture[away < side * 0.35] = (220, 190, 200)
    picture[away < across * side / 96] = (90, 50, 140)
    return picture


def noise(count: int, side: int = 24) -> UInt8Array:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_high_pass_is_the_imaging_tool_at_a_share_of_the_side() -> None:
    for side in (24, 96):
        picture = noise(1, side)[0]
        framed = frame_picture(picture, Framing(size=side, content="high_pass"))
        np.testing.assert_array_equal(framed, high_pass(picture, sigma=side * FINE))


def test_nucleus_stands_before_the_colour_of_the_slide() -> None:
    picture = cell()
    inside = segment_nuclei(picture) > 0
    framed = frame_picture(picture, Framing(content="nucleus"))
    np.testing.assert_array_equal(framed[inside], picture[inside])
    assert (framed[~inside] == SLIDE).all()
    assert 0.9 < inside.sum() / (np.pi * 20**2) < 1.15
    np.testing.assert_array_equal(framed != SLIDE, isolate_nuclei(picture) != 255)


def test_a_picture_without_a_nucleus_is_its_slide() -> None:
    picture = np.full((96, 96, 3), SLIDE, np.uint8)
    assert (frame_picture(picture, Framing(content="nucleus")) == SLIDE).all()


@pytest.mark.parametrize("content", CONTENTS)
def test_a_picture_is_cropped_and_resized_first(content: Literal["high_pass", "nucleus"]) -> None:
    picture = np.concatenate([cell(120), noise(1, 120)[0]], axis=1)[:, :200]
    framing = Framing(crop="centre", fraction=0.8, size=48, content=content)
    placed = frame_picture(picture, framing.place)
    np.testing.assert_array_equal(frame_picture(picture, framing), take_content(placed, content))


@pytest.mark.parametrize("content", CONTENTS)
def test_every_way_of_framing_takes_the_content(tiny_cells: Cells, content: Literal["high_pass", "nucleus"]) -> None:
    images = np.stack([cell(24, 22), *noise(70)])  # more than one thread's chunk
    framing = Framing(size=24, content=content)
    expected = np.stack([take_content(image, content) for image in images])
    np.testing.assert_array_equal(frame_pictures(images, framing), expected)
    cells = replace(tiny_cells.take([0] * 71), images=images)
    np.testing.assert_array_equal(frame_cells(cells, framing), expected)
    np.testing.assert_array_equal(np.stack([frame_picture(image, framing) for image in images]), expected)


def test_a_crop_then_a_look_is_the_whole_framing() -> None:
    picture = cell(160)
    framing = Framing(crop="centre", fraction=0.6, size=64, content="high_pass")
    placed = frame_picture(picture, framing.place)
    np.testing.assert_array_equal(frame_picture(placed, framing.look), frame_picture(picture, framing))


def test_contents_do_not_share_a_cache_entry(tiny_cells: Cells, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing_module, "IN_MEMORY_BYTES", 0)
    whole = frame_cells(tiny_cells, Framing(size=20))
    fine = frame_cells(tiny_cells, Framing(size=20, content="high_pass"))
    assert isinstance(fine, np.memmap)
    assert (whole != fine).any()
    np.testing.assert_array_equal(frame_cells(tiny_cells, Framing(size=20)), whole)


def test_whole_content_leaves_the_key_of_the_cache_as_it_was(tiny_cells: Cells) -> None:
    key = framing_module._content_key(tiny_cells.images[:2], Framing(size=20))
    # As it was before there was a content, so that nothing is framed again.
    assert key == "276e2390883cc2d65761cd9d409f5545"


@pytest.mark.parametrize("content", CONTENTS)
def test_without_scikit_image_it_is_said_what_to_install(
    content: Literal["high_pass", "nucleus"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    monkeypatch.setattr("smearlab.errors.find_spec", lambda name: None if name == "skimage" else name)
    with pytest.raises(MissingExtraError, match=rf"content '{content}' needs .*pip install 'smearlab\[imaging\]'"):
        frame_pictures(noise(2), Framing(size=24, content=content))
    assert frame_pictures(noise(2), Framing(size=24)).shape == (2, 24, 24, 3)


def test_the_whole_content_loads_no_imaging(tmp_path: Path) -> None:
    import subprocess

    code = (
        "import sys, numpy as np; from smearlab.data.framing import *; "
        "frame_picture(np.zeros((9, 9, 3), np.uint8), Framing()); "
        "sys.exit(any(name.startswith(('skimage', 'scipy', 'smearlab.data.imaging')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path).returncode == 0


def test_a_model_carries_its_content_and_older_ones_have_the_whole() -> None:
    info = tiny_info(framing=Framing(size=16, content="nucleus"))
    assert ModelInfo.model_validate_json(info.model_dump_json()).framing.content == "nucleus"
    assert Framing.model_validate({"crop": "auto", "size": 16}).content == "whole"


def test_a_predictor_sees_the_content_and_nothing_else(tmp_path: Path) -> None:
    info = tiny_info(framing=Framing(size=16, content="high_pass"))
    weights = {"w": np.eye(3, dtype=np.float32)}
    folder = write_model_folder(tmp_path / "model", onnx=tiny_network(), weights=weights, trust=tiny_trust(), info=info)
    predictor = Predictor.load(folder, threads=1)
    images = noise(5, 30)
    fine = np.stack([high_pass(picture, 16 * FINE) for picture in frame_pictures(images, Framing(size=16))])
    np.testing.assert_array_equal(predictor.predict(images).probabilities, predictor.predict_framed(fine).probabilities)
