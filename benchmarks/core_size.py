"""How large the core install is, package by package, and whether it works without the rest.

    python -m benchmarks.core_size

Installs the core into a temporary environment, from the package index, and adds up the files in it; pip itself is not
counted. Exits 1 above the target.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from importlib.metadata import Distribution, distributions
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
TARGET_MB = 250
NOT_COUNTED = {"pip", "setuptools", "wheel"}
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "constraints.txt", "src")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="smearlab-core-") as temporary:
        python = install_core(Path(temporary))
        sizes = package_sizes(python)
        answers = [try_out(python, *words) for words in (("--help",), ("run",))]
    _print(sizes)
    print(f"smearlab --help exits {answers[0].returncode}; smearlab run, which needs more, says:\n{answers[1].stderr}")
    return int(sum(sizes.values()) > TARGET_MB)


def install_core(folder: Path) -> Path:
    """Install smearlab without extras below a folder; the environment's Python."""
    source, environment = folder / "source", folder / "environment"
    copy_sources(source)
    venv.create(environment, with_pip=True)
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "-c", str(source / "constraints.txt"), str(source)], check=True)
    return python


def copy_sources(target: Path) -> None:
    """Copy what a build needs, so that it leaves nothing behind in the checkout."""
    target.mkdir(parents=True)
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(path, target / name)


def package_sizes(python: Path) -> dict[str, float]:
    """Size of each installed package in MB (10⁶ bytes), bytecode included."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    sizes = {item.name: _size(item) for item in distributions(path=[site])}
    return {name: size for name, size in sizes.items() if name.lower() not in NOT_COUNTED}


def try_out(python: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a smearlab command in that environment."""
    return subprocess.run([str(python), "-m", "smearlab", *words], capture_output=True, text=True, check=False)


def _size(package: Distribution) -> float:
    paths = [Path(str(file.locate())) for file in package.files or []]
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def _print(sizes: dict[str, float]) -> None:
    table = Table(title=f"Core install, Python {sys.version_info.major}.{sys.version_info.minor}")
    table.add_column("package")
    table.add_column("MB", justify="right")
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        table.add_row(name, f"{size:.1f}")
    table.add_section()
    table.add_row(f"all (target: at most {TARGET_MB})", f"{sum(sizes.values()):.1f}")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
