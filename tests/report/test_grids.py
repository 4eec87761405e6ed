from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
from PIL import Image

from smearlab.report import DuplicatePair, Mistake
from smearlab.report.blocks import ClassCell, confusion_matrix, heat_table
from smearlab.report.grids import CARD_LIMIT, GRID_LIMIT, class_grid, data_uri, duplicates_sheet, mistakes_sheet

from .conftest import picture


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))


def test_tiny_pictures_are_stored_without_loss() -> None:
    image = picture(1, 28).image
    uri = data_uri(image)
    assert uri.startswith("data:image/png;base64,")
    assert np.array_equal(np.asarray(decoded(uri)), image)


def test_large_pictures_are_shrunk_in_proportion() -> None:
    image = np.zeros((300, 600, 3), np.uint8)
    assert decoded(data_uri(image)).size == (128, 64)


def test_colours_survive() -> None:
    image = np.full((96, 96, 3), (150, 60, 160), np.uint8)
    image[:, 48:] = (230, 180, 190)
    assert np.abs(np.asarray(decoded(data_uri(image))).astype(int) - image).mean() < 2


def test_class_grid_keeps_the_order_and_leaves_out_empty_classes() -> None:
    examples = {"monocyte": [picture(1)], "basophil": [picture(2), picture(3)]}
    grid = class_grid(examples, ("basophil", "eosinophil", "monocyte"), {"basophil": 1200, "monocyte": 1}, "c")
    headings = [row.heading for row in grid.rows]
    assert [heading.name for heading in headings if isinstance(heading, ClassCell)] == ["basophil", "monocyte"]
    assert [row.note for row in grid.rows] == ["1,200 pictures", "1 picture"]
    assert grid.rows[0].tiles[0].alt == "basophil, cell_2.png, row 2"


def test_many_classes_share_the_limit() -> None:
    names = [f"class_{number}" for number in range(60)]
    grid = class_grid({name: [picture(1, 8)] * 10 for name in names}, names, {}, "c")
    assert sum(len(row.tiles) for row in grid.rows) <= GRID_LIMIT


def test_mistake_says_all() -> None:
    example = replace(picture(4), source="neutrophil/SNE_1.jpg")
    grid = mistakes_sheet([Mistake(example, "neutrophil", "immature_granulocyte", 0.9871)] * 99, "c")
    assert len(grid.rows[0].tiles) == CARD_LIMIT
    tile = grid.rows[0].tiles[0]
    assert tile.lines == ("neutrophil", "immature granulocyte", "98.7\u202f%", "SNE_1.jpg", "row 4")
    assert tile.alt == "labelled neutrophil, named immature granulocyte; neutrophil/SNE_1.jpg"


def test_conflicting_duplicates_come_first() -> None:
    pairs = [
        DuplicatePair(kind, picture(1), picture(2), "basophil", other)
        for kind, other in (("near", "basophil"), ("exact", "basophil"), ("conflicting", "monocyte"))
    ]
    rows = duplicates_sheet(pairs, "c").rows
    assert [row.heading for row in rows] == ["Same pixels, two labels", "Same pixels", "Nearly the same"]
    assert [tile.lines[0] for tile in rows[0].tiles] == ["basophil", "monocyte"]


def test_confusion_matrix_colours() -> None:
    matrix = confusion_matrix(np.array([[90, 10, 0], [0, 0, 0], [0, 0, 5]]), ("a", "b", "c"), "x")
    first, empty, last = matrix.cells
    assert (first[0].text, first[0].tone, first[0].depth, first[0].deep) == ("90", "hit", 0.9, True)
    assert (first[1].tone, first[2].tone) == ("miss", "zero")
    assert 0.1 < first[1].depth <= 1
    assert first[1].hint == "a named b: 10 (10.0 % of the row)"
    assert [cell.depth for cell in empty] == [0, 0, 0]
    assert last[2].depth == 1


def test_heat_table_stretches_the_colours() -> None:
    table = heat_table(("blur",), ("1", "2", "3"), np.array([[0.9, 0.7, np.nan]]), "c", "corruption", "severity")
    assert [cell.text for cell in table.cells[0]] == ["90.0", "70.0", "–"]
    assert [round(cell.depth, 6) for cell in table.cells[0]] == [1, 0, 0]
