"""The folder of an audit: what lies in it, and when it may be written over."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from smearlab.data.results_folder import check_results_folder
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


def check_out(folder: Path) -> None:
    """Make sure that nothing but an earlier audit is written over, and no manifest that a person worked on.

    Raises:
        DataError: `folder` is a file, or holds anything else.
    """
    summary = check_results_folder(folder, "audit", FILES, SUMMARY, DIGEST)
    manifest = folder / MANIFEST
    if summary and manifest.is_file() and digest_of(manifest) != summary[DIGEST]:
        raise DataError(
            f"{manifest} was edited since it was written, and would be lost. Move it, or choose another --out."
        )


def digest_of(path: Path) -> str:
    """Return the BLAKE2b digest of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
