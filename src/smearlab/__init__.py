"""smearlab: from a collection of blood-smear cell pictures to a classifier that can be trusted.

The names below are the public interface. Each is loaded when it is first asked for, so that ``import smearlab`` is
quick and ``Predictor`` needs no torch.

    >>> import smearlab
    >>> smearlab.Framing(crop="centre", fraction=0.55).size
    96
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smearlab.data.cells import Cells
    from smearlab.data.framing import Framing
    from smearlab.data.read import read
    from smearlab.data.split import Split
    from smearlab.errors import SmearlabError
    from smearlab.evaluation.evaluate import evaluate
    from smearlab.inference.predictor import Predictor
    from smearlab.pipeline import run
    from smearlab.training.recipe import Recipe
    from smearlab.training.recipe_io import load_recipe
    from smearlab.training.run_folder import Run

__version__ = "0.1.0"

__all__ = [
    "Cells",
    "Framing",
    "Predictor",
    "Recipe",
    "Run",
    "SmearlabError",
    "Split",
    "__version__",
    "evaluate",
    "load_recipe",
    "read",
    "run",
]

_HOMES = {
    "Cells": "smearlab.data.cells",
    "Framing": "smearlab.data.framing",
    "Predictor": "smearlab.inference.predictor",
    "Recipe": "smearlab.training.recipe",
    "Run": "smearlab.training.run_folder",
    "SmearlabError": "smearlab.errors",
    "Split": "smearlab.data.split",
    "evaluate": "smearlab.evaluation.evaluate",
    "load_recipe": "smearlab.training.recipe_io",
    "read": "smearlab.data.read",
    "run": "smearlab.pipeline",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used (PEP 562).

    Raises:
        AttributeError: there is no such name.
        MissingExtraError: it needs a part of smearlab that is not installed.
    """
    if name not in _HOMES:
        raise AttributeError(f"module 'smearlab' has no attribute '{name}'")
    try:
        found: object = getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if (error.name or "smearlab").startswith("smearlab"):
            raise
        from smearlab.errors import MissingExtraError

        raise MissingExtraError("train", f"smearlab.{name}") from error
    globals()[name] = found  # the next use finds it without coming here
    return found


def __dir__() -> list[str]:
    """List the public names too, loaded or not."""
    return sorted({*globals(), *__all__})
