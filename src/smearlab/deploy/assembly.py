"""Putting ``model.py`` together: the parts that a runtime needs, in one file that imports nothing of smearlab."""

from __future__ import annotations

import ast
import builtins
import json
import re
import symtable
import sys
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from smearlab.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

Runtime = Literal["onnxruntime", "torch", "tensorflow"]
PARTS: dict[Runtime, tuple[str, ...]] = {
    "onnxruntime": ("reading", "with_onnxruntime", "model"),
    "torch": ("reading", "pixels", "graph", "operators_torch", "with_torch", "model"),
    "tensorflow": ("reading", "pixels", "graph", "maps_tensorflow", "operators_tensorflow", "with_tensorflow", "model"),
}
"""The modules of `smearlab.deploy.bundled` that are put together, in this order."""
_OWN = "smearlab"
_REMARKS = re.compile(r"\s*# (?:noqa|type: ignore)\b.*$", re.MULTILINE)
_GIVEN = {"__file__", "__name__", "__doc__", "__builtins__"}


def model_source(runtime: Runtime, settings: dict[str, Any], about: str) -> str:
    """Return the text of ``model.py``.

    Args:
        runtime: what computes.
        settings: what it knows of the model.
        about: its docstring: one line, a blank one and the rest.
    """
    imports: set[str] = set()
    bodies = []
    for part in PARTS[runtime]:
        text = resources.files("smearlab.deploy.bundled").joinpath(f"{part}.py").read_text("utf-8")
        found, body = _split(text)
        imports |= found
        bodies.append(body)
    head = [f'"""{about}"""', "from __future__ import annotations", "\n".join(sorted(imports, key=_import_order))]
    written = [*head, f"SETTINGS = {_literal(settings)}", *bodies]
    return "\n\n".join(written[:4]) + "\n\n\n" + "\n\n\n".join(written[4:]) + "\n"


def undefined_names(source: str) -> list[str]:
    """Return the names that a Python file uses in any of its functions and defines nowhere.

    A name in a branch that no trial run reaches fails on the server only; this finds it without running anything.

    Args:
        source: the file's text.
    """
    table = symtable.symtable(source, "model.py", "exec")
    known = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    known |= {child.get_name() for child in table.get_children()} | set(dir(builtins)) | _GIVEN
    return sorted({name for name in _used_globals(table) if name not in known})


def check_source(source: str) -> None:
    """Check that a ``model.py`` can be compiled and uses no name that nobody defines.

    Raises:
        ModelError: it cannot, or it does.
    """
    try:
        names = undefined_names(source)
    except SyntaxError as error:
        raise ModelError(f"model.py cannot be compiled: {error.msg} in line {error.lineno}.") from None
    if names:
        raise ModelError(f"model.py uses a name that is not defined: {', '.join(names)}. No bundle was written.")


def _used_globals(table: symtable.SymbolTable) -> Iterator[str]:
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (top or symbol.is_global()):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _used_globals(child)


def _split(text: str) -> tuple[set[str], str]:
    """Take a module apart: its imports of other libraries, and all that follows its imports."""
    imports: set[str] = set()
    dropped: set[int] = set()
    for node in ast.parse(text).body:
        first = isinstance(node, ast.Expr) and not dropped
        if first or isinstance(node, (ast.Import, ast.ImportFrom)):
            dropped |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not _is_inner(node):
            imports.add(ast.unparse(node))
    lines = [line for number, line in enumerate(text.splitlines(), 1) if number not in dropped]
    return imports, _REMARKS.sub("", "\n".join(lines)).strip()


def _is_inner(node: ast.Import | ast.ImportFrom) -> bool:
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
    return any(name.split(".")[0] in (_OWN, "__future__") for name in names)


def _import_order(line: str) -> tuple[bool, str]:
    """Sort the standard library first."""
    module = line.split()[1].split(".")[0]
    return module not in sys.stdlib_module_names, module


def _literal(settings: dict[str, Any]) -> str:
    """Write settings of texts, numbers and lists: for these JSON is Python."""
    return json.dumps(settings, indent=4)
