"""`model.py` stands alone, compiles on older Pythons, and a name that nobody defines is found without running it."""

from __future__ import annotations

import ast
import sys
from typing import Any, get_args

import pytest

from smearlab.deploy.assembly import Runtime, check_source, model_source, undefined_names
from smearlab.errors import ModelError

RUNTIMES = get_args(Runtime)
SETTINGS = {"class_names": ["a", "b"], "weights": "w", "batch_size": 64, "size": 28, "fraction": 1.0}


def source(runtime: Any = "onnxruntime") -> str:
    return model_source(runtime, SETTINGS, "Names cells.\n\nAnd says so.\n")


def imported(text: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add(str(node.module).split(".")[0])
    return found - set(sys.stdlib_module_names)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_it_imports_its_runtime_and_numpy_alone(runtime: Any) -> None:
    assert imported(source(runtime)) == {"numpy", runtime}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_it_compiles_on_python_3_9_and_uses_no_undefined_name(runtime: Any) -> None:
    ast.parse(source(runtime), feature_version=(3, 9))
    check_source(source(runtime))
    assert "smearlab." not in source(runtime)
    assert "noqa" not in source(runtime)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_no_two_parts_define_the_same_name(runtime: Any) -> None:
    names = [node.name for node in ast.parse(source(runtime)).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    assert len(names) == len(set(names))
    assert {"Model", "Network"} <= set(names)


def test_settings_stand_in_it_as_python() -> None:
    (assigned,) = [
        node
        for node in ast.parse(source()).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "SETTINGS"
    ]
    assert ast.literal_eval(assigned.value) == SETTINGS


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        ("as_bytes(X)", "as_byts(X)", "as_byts"),
        ("import numpy as np", "", "np"),
        ("pictures = as_bytes(X)", "pictures = as_bytes(X)\n        if len(X) > 10**9:\n            tf.print(X)", "tf"),
        ('SETTINGS["batch_size"]', 'SETTING["batch_size"]', "SETTING"),
    ],
)
def test_an_undefined_name_is_named_also_where_no_run_reaches(before: str, after: str, name: str) -> None:
    broken = source().replace(before, after)
    assert undefined_names(broken) == [name]
    with pytest.raises(ModelError, match=rf"uses a name that is not defined: {name}\."):
        check_source(broken)


def test_names_of_inner_functions_and_loops_are_known() -> None:
    assert undefined_names("def f(a):\n    def g(b):\n        return a + b\n    return [g(c) for c in a]\n") == []
    assert undefined_names("class A:\n    x = 1\n    def f(self):\n        return x\n") == ["x"]


def test_text_that_is_no_python_is_refused() -> None:
    with pytest.raises(ModelError, match=r"cannot be compiled: .* in line \d+"):
        check_source(source() + "def (")
