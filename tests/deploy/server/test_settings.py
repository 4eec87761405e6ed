"""What a server may be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from smearlab.deploy.server.settings import TOKEN_VARIABLE, Limits, find_token
from smearlab.errors import ServiceError

SECRET = "a-secret-of-some-length"


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)


def test_a_token_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_token(None) is None
    monkeypatch.setenv(TOKEN_VARIABLE, f"{SECRET}-outside")
    (tmp_path / "token").write_text(f"{SECRET}-inside\n")
    outside, inside = find_token(None), find_token(tmp_path / "token")
    assert outside is not None
    assert inside is not None
    assert outside.matches(f"{SECRET}-outside")
    assert inside.matches(f"{SECRET}-inside")
    assert not inside.matches(f"{SECRET}-outside")
    assert not inside.matches("")
    assert SECRET not in repr(vars(inside))


@pytest.mark.parametrize("secret", ["", "short", "with a blank in the middle", "ümläute-are-no-ascii"])
def test_tokens_that_no_header_can_hold_or_anyone_guesses(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, secret)
    with pytest.raises(ServiceError, match=TOKEN_VARIABLE) as told:
        find_token(None)
    assert not secret or secret not in str(told.value)


def test_a_token_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none", tmp_path, tmp_path / "bytes"):
        with pytest.raises(ServiceError, match="cannot be read"):
            find_token(path)


@pytest.mark.parametrize("name", ["pictures", "pixels", "upload_seconds"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_limits_that_allow_nothing(name: str, value: float) -> None:
    with pytest.raises(ServiceError, match=name.replace("_", " ")):
        Limits(**{name: value})  # type: ignore[arg-type]
