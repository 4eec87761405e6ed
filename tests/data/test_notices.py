import pytest

from smearlab.data.notices import notice


def test_one_plain_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    notice("The cache is full.")
    notice("The cache is full.")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "smearlab: The cache is full.\n")


def test_of_several_processes_one_speaks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RANK", "1")
    notice("The cache is fuller.")
    assert capsys.readouterr().err == ""
