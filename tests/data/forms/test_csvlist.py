from pathlib import Path

import pytest

from smearlab.data.forms.csvlist import CsvForm
from smearlab.errors import DataError, UnreadableError


def table(folder: Path, text: str, encoding: str = "utf-8") -> CsvForm:
    (folder / "list.csv").write_bytes(text.encode(encoding))
    return CsvForm(folder / "list.csv")


def test_a_full_table(tmp_path: Path) -> None:
    text = "path,label,group,source,split\na/1.png,ig,p1,lab,train\n/abs/2.png,monocyte,,lab,test\n"
    form = table(tmp_path, text)
    entries = list(form.entries())
    assert [entry.content for entry in entries] == [tmp_path / "a/1.png", Path("/abs/2.png")]
    assert [entry.source for entry in entries] == ["a/1.png", "/abs/2.png"]
    assert [entry.label for entry in entries] == ["ig", "monocyte"]
    assert [entry.group for entry in entries] == ["p1", ""]
    assert [entry.part for entry in entries] == ["train", "test"]
    assert form.name == "list"
    assert [name for name, _ in form.files()] == ["list.csv", "a/1.png", "/abs/2.png"]


def test_the_source_groups_where_there_is_no_group(tmp_path: Path) -> None:
    entries = list(table(tmp_path, "path,label,source\n1.png,ig,lab A\n").entries())
    assert entries[0].group == "lab A"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_tables_as_programs_write_them(tmp_path: Path, delimiter: str, encoding: str, line_end: str) -> None:
    lines = [delimiter.join(row) for row in (("Path", " LABEL "), ("ä.png", "ig"), ("b.png", "monocyte"))]
    entries = list(table(tmp_path, line_end.join(lines) + line_end, encoding).entries())
    assert [(entry.source, entry.label) for entry in entries] == [("ä.png", "ig"), ("b.png", "monocyte")]


def test_quotes_blank_lines_and_short_rows(tmp_path: Path) -> None:
    text = '\npath,label,split\n"a, b.png",ig,train\n\n  \n , ,\nc.png\nd.png,,test\n,,\n,\n\n'
    form = table(tmp_path, text)
    entries = list(form.entries())
    assert [entry.source for entry in entries] == ["a, b.png", "list.csv#1", "c.png", "d.png"]
    assert [entry.label for entry in entries] == ["ig", None, None, None]
    assert [entry.row for entry in entries] == [0, 1, 2, 3]
    assert str(entries[1].content) == "no path"
    assert "no label in lines 6, 7, 8 of" in form.labelling().fault


def test_a_missing_label_is_told_by_its_line(tmp_path: Path) -> None:
    fault = table(tmp_path, 'path,label\n1.png,"i\ng"\n2.png,\n').labelling().fault
    assert "no label in line 4 of" in fault
    assert "list.csv" in fault
    assert "give a CSV" not in fault


def test_backslashes_of_other_systems(tmp_path: Path) -> None:
    entry = next(table(tmp_path, "path,label\nslides\\1.png,ig\n").entries())
    assert entry.content == tmp_path / "slides/1.png"
    (tmp_path / "odd\\name.png").write_bytes(b"")
    entry = next(table(tmp_path, "path,label\nodd\\name.png,ig\n").entries())
    assert entry.content == tmp_path / "odd\\name.png"


def test_an_empty_path_is_an_unreadable_row(tmp_path: Path) -> None:
    entry = next(table(tmp_path, "path,label\n,ig\n").entries())
    assert isinstance(entry.content, UnreadableError)
    assert entry.source == "list.csv#0"


def test_further_columns_are_ignored(tmp_path: Path) -> None:
    entry = next(table(tmp_path, "stain,path,label,remark\nMGG,1.png,ig,nice\n").entries())
    assert (entry.source, entry.label) == ("1.png", "ig")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("paht,label\n1.png,ig\n", "no column 'path'.*Did you mean 'paht'"),
        ("1.png,ig\n2.png,ig\n", "no column 'path' in its first line, only '1.png', 'ig'.*header is missing"),
        ("path|label\n1.png|ig\n", r"only 'path\|label'.*separated by a comma, semicolon or tab"),
        ("file,label\n1.png,ig\n", r"only 'file', 'label'\."),
        ("path,label,spilt\n1.png,ig,train\n", "unknown column 'spilt'. Did you mean 'split'"),
        ("path,label,goup\n1.png,ig,p\n", "Did you mean 'group'"),
        ("path,label\n", "lists no pictures"),
        ("", "lists no pictures"),
    ],
)
def test_faults_of_the_table_say_what_is_wanted(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=f"{message}.*path,label") as caught:
        list(table(tmp_path, text).entries())
    assert "list.csv" in str(caught.value)


def test_a_missing_label_column_matters_only_when_wanted(tmp_path: Path) -> None:
    form = table(tmp_path, "path,lable\n1.png,ig\n")
    assert next(form.entries()).label is None
    assert "Did you mean 'lable'" in form.labelling().fault
    assert table(tmp_path, "path,label\n1.png,ig\n").labelling().fault == ""


def test_other_encodings_say_how_to_save(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="CSV UTF-8"):
        list(table(tmp_path, "path,label\nä.png,ig\n", "latin-1").entries())


def test_a_missing_table_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        list(CsvForm(tmp_path / "none.csv").entries())
