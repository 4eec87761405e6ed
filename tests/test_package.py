"""The package as others meet it: its public names, its import, what a wheel holds, and what the tree must not hold."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import smearlab

ROOT = Path(__file__).resolve().parents[1]
MAX_IMPORT_SECONDS = 0.3
MAX_HELP_SECONDS = 0.5
PACKAGE_DATA = ("*.toml", "*.html", "*.css", "*.typed", "*.onnx", "*.safetensors", "*.json", "*.js", "*.svg")


def _in_new_process(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def _best_seconds(code: str) -> float:
    """The quickest of a few processes: other work on the machine only ever makes one slower."""
    timed = f"import time; start = time.perf_counter(); {code}; print(time.perf_counter() - start)"
    return min(float(_in_new_process(timed).splitlines()[-1]) for _ in range(5))


@pytest.mark.parametrize("name", [name for name in smearlab.__all__ if name != "__version__"])
def test_public_name_is_there_and_documented(name: str) -> None:
    found = getattr(smearlab, name)
    assert found is getattr(sys.modules[found.__module__], name)
    assert found.__doc__


def test_public_names_are_listed() -> None:
    assert set(smearlab.__all__) <= set(dir(smearlab))
    assert smearlab.__all__ == sorted(smearlab.__all__)
    space: dict[str, object] = {}
    exec("from smearlab import *", space)
    assert set(smearlab.__all__) - {"__version__"} <= set(space)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Predicter"):
        smearlab.Predicter  # noqa: B018
    assert not hasattr(smearlab, "Predicter")


def test_name_that_needs_more_says_what_to_install() -> None:
    code = """
import sys
sys.modules["torch"] = None  # as if it were not installed
import smearlab
assert smearlab.Predictor and smearlab.read
try:
    smearlab.run("demo")
except smearlab.SmearlabError as error:
    print(error)
"""
    assert "pip install 'smearlab[train]'" in _in_new_process(code)


def test_import_is_quick_and_brings_no_torch() -> None:
    loaded = _in_new_process("import smearlab, sys; print('torch' in sys.modules, 'numpy' in sys.modules)")
    assert loaded == "False False"
    assert _best_seconds("import smearlab") <= MAX_IMPORT_SECONDS


def test_predictor_and_read_bring_no_torch() -> None:
    assert (
        _in_new_process("import smearlab, sys; smearlab.Predictor, smearlab.read; print('torch' in sys.modules)")
        == "False"
    )


@pytest.mark.slow
def test_help_is_quick() -> None:
    code = "from smearlab.__main__ import main; sys.argv = ['smearlab', '--help']; main()"
    guarded = f"import sys\ntry:\n    {code}\nexcept SystemExit: pass"
    assert _best_seconds(f"exec({guarded!r})") <= MAX_HELP_SECONDS


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == smearlab.__version__
    assert f"## [{smearlab.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_constraints_cover_every_requirement_and_name_no_address() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [
        project["optional-dependencies"][name] for name in ("parquet", "imaging", "train", "tensorboard", "web", "dev")
    ]
    wanted = {_name(line) for line in sum(extras, project["dependencies"])} - {"smearlab"}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    held = [line for line in lines if line and not line.startswith("#")]
    assert wanted <= {_name(line) for line in held}
    assert not [line for line in held if not re.fullmatch(r"[a-z0-9-]+[<>=~!]+[0-9.]+", line)]
    assert "torch==2.13.0" not in held
    assert any(_name(line) == "torch" and "!=2.13.0" in line for line in project["optional-dependencies"]["train"])


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=~!; ]", requirement)[0].lower().replace("_", "-")


def _tracked_texts() -> dict[str, str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    if not paths:
        pytest.skip("not a git checkout, so it is not known which files belong to the project")
    texts = {}
    for path in paths:
        if path.is_file() and b"\0" not in (data := path.read_bytes()):
            texts[path.relative_to(ROOT).as_posix()] = data.decode("utf-8", errors="replace")
    return texts


# Written in pieces, so that this file does not hold what it forbids.
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.])/(?:" + "|".join(("work", "root", "home/[a-z]", "Users/[A-Z]")) + r")/",
    "a package index": "|".join(
        ("pypi" + r"\.org", "download" + r"\.pytorch", "extra-index" + "-url", "/opt/" + "pypi")
    ),
    "unfinished work": "|".join(("TO" + "DO", "FIX" + "ME", "raise NotImplemented" + "Error")),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_tree_does_not_hold(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [f"{name}: {match[0]}" for name, text in _tracked_texts().items() for match in pattern.finditer(text)]
    assert not found


def test_tree_is_small() -> None:
    large = [name for name, text in _tracked_texts().items() if len(text) > 200_000]
    assert not large


@pytest.mark.slow
def test_wheel_holds_everything_that_is_not_code(tmp_path: Path) -> None:
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / "core_size.py"))
    benchmark["copy_sources"](tmp_path / "source")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(tmp_path), str(tmp_path / "source")]
    subprocess.run(pip, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "src" / "smearlab"
    data = {f"smearlab/{path.relative_to(package).as_posix()}" for kind in PACKAGE_DATA for path in package.rglob(kind)}
    assert {"smearlab/py.typed", "smearlab/recipes/standard.toml", "smearlab/report/templates/page.html"} <= data
    assert data <= held
    assert any(name.endswith("licenses/LICENSE") for name in held)
    assert not any(name.startswith(("tests/", "benchmarks/", "docs/")) for name in held)


@pytest.mark.slow
def test_core_install_is_small_and_works_alone(tmp_path: Path) -> None:
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / "core_size.py"))
    python = benchmark["install_core"](tmp_path)
    sizes = benchmark["package_sizes"](python)
    print(f"core install: {sum(sizes.values()):.1f} MB")
    assert sum(sizes.values()) <= benchmark["TARGET_MB"]
    assert not {"torch", "timm", "pyarrow", "matplotlib"} & set(sizes)
    assert benchmark["try_out"](python, "--help").returncode == 0
    refused = benchmark["try_out"](python, "run")
    assert (refused.returncode, "smearlab[train]" in refused.stderr) == (2, True)


def test_every_package_of_the_train_extra_is_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = {re.split(r"[^\w-]", item)[0] for item in project["optional-dependencies"]["train"]}
    modules = {"scikit-learn": "sklearn", "scikit-image": "skimage", "tomli-w": "tomli_w"}
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    imported = set(re.findall(r"^\s*(?:from|import) (\w+)", text, re.MULTILINE))
    asked_for_by_those = {"onnx", "onnxscript", "torchvision"}  # by torch's exporter and by timm
    assert {name for name in listed - asked_for_by_those if modules.get(name, name) not in imported} == set()


def test_nothing_private_of_others_is_imported() -> None:
    private = re.compile(
        r"^\s*from (?!smearlab)\w+(?:\.\w+)*\._\w+ import|^\s*import (?!smearlab)[\w.]+\._", re.MULTILINE
    )
    files = [path for folder in ("src", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    assert [path.name for path in files if private.search(path.read_text(encoding="utf-8"))] == []
