import sys

import pytest

from smearlab.data.progress import progress


def work(total: int) -> None:
    with progress("Reading cells", total) as advance:
        for _ in range(3):
            advance(1)


def test_short_work_leaves_nothing_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    work(3)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("total", "said"), [(0, "1"), (2000, "1 of 2,000")])
def test_long_work_leaves_a_line_a_minute_in_a_log(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, total: int, said: str
) -> None:
    seconds = iter([0.0, 61.0, 90.0, 119.0, 122.0])
    monkeypatch.setattr("smearlab.data.progress.time.monotonic", lambda: next(seconds))
    with progress("Reading cells", total) as advance:
        for steps in (1, 1, 1, 1):
            advance(steps)
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [f"Reading cells: {said}", f"Reading cells: {said.replace('1', '4', 1)}"]
    assert captured.out == ""


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
