import sys

import pytest

from smearlab.data.progress import progress


def work(total: int) -> None:
    with progress("Reading cells", total) as advance:
        for _ in range(3):
            advance(1)


def test_nothing_is_shown_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    work(3)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("total", [0, 3])
def test_a_bar_is_shown_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, total: int
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    work(total)
    captured = capsys.readouterr()
    assert "Reading cells" in captured.err
    assert captured.out == ""


def test_a_second_display_does_not_disturb_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.errors import LiveError
    from rich.progress import Progress

    def refuse(self: Progress) -> None:
        raise LiveError("Only one live display may be active at once")

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(Progress, "start", refuse)
    work(3)
