import numpy as np
import pytest

from smearlab.data.parts import resolve_parts, split_part
from smearlab.errors import DataError


@pytest.mark.parametrize(
    ("text", "part"),
    [("Train", "train"), ("val", "validation"), (" valid ", "validation"), ("TEST", "test"), ("", ""), ("x", None)],
)
def test_usual_names(text: str, part: str | None) -> None:
    assert split_part(text) == part


def test_parts_are_unified() -> None:
    parts = resolve_parts(np.array(["training", "", "dev", "test"]), np.arange(4))
    assert parts is not None
    assert parts.tolist() == ["train", "", "validation", "test"]


@pytest.mark.parametrize("raw", [["", ""], ["train", "train"], ["train", "Training", ""]])
def test_a_single_part_is_no_split(raw: list[str]) -> None:
    assert resolve_parts(np.array(raw), np.arange(len(raw))) is None


def test_unknown_parts_name_their_rows() -> None:
    with pytest.raises(DataError, match=r"'tset' \(rows 11, 12\).*Did you mean 'test'"):
        resolve_parts(np.array(["train", "tset", "tset"]), np.arange(10, 13))
