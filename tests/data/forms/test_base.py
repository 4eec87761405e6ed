import pytest

from smearlab.data.forms.base import name_rows, name_some


@pytest.mark.parametrize(
    ("rows", "text"),
    [([3], "row 3"), ([3, 9], "rows 3, 9"), (list(range(1005)), "rows 0, 1, 2, 3, 4 and 1,000 more")],
)
def test_rows_in_words(rows: list[int], text: str) -> None:
    assert name_rows(rows) == text


def test_some_of_many() -> None:
    assert name_some(["a", "b", "c"], limit=2) == "a, b and 1 more"
    assert name_some([]) == ""
