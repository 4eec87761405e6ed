"""The Chromium that is installed here, and what to do where there is none."""

from __future__ import annotations

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), "")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
PATIENCE = 240_000  # milliseconds: a busy machine draws slowly, and that is no fault of a page
COMPLETE = "SMEARLAB_COMPLETE"
"""Set by `make test-all`: what cannot be tried then fails instead of being skipped."""


def need_chromium() -> str:
    """Return the browser's path; skip the test where there is none, or fail it where every test must run."""
    if not CHROMIUM:
        reason = "no Chromium on the PATH: apt-get install chromium"
        if os.environ.get(COMPLETE):
            pytest.fail(reason)
        pytest.skip(reason)
    return CHROMIUM
