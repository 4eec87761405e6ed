"""Pictures on which nothing can be seen, and bad ones that must stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.planted_unreadable import UNREADABLE_WAYS
from PIL import Image, ImageDraw, ImageFilter

from smearlab.audit.unreadable import find_unreadable, judge_picture
from smearlab.corruptions.suites import corrupt, suite_named
from smearlab.data.cells import Cells, UInt8Array, Unreadable
from smearlab.data.demo import draw_demo
from smearlab.data.read import read


@pytest.fixture(scope="module")
def pictures() -> UInt8Array:
    demo = draw_demo(seed=3, per_class=3)
    planted = {row for kind in ("off_topic", "unreadable") for row, _ in demo.planted.get(kind, [])}
    return np.asarray(demo.cells.images)[[row for row in range(len(demo.cells)) if row not in planted]]


def _reason(picture: UInt8Array) -> str:
    verdict = judge_picture(picture)
    return "" if verdict is None else verdict.reason


@pytest.mark.parametrize("way", UNREADABLE_WAYS)
def test_every_way_of_being_unreadable_is_found(way: str, pictures: UInt8Array) -> None:
    rng = np.random.default_rng(5)
    missed = [row for row, cell in enumerate(pictures) if judge_picture(UNREADABLE_WAYS[way](cell, rng)) is None]
    assert missed == []


def test_cells_are_readable(pictures: UInt8Array) -> None:
    assert [_reason(picture) for picture in pictures] == [""] * len(pictures)


@pytest.mark.parametrize("corruption", [one.name for one in suite_named("microscope").corruptions])
def test_cells_through_bad_microscopes_are_readable(corruption: str, pictures: UInt8Array) -> None:
    altered = corrupt(pictures[:6], "microscope", corruption, 3)
    assert [_reason(picture) for picture in altered] == [""] * len(altered)


@pytest.mark.parametrize(
    ("level", "reason"), [(0, "blank (black)"), (255, "blank (white)"), (128, "one colour"), (60, "one colour")]
)
def test_an_empty_picture_is_named(level: int, reason: str) -> None:
    assert _reason(np.full((40, 50, 3), level, np.uint8)) == reason


def test_one_colour_need_not_be_grey() -> None:
    assert _reason(np.full((8, 8, 3), (250, 20, 20), np.uint8)) == "one colour"


@pytest.mark.parametrize("grain", [1, 2])
def test_noise_of_fine_and_of_coarse_grain(grain: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (96 // grain, 96 // grain, 3)).astype(np.uint8)
    assert _reason(noise.repeat(grain, 0).repeat(grain, 1)) == "pure noise"


def test_large_noise_is_noise_too() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 300, 3)).astype(np.uint8)
    assert judge_picture(noise) is not None


def test_letters_are_something_to_read() -> None:
    page = Image.new("RGB", (96, 96), (255, 255, 255))
    pen = ImageDraw.Draw(page)
    for top in range(0, 96, 11):
        pen.text((2, top), "the lot number of 37", (0, 0, 0))
    assert _reason(np.asarray(page)) == ""


def test_a_bar_code_is_a_picture_of_a_thing() -> None:
    widths = np.random.default_rng(2).choice([1, 2, 3, 5], 60)
    bars = np.repeat(np.arange(60) % 2, widths)[:96].astype(np.uint8) * 255
    assert _reason(np.repeat(np.tile(bars, (96, 1))[..., None], 3, axis=2)) == ""


@pytest.mark.parametrize("turns", [0, 1])
def test_a_ramp_is_no_drawing_and_chequers_are(turns: int) -> None:
    rows, columns = np.mgrid[:96, :96]
    ramp = np.repeat((columns * 255 // 95)[..., None], 3, axis=2).astype(np.uint8)
    verdict = judge_picture(np.rot90(ramp, turns))
    assert verdict is not None
    assert (verdict.reason, verdict.drawn) == ("a ramp of light", False)
    chequers = np.repeat((255 * ((rows // 12 + columns // 12) % 2))[..., None], 3, axis=2).astype(np.uint8)
    verdict = judge_picture(np.rot90(chequers, turns))
    assert verdict is not None
    assert (verdict.reason, verdict.drawn) == ("test pattern", True)


def test_only_a_blur_beyond_recognition_counts(pictures: UInt8Array) -> None:
    def blurred(share: float) -> str:
        image = Image.fromarray(pictures[0])
        return _reason(np.asarray(image.filter(ImageFilter.GaussianBlur(share * image.width))))

    assert blurred(0.02) == ""
    assert blurred(0.15) == "blurred beyond recognition"


def test_a_file_that_broke_off_says_how_much_is_missing(pictures: UInt8Array) -> None:
    cell = pictures[0].copy()
    cell[len(cell) // 2 :] = 128
    assert _reason(cell) == "broken off (the last 50% of the rows are empty)"


def test_a_shift_with_a_black_border_is_not_broken_off(pictures: UInt8Array) -> None:
    cell = pictures[0].copy()
    cell[-6:] = 0
    assert _reason(cell) == ""


def test_a_flag_is_not_broken_off() -> None:
    flag = np.full((96, 96, 3), 255, np.uint8)
    flag[:40] = (200, 20, 30)
    assert not _reason(flag).startswith("broken off")


def test_rows_are_those_of_the_source_and_undecodable_ones_are_told(pictures: UInt8Array) -> None:
    images = np.stack([pictures[0], np.zeros_like(pictures[0])])
    lost = (Unreadable(1, "b.jpg", 0, "the file is empty"),)
    cells = Cells(images, None, np.array(["a.jpg", "c.jpg"]), (), np.array([0, 2]), unreadable=lost)
    found = find_unreadable(cells)
    assert [(one.row, one.source, one.kind) for one in found] == [
        (1, "b.jpg", "unreadable"),
        (2, "c.jpg", "unreadable"),
    ]
    assert [one.suggestion for one in found] == ["drop: the file is empty", "drop: blank (black)"]
    assert min(one.score for one in found) >= 0.9


@pytest.mark.real
def test_no_real_cell_is_unreadable(pbc_path: Path) -> None:
    cells = read(pbc_path)
    assert find_unreadable(cells.take(np.arange(0, len(cells), 40))) == []


def test_light_that_has_eaten_the_cell_is_told_from_a_white_slide() -> None:
    rows, columns = np.mgrid[:96, :96]
    inside = (np.hypot(rows - 48, columns - 48) < 16)[..., None]
    on_white = np.where(inside, np.array([120, 60, 160]), 255).astype(np.uint8)
    assert judge_picture(on_white) is None
    burnt = np.clip(on_white.astype(np.int64) * 6 - inside * np.array([0, 150, 0]), 0, 255).astype(np.uint8)
    verdict = judge_picture(burnt)
    assert verdict is not None
    assert verdict.reason == "far too bright"
