"""Telling people what they should know while the work goes on."""

from __future__ import annotations

import os
import sys
from functools import cache


@cache
def notice(text: str) -> None:
    """Print one plain line on standard error, once; of the processes of a distributed run only the first speaks."""
    if os.environ.get("RANK", "0") == "0":
        print(f"smearlab: {text}", file=sys.stderr)
