"""The folder of an audit: what lies in it, and when it may be written over."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from smearlab.data.atomic import TEMPORARY_PREFIX
from smearlab.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

FINDINGS, QUALITY, MANIFEST, REPORT, SUMMARY = (
    "findings.csv",
    "label_quality.csv",
    "manifest.csv",
    "report.html",
    "audit.json",
)
FILES = (FINDINGS, QUALITY, MANIFEST, REPORT, SUMMARY)
DIGEST = "manifest_blake2b"
"""Key of the summary that tells whether the manifest was edited since."""
_CHOOSE = "Choose another --out: a new folder, or one of an earlier audit."


def check_out(folder: Path) -> None:
    """Make sure that nothing but an earlier audit is written over, and no manifest that a person worked on.

    Raises:
        DataError: `folder` is a file, or holds anything else.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise DataError(f"{folder} is a file. {_CHOOSE}")
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith(TEMPORARY_PREFIX))
    if not names:
        return
    summary = _read_summary(folder / SUMMARY)
    strangers = [name for name in names if name not in FILES]
    if strangers or not summary:
        raise DataError(f"{folder} holds '{[*strangers, *names][0]}', which no audit has written. {_CHOOSE}")
    manifest = folder / MANIFEST
    if manifest.is_file() and digest_of(manifest) != summary[DIGEST]:
        raise DataError(
            f"{manifest} was edited since it was written, and would be lost. Move it, or choose another --out."
        )


def digest_of(path: Path) -> str:
    """Return the BLAKE2b digest of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _read_summary(path: Path) -> dict[str, Any]:
    """Read the summary of an earlier audit; empty where there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and DIGEST in content else {}
