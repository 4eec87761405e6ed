import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from smearlab.data.decode import decode
from smearlab.data.forms import parquet
from smearlab.data.forms.parquet import ParquetForm
from smearlab.errors import DataError, MissingExtraError, UnreadableError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
FEATURES = {"image": {"_type": "Image"}, "label": {"names": ["monocyte", "ig"], "_type": "ClassLabel"}}


def png(value: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((3, 4, 3), value, np.uint8)).save(file, "PNG")
    return file.getvalue()


def images(count: int, paths: bool = False) -> Any:
    rows = [{"bytes": png(row), "path": f"x/{row}.png" if paths else None} for row in range(count)]
    return pa.array(rows, IMAGE)


def save(path: Path, columns: dict[str, Any], features: dict[str, Any] | None = None, **options: Any) -> ParquetForm:
    table = pa.table(columns)
    if features is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, path, **options)
    return ParquetForm(path.stem, ((path.name, path),))


def values(form: ParquetForm) -> list[int]:
    return [int(decode(entry.content)[0, 0, 0]) for entry in form.entries() if isinstance(entry.content, bytes)]


def test_hugging_face_layout(tmp_path: Path) -> None:
    form = save(tmp_path / "cells.parquet", {"image": images(3), "label": [1, 0, 1]}, FEATURES)
    entries = list(form.entries())
    assert values(form) == [0, 1, 2]
    assert [entry.label for entry in entries] == [1, 0, 1]
    assert [entry.source for entry in entries] == ["cells.parquet#0", "cells.parquet#1", "cells.parquet#2"]
    assert form.labelling().declared == ("monocyte", "ig")


def test_paths_name_the_pictures_but_no_ones_home(tmp_path: Path) -> None:
    column = pa.array([{"bytes": png(0), "path": path} for path in ("a/1.png", "/home/me/2.png", "")], IMAGE)
    form = save(tmp_path / "cells.parquet", {"image": column})
    assert [entry.source for entry in form.entries()] == ["a/1.png", "2.png", "cells.parquet#2"]


def test_columns_are_found_by_their_features(tmp_path: Path) -> None:
    features = {"photo": {"_type": "Image"}, "type": {"names": ["a", "b"], "_type": "ClassLabel"}, "x": [1]}
    form = save(tmp_path / "cells.parquet", {"photo": images(2), "type": [1, 0], "x": [1, 2]}, features)
    assert [entry.label for entry in form.entries()] == [1, 0]
    assert form.labelling().declared == ("a", "b")


def test_strings_and_missing_labels_are_passed_on(tmp_path: Path) -> None:
    form = save(tmp_path / "cells.parquet", {"image": images(3), "label": ["ig", None, "monocyte"]})
    assert [entry.label for entry in form.entries()] == ["ig", None, "monocyte"]
    coded = pa.array(["ig", "ig", "monocyte"]).dictionary_encode()
    form = save(tmp_path / "coded.parquet", {"image": images(3), "label": coded})
    assert [entry.label for entry in form.entries()] == ["ig", "ig", "monocyte"]


@pytest.mark.parametrize("column", ["group", "patient", "slide", "source"])
def test_groups_and_splits(tmp_path: Path, column: str) -> None:
    columns = {"image": images(3), "label": [0, 0, 1], column: ["p1", None, "p2"], "split": ["train", "test", ""]}
    entries = list(save(tmp_path / "cells.parquet", columns).entries())
    assert [entry.group for entry in entries] == ["p1", "", "p2"]
    assert [entry.part for entry in entries] == ["train", "test", ""]


def test_the_most_telling_group_is_taken(tmp_path: Path) -> None:
    columns = {"image": images(1), "source": ["lab"], "slide": ["s"], "patient": [7]}
    assert [entry.group for entry in save(tmp_path / "cells.parquet", columns).entries()] == ["7"]


def test_a_row_without_bytes_is_unreadable(tmp_path: Path) -> None:
    column = pa.array([None, {"bytes": None, "path": "x.png"}, {"bytes": png(5), "path": None}], IMAGE)
    entries = list(save(tmp_path / "cells.parquet", {"image": column}).entries())
    assert [isinstance(entry.content, UnreadableError) for entry in entries] == [True, True, False]
    assert entries[1].source == "x.png"


