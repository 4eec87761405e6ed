"""A folder of results: new, empty, or of an earlier result of the same kind, which alone may be written over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from smearlab.data.atomic import TEMPORARY_PREFIX, remove_leftovers
from smearlab.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


def check_results_folder(folder: Path, what: str, files: Collection[str], marker: str, key: str = "") -> dict[str, Any]:
    """Make sure that nothing but an earlier result of the same kind is written over.

    Hidden temporary files are what a killed command left behind: they count for nothing, and go with it.

    Args:
        folder: that is to be written to.
        what: the kind of result, with which the message goes on after "an earlier" and "no".
        files: all that such a result consists of.
        marker: the one of them that is written by this kind of result alone, as JSON.
        key: that the marker must have, where other results have a file of the same name.

    Returns:
        The marker's content; empty where there is no earlier result.

    Raises:
        DataError: `folder` is a file, or holds anything else.
    """
    choose = f"Choose another --out: a new folder, or one of an earlier {what}."
    if not folder.exists():
        return {}
    if not folder.is_dir():
        raise DataError(f"{folder} is a file. {choose}")
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith(TEMPORARY_PREFIX))
    if "recipe.toml" in names:
        raise DataError(f"{folder} holds a training run, whose figures would be lost. {choose}")
    content = _read_marker(folder / marker, key)
    strangers = [name for name in names if name not in files]
    if strangers or (names and not content):
        raise DataError(f"{folder} holds '{[*strangers, *names][0]}', which no {what} has written. {choose}")
    remove_leftovers(folder)
    return content


def _read_marker(path: Path, key: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and (not key or key in content) else {}
