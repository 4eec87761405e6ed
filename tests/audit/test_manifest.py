"""The manifest: what a person may do to it by hand, and what is told of mistakes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smearlab.audit.manifest import COLUMNS, Decision, Manifest, sources_and_labels
from smearlab.data.cells import Cells, Unreadable
from smearlab.errors import DataError

HEADER = ",".join(COLUMNS)
LINES = (
    "0,a.png,keep,monocyte,",
    '1,b.png,drop,monocyte,"copy of row 0, which is kept"',
    "2,c.png,relabel,neutrophil,looks like it",
    "3,d.png,keep,neutrophil,",
)


@pytest.fixture
def cells() -> Cells:
    """Four rows; the third cannot be decoded."""
    return Cells(
        np.zeros((3, 4, 4, 3), np.uint8),
        np.array([0, 0, 1]),
        np.array(["a.png", "b.png", "d.png"]),
        ("monocyte", "neutrophil"),
        np.array([0, 1, 3]),
        unreadable=(Unreadable(2, "c.png", 0, "the file is truncated"),),
        name="four",
    )


def written(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "manifest.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def refused(folder: Path, *lines: str, header: str = HEADER) -> str:
    with pytest.raises(DataError) as error:
        Manifest.read(written(folder, *lines, header=header))
    return str(error.value)


def test_sources_and_labels_cover_every_row(cells: Cells) -> None:
    expected = [("a.png", "monocyte"), ("b.png", "monocyte"), ("c.png", "monocyte"), ("d.png", "neutrophil")]
    assert sources_and_labels(cells) == expected


def test_what_is_written_is_read_again(tmp_path: Path, cells: Cells) -> None:
    manifest = Manifest.read(written(tmp_path, *LINES))
    manifest.check(cells)
    assert [one.action for one in manifest] == ["keep", "drop", "relabel", "keep"]
    manifest.write(tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_text() == (tmp_path / "manifest.csv").read_text()
    assert Manifest.read(tmp_path / "again.csv").decides_like(manifest)
    assert (manifest.count("drop"), manifest.count("relabel")) == (1, 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_spreadsheet_may_save_it_its_own_way(
    tmp_path: Path, cells: Cells, encoding: str, separator: str, ending: str
) -> None:
    plain = [
        HEADER.upper(),
        "3,d.png,keep,,",
        "0,a.png,KEEP,Monocytes,",
        "1,b.png,Drop,,",
        "2,c.png,relabel,NEU,x",
        ",,,,",
    ]
    path = tmp_path / "excel.csv"
    path.write_bytes((ending.join(plain) + ending).replace(",", separator).encode(encoding))
    manifest = Manifest.read(path)
    manifest.check(cells)
    assert [one.action for one in manifest] == ["keep", "drop", "relabel", "keep"]
    assert manifest.decisions[2].label == "neutrophil"


def test_further_columns_are_ignored_and_reasons_may_be_missing(tmp_path: Path, cells: Cells) -> None:
    lines = ("0,me,a.png,keep,", "1,me,b.png,keep,", "2,me,c.png,drop,", "3,me,d.png,keep,")
    Manifest.read(written(tmp_path, *lines, header="row,who,source,action,label")).check(cells)


@pytest.mark.parametrize(
    ("place", "line", "told"),
    [
        (
            1,
            "1,b.png,dropp,monocyte,",
            "line 3: the action 'dropp' is none of keep, drop, relabel. Did you mean 'drop'?",
        ),
        (1, "1,b.png,,monocyte,", "line 3: the action '' is none of"),
        (2, "2,c.png,relabel,,", "line 4: 'relabel' without a label"),
        (1, "one,b.png,keep,,", "line 3: the row 'one' is no whole number"),
        (1, "-1,b.png,keep,,", "line 3: the row '-1'"),
        (1, "1.5,b.png,keep,,", "line 3: the row '1.5'"),
        (3, "2,c.png,keep,,", "line 5: row 2 stands in line 4 already"),
        (2, "3,c.png,keep,,", "row 2 is missing"),
    ],
)
def test_a_faulty_line_is_named(tmp_path: Path, place: int, line: str, told: str) -> None:
    lines = [*LINES]
    lines[place] = line
    assert told in refused(tmp_path, *lines)


def test_a_missing_line_in_the_middle_is_named(tmp_path: Path) -> None:
    assert "row 1 is missing" in refused(tmp_path, LINES[0], *LINES[2:])


def test_many_faults_are_told_together_but_not_all(tmp_path: Path) -> None:
    told = refused(tmp_path, *(f"{row},a.png,kepp,," for row in range(20)))
    assert "20 faults" in told
    assert "line 2: " in told
    assert told.count("Did you mean 'keep'") == 5
    assert "and 15 more" in told


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("row,source,acton,label", "no column 'action'"),
        ("row,source,acton,label", "Did you mean 'acton'?"),
        ("", "is empty"),
    ],
)
def test_the_columns_must_be_there(tmp_path: Path, header: str, told: str) -> None:
    assert told in refused(tmp_path, header=header)


def test_a_manifest_without_rows_is_refused(tmp_path: Path) -> None:
    told = refused(tmp_path)
    assert "manifest.csv decides on no picture: there is no line below its header." in told
    assert "`smearlab audit DATA --out DIR` writes them" in told


def test_a_missing_file_says_where_manifests_come_from(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="smearlab audit DATA --out DIR"):
        Manifest.read(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("place", "line", "told"),
    [
        (1, "1,z.png,keep,,", "line 3: row 1 is 'z.png' here but 'b.png' in the data"),
        (
            2,
            "2,c.png,relabel,neutrofil,",
            "line 4: the class 'neutrofil' is none of the data's. Did you mean 'neutrophil'?",
        ),
        (2, "2,c.png,relabel,blast,", "These are monocyte, neutrophil"),
        (3, "3,d.png,keep,monocyte,", "line 5: 'keep' with the label 'monocyte', where the data says 'neutrophil'"),
    ],
)
def test_what_does_not_fit_the_data_is_named(tmp_path: Path, cells: Cells, place: int, line: str, told: str) -> None:
    lines = [*LINES]
    lines[place] = line
    with pytest.raises(DataError) as error:
        Manifest.read(written(tmp_path, *lines)).check(cells)
    assert told in str(error.value)


def test_another_number_of_rows_is_told(tmp_path: Path, cells: Cells) -> None:
    with pytest.raises(DataError, match=r"3 pictures, but four has 4"):
        Manifest.read(written(tmp_path, *LINES[:3])).check(cells)


def test_manifests_differ_by_what_they_do() -> None:
    one = Manifest((Decision(0, "a", "keep", "monocyte", "first"), Decision(1, "b", "relabel", "neutrophil")))
    same = Manifest((Decision(0, "a", "keep", "", "so"), Decision(1, "b", "relabel", "neutrophil", line=7)))
    other = Manifest((Decision(0, "a", "keep"), Decision(1, "b", "relabel", "monocyte")))
    assert one.decides_like(same)
    assert not one.decides_like(other)


def test_a_line_break_in_a_name_comes_back(tmp_path: Path) -> None:
    names = ("line\nbreak.png", 'quo"te,.png', "separator\u2028.png")
    written = Manifest(tuple(Decision(row, name) for row, name in enumerate(names)))
    written.write(tmp_path / "manifest.csv")
    assert [one.source for one in Manifest.read(tmp_path / "manifest.csv")] == list(names)


def test_the_folder_of_an_audit_leads_to_its_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("row,source,action,label\n0,a.png,keep,\n")
    with pytest.raises(DataError, match=r"is the folder of an audit\. Give the manifest in it: .*manifest\.csv"):
        Manifest.read(tmp_path)