@pytest.mark.parametrize("kind", ["binary", "large_binary"])
def test_plain_binary_columns_are_read(tmp_path: Path, kind: str) -> None:
    column = pa.array([png(0), png(1)], getattr(pa, kind)())
    assert values(save(tmp_path / "cells.parquet", {"image": column})) == [0, 1]


def test_row_groups_are_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_BATCH_ROWS", 4)
    form = save(tmp_path / "cells.parquet", {"image": images(10)}, row_group_size=3)
    seen: list[int] = []
    original = parquet._batch_entries

    def count(batch: Any, *others: Any) -> Any:
        seen.append(len(batch))
        return original(batch, *others)

    monkeypatch.setattr(parquet, "_batch_entries", count)
    stream = form.entries()
    next(stream)
    assert sum(seen) <= 4
    assert len(list(stream)) == 9
    assert max(seen) <= 4


def test_shards_follow_each_other(tmp_path: Path) -> None:
    names = ("test-0.parquet", "train-0.parquet", "train-1.parquet")
    for name in names:
        save(tmp_path / name, {"image": images(2, paths=name == names[0]), "label": [0, 1]}, FEATURES)
    form = ParquetForm("set", tuple((name, tmp_path / name) for name in names))
    entries = list(form.entries())
    assert [entry.row for entry in entries] == list(range(6))
    assert [entry.source for entry in entries[1:4]] == ["x/1.png", "train-0.parquet#0", "train-0.parquet#1"]
    assert [entry.part for entry in entries] == ["test"] * 2 + ["train"] * 4
    assert len(form.files()) == 3


def test_shards_must_agree(tmp_path: Path) -> None:
    save(tmp_path / "a.parquet", {"image": images(1), "label": [0]}, FEATURES)
    save(tmp_path / "b.parquet", {"image": images(1), "label": ["ig"]})
    form = ParquetForm("set", tuple((name, tmp_path / name) for name in ("a.parquet", "b.parquet")))
    with pytest.raises(DataError, match=r"b\.parquet has other columns"):
        list(form.entries())


def test_wrong_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no column 'image', only imag, label. Did you mean 'imag'?"):
        list(save(tmp_path / "a.parquet", {"imag": images(1), "label": [0]}).entries())
    with pytest.raises(DataError, match="holds no encoded pictures"):
        list(save(tmp_path / "b.parquet", {"image": [[1, 2]]}).entries())
    fault = save(tmp_path / "c.parquet", {"image": images(1), "lable": [0]}).labelling().fault
    assert "no column 'label'" in fault
    assert "Did you mean 'lable'?" in fault


@pytest.mark.parametrize("metadata", [b"{", b"[]", b'{"info": null}', b'{"info": {"features": 3}}'])
def test_metadata_that_is_not_understood_is_ignored(tmp_path: Path, metadata: bytes) -> None:
    table = pa.table({"image": images(2), "label": [0, 1]}).replace_schema_metadata({"huggingface": metadata})
    pq.write_table(table, tmp_path / "cells.parquet")
    form = ParquetForm("cells", (("cells.parquet", tmp_path / "cells.parquet"),))
    assert form.labelling().declared is None
    assert [entry.label for entry in form.entries()] == [0, 1]


def test_damaged_files_are_named(tmp_path: Path) -> None:
    form = save(tmp_path / "cells.parquet", {"image": images(50)})
    data = (tmp_path / "cells.parquet").read_bytes()
    for damaged in (data[:100], b"PAR1", b"", b"hello", data[:-20] + bytes(20)):
        (tmp_path / "cells.parquet").write_bytes(damaged)
        with pytest.raises(DataError, match=r"cells\.parquet is damaged or no Parquet file"):
            list(ParquetForm(form.name, form.shards).entries())
    middle = bytearray(data)
    middle[100:2000] = bytes(1900)
    (tmp_path / "cells.parquet").write_bytes(middle)
    with pytest.raises(DataError, match="damaged"):
        list(ParquetForm(form.name, form.shards).entries())


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    form = save(tmp_path / "cells.parquet", {"image": images(1)})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'smearlab\[parquet\]'"):
        list(form.entries())


@pytest.mark.real
def test_real_cells(pbc_path: Path) -> None:
    form = ParquetForm("pbc96", (("pbc96.parquet", pbc_path),))
    entry = next(form.entries())
    assert isinstance(entry.content, bytes)
    assert decode(entry.content).shape == (96, 96, 3)
    assert entry.source.endswith(".jpg")
    assert form.labelling().declared is not None
