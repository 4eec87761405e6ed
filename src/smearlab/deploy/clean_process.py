"""A Python process in which a runtime and NumPy are all there is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smearlab.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smearlab.deploy.assembly import Runtime

PROBE = Path(__file__).with_name("probe.py")
PACKAGES: dict[Runtime, tuple[str, ...]] = {
    "onnxruntime": ("onnxruntime", "numpy"),
    "torch": ("torch", "numpy"),
    "tensorflow": ("tensorflow-cpu" if sys.platform == "linux" else "tensorflow", "numpy"),
}
"""What is installed for a trial."""
INSTALL_SECONDS = 900
TRIAL_SECONDS = 600


@dataclass(frozen=True)
class CleanPython:
    """An interpreter for a trial.

    Attributes:
        path: of the interpreter.
        allowed: top-level modules beside the standard library that may be imported; empty where all that is installed
            may, because nothing else is.
        words: what it is.
    """

    path: Path
    allowed: tuple[str, ...]
    words: str

    def try_out(self, folder: Path, pictures: Path) -> dict[str, Any]:
        """Run the probe on an unpacked bundle, in an empty working folder.

        Args:
            folder: where the bundle lies.
            pictures: a ``.npy`` file.

        Returns:
            What `probe` found.

        Raises:
            ModelError: the process died, or took longer than ten minutes.
        """
        with tempfile.TemporaryDirectory(prefix="smearlab-trial-") as work:
            result = Path(work) / "result.json"
            command = [str(self.path), "-I", "-B", str(PROBE), str(folder), str(pictures), str(result), *self.allowed]
            try:
                done = subprocess.run(
                    command,
                    cwd=work,
                    env=_environment(),
                    capture_output=True,
                    text=True,
                    timeout=TRIAL_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise ModelError(
                    f"The bundle took more than {TRIAL_SECONDS} s in its trial. No bundle was written."
                ) from None
            if not result.is_file():
                last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
                raise ModelError(f"The trial of the bundle died: {last}. No bundle was written.")
            found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
            return found


@contextmanager
def clean_python(runtime: Runtime, wanted: str | Path = "auto") -> Iterator[CleanPython]:
    """Find or make an interpreter for a trial; one that was made is removed afterwards.

    Args:
        runtime: what it must have.
        wanted: ``new`` (a new environment, filled from the package index), ``here`` (this interpreter, everything but
            the runtime and what it needs refused), the path of a Python, or ``auto``: PyTorch, whose packages are
            gigabytes, from here where it is installed; else new, and here where nothing can be installed.

    Raises:
        ModelError: there is no such interpreter, or it lacks the runtime.
    """
    if str(wanted) not in ("auto", "new", "here"):
        yield _given(Path(wanted), runtime)
        return
    installed = find_spec(runtime) is not None
    if wanted == "here" or (wanted == "auto" and runtime == "torch" and installed):
        yield _here(runtime)
        return
    with tempfile.TemporaryDirectory(prefix="smearlab-clean-") as folder:
        fault, python = _install(Path(folder), runtime)
        if not fault:
            yield CleanPython(python, (), f"a new environment with {' and '.join(PACKAGES[runtime])} alone")
        elif wanted == "auto" and installed:
            yield _here(runtime)
        else:
            raise ModelError(
                f"{runtime} could not be installed into a new environment to try the bundle out ({fault}). Give a "
                "Python that has it with --check-python."
            )


def allowed_modules(runtime: Runtime) -> tuple[str, ...]:
    """Name the top-level modules of a runtime, of NumPy, and of all that they require."""
    wanted: set[str] = set()
    for package in (*PACKAGES[runtime], runtime):
        _require(package, wanted)
    modules = packages_distributions()
    return tuple(sorted(name for name, owners in modules.items() if wanted & {_canonical(owner) for owner in owners}))


def _require(package: str, found: set[str]) -> None:
    try:
        requirements = distribution(package).requires or []
    except PackageNotFoundError:
        return
    found.add(_canonical(package))
    for text in requirements:
        name = re.match(r"[\w.-]+", text)
        if name and "extra ==" not in text and _canonical(name[0]) not in found:
            _require(name[0], found)


def _canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _given(python: Path, runtime: Runtime) -> CleanPython:
    try:
        tried = subprocess.run(
            [str(python), "-I", "-c", f"import {runtime}, numpy"],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelError(f"--check-python {python} cannot be run ({error}). Give the path of a Python.") from None
    if tried.returncode:
        last = (tried.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelError(f"--check-python {python} has no {runtime} to try the bundle with ({last}). Install it there.")
    return CleanPython(python, (), f"the Python given ({python})")


def _here(runtime: Runtime) -> CleanPython:
    if find_spec(runtime) is None:
        raise ModelError(
            f"{runtime} is not installed here, so the bundle cannot be tried out. Install it (pip install "
            f"{PACKAGES[runtime][0]}), or give a Python that has it with --check-python."
        )
    words = f"this Python, with everything but {runtime}, NumPy and what they require refused"
    return CleanPython(Path(sys.executable), allowed_modules(runtime), words)


def _install(folder: Path, runtime: Runtime) -> tuple[str, Path]:
    """Install a runtime into a new environment; what went wrong (else empty), and its Python."""
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    try:
        venv.create(folder, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--retries", "1"]
        done = subprocess.run(
            [*pip, *PACKAGES[runtime]], capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        return type(error).__name__, python
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return ((errors or ["pip failed"])[0][:150] if done.returncode else ""), python


def _environment() -> dict[str, str]:
    """Keep what the system needs, and nothing that could lead Python to other libraries."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))} | {
        "TF_CPP_MIN_LOG_LEVEL": "3"
    }
