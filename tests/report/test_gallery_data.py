from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from smearlab.report.audit_contents import FeatureMap
from smearlab.report.gallery_data import GRID, audit_key, make_gallery, sorted_items
from smearlab.report.gallery_thumbnails import PER_SHEET, TIERS, draw_sheets

from .audit_pages import AWKWARD, item, small_audit, source_of


def columns(**changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(make_gallery(small_audit(**changes)).json)
    return data


def sources(manifest: dict[str, Any]) -> list[str]:
    """Undo the front coding as the page's script does it."""
    texts: list[str] = []
    for shared, rest in zip(manifest["shared"], manifest["rest"], strict=True):
        units = texts[-1].encode("utf-16-le")[: 2 * shared] if texts else b""
        texts.append(units.decode("utf-16-le") + rest)
    return texts


def test_the_data_hold_every_row_with_its_source_and_decision() -> None:
    manifest = columns()["manifest"]
    assert manifest["row"] == list(range(31))
    assert sources(manifest) == [*(source_of(row) for row in range(30)), "cells/broken.png"]
    assert [place for place, action in enumerate(manifest["action"]) if action == 1] == [7, 8, 30]
    assert manifest["label"][30] == manifest["given"][30] == -1


def test_names_cannot_end_the_script_element() -> None:
    text = make_gallery(small_audit()).json
    assert AWKWARD in sources(json.loads(text)["manifest"])
    assert "<" not in text
    assert "&" not in text


def test_names_beyond_the_basic_plane_are_counted_as_javascript_counts() -> None:
    report = small_audit()
    lines = [replace(line, source=f"🩸🩸/{line.row}.png") for line in report.manifest]
    manifest = columns(manifest=lines)["manifest"]
    assert sources(manifest) == [line.source for line in lines]
    assert manifest["shared"][1] == 5  # two characters of two units each, and the slash


def test_groups_stay_together_and_the_most_certain_come_first() -> None:
    items = [
        item(5, "near_duplicate", 0.6, group=5),
        item(1, "near_duplicate", 0.7, group=1),
        item(9, "near_duplicate", 0.9, group=5),
        item(2, "off_topic", 0.2),
        item(3, "off_topic", 0.9),
    ]
    assert [found.row for found in sorted_items(items)] == [5, 9, 1, 3, 2]


def test_a_partner_without_a_finding_has_a_picture_too() -> None:
    data = columns(browse=False)
    assert data["manifest"]["thumb"][20] >= 0  # the partner of row 3
    assert data["manifest"]["thumb"][25] == -1
    assert data["manifest"]["thumb"][30] == -1  # cannot be decoded
    assert "others" not in [kind["key"] for kind in data["kinds"]]


def test_with_browse_every_picture_is_in_the_page() -> None:
    data = columns()
    thumbs = [thumb for thumb in data["manifest"]["thumb"] if thumb >= 0]
    assert sorted(thumbs) == list(range(30))
    assert sum(count for _, count, _ in data["sheets"]) == 30


def test_classes_that_only_a_model_knows_are_named() -> None:
    found = [item(4, "label_error", suggested="blast_cell")]
    data = columns(items=found)
    assert data["classes"][-1] == "blast_cell"
    assert data["known"] == len(data["classes"]) - 1
    assert data["items"]["suggested"] == [len(data["classes"]) - 1]


def test_another_decision_of_the_policy_makes_another_audit() -> None:
    report = small_audit()
    changed = [replace(line, action="drop") if line.row == 4 else line for line in report.manifest]
    assert audit_key(report) == audit_key(small_audit())
    assert audit_key(report) != audit_key(small_audit(manifest=changed))


def test_a_map_keeps_both_axes_on_one_scale_and_drops_what_has_no_place() -> None:
    points = np.array([[0.0, 0.0], [2.0, 1.0], [np.nan, 0.0], [1.0, 0.5]])
    drawn = columns(maps=[FeatureMap("PCA", points, np.array([0, 1, 2, 99]))])["maps"][0]
    assert drawn["at"] == [0, 1]
    assert (drawn["width"], drawn["height"]) == (GRID, GRID // 2)
    assert drawn["x"][1] - drawn["x"][0] == pytest.approx(2 * (drawn["y"][1] - drawn["y"][0]), abs=2)


def read(sheet: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(sheet))).convert("RGB")


def test_every_thumbnail_lies_at_its_place_and_none_colours_its_neighbour() -> None:
    shades = [(255, 0, 0), (0, 0, 255), (0, 255, 0)]
    pictures = np.zeros((PER_SHEET + 3, 96, 96, 3), dtype=np.uint8)
    for place in range(len(pictures)):
        pictures[place] = shades[place % 3]
    sheets = draw_sheets(pictures, range(len(pictures)), 10**7)
    assert sheets is not None
    assert (sheets.side, sheets.count, len(sheets.sheets)) == (96, PER_SHEET + 3, 2)
    first = np.asarray(read(sheets.sheets[0])).astype(int)
    for place in (0, 9, 63):
        top, left = place // 8 * 96, place % 8 * 96
        inside = first[top + 2 : top + 94, left + 2 : left + 94]  # a decoder smooths colours across one pixel
        assert np.abs(inside - shades[place % 3]).max() <= 3
    assert read(sheets.sheets[1]).size == (8 * 96, 96)


def test_thumbnails_grow_coarser_with_the_budget_until_none_fits() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (20, 200, 120, 3), dtype=np.uint8)
    sides = [sheets.side if (sheets := draw_sheets(pictures, range(20), room)) else 0 for room in (10**7, 90_000, 10)]
    assert sides[0] == TIERS[0][0] > sides[1] > sides[2] == 0
