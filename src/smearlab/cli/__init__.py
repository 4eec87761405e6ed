"""The command line: one short function per command, no logic; a file for each kind of work.

Heavy imports stand inside the commands, so that ``smearlab --help`` answers at once and ``predict`` needs no torch.
"""

from __future__ import annotations

from smearlab.cli import (
    cleaning,
    drawing,
    explaining,
    exporting,
    measuring,
    predicting,
    recipes,
    searching,
    serving,
    studying,
    training,
    trusting,
)
from smearlab.cli.app import UsageError, app, call
from smearlab.cli.predicting import PREDICT_OPTIONS

__all__ = [
    "PREDICT_OPTIONS",
    "UsageError",
    "app",
    "call",
    "cleaning",
    "drawing",
    "explaining",
    "exporting",
    "measuring",
    "predicting",
    "recipes",
    "searching",
    "serving",
    "studying",
    "training",
    "trusting",
]
