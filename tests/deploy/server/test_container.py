"""The image and the systemd unit: they name what is there, and the image is built where there is an engine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from smearlab.cli import app

ROOT = Path(__file__).resolve().parents[3]
ENGINE = shutil.which("docker") or shutil.which("podman") or ""


def test_what_the_image_copies_is_there_and_not_left_out() -> None:
    copied = re.search(r"^COPY (pyproject.*) \./$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert copied is not None
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    names = {*copied[1].split(), "src"}
    assert names == kept
    assert all((ROOT / name).exists() for name in names)


@pytest.mark.parametrize("file", ["Dockerfile", "contrib/smearlab.service"])
def test_its_options_are_those_of_the_command(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = next(line for line in (ROOT / file).read_text().splitlines() if line.startswith(("ENTRYPOINT", "ExecStart")))
    app["serve"].help_print()
    shown = capsys.readouterr().out
    options = re.findall(r"--[a-z-]+", text)
    assert len(options) >= 2
    assert all(option in shown for option in options)


@pytest.mark.slow
def test_the_image_is_built_and_answers() -> None:
    if not ENGINE or subprocess.run([ENGINE, "info"], capture_output=True, check=False).returncode:
        pytest.skip("no container engine runs here")
    subprocess.run([ENGINE, "build", "-q", "-t", "smearlab-test", str(ROOT)], check=True, timeout=600)
    done = subprocess.run(
        [ENGINE, "run", "--rm", "--read-only", "smearlab-test", "--help"], capture_output=True, text=True, check=True
    )
    assert "--max-pictures" in done.stdout
