"""BloodMNIST (Yang et al. 2023, MedMNIST v2, Scientific Data 10:41), downloaded at its first use.

17,092 cells of the PBC set (Acevedo et al. 2020), CC BY 4.0, in 28, 64, 128 or 224 pixels.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any

from smearlab.data.cache import lock, writable_cache_folder
from smearlab.data.forms.npz import NpzForm
from smearlab.data.progress import progress
from smearlab.errors import DataError, did_you_mean

ZENODO = "https://zenodo.org/records/10519652/files"
"""The record of the official files; ``$SMEARLAB_BLOODMNIST_URL`` names a mirror instead."""

CHECKSUMS = {
    "bloodmnist.npz": "7053d0359d879ad8a5505303e11de1dc",
    "bloodmnist_64.npz": "2b94928a2ae4916078ca51e05b6b800b",
    "bloodmnist_128.npz": "adace1e0ed228fccda1f39692059dd4c",
    "bloodmnist_224.npz": "b718ff6835fcbdb22ba9eacccd7b2601",
}
"""MD5 of the official files, as the medmnist package gives them."""

_SIZES = ("28", "64", "128", "224")
_ATTEMPTS = 3
_TIMEOUT_SECONDS = 30
_BLOCK = 1 << 18


def is_meant(text: str) -> bool:
    """Tell whether ``bloodmnist`` or ``bloodmnist:SIZE`` is asked for."""
    return text == "bloodmnist" or text.startswith("bloodmnist:")


def open_bloodmnist(text: str) -> NpzForm:
    """Open ``bloodmnist[:SIZE]``; the size is 28 by default.

    Raises:
        DataError: an unknown size, or the file is not there and cannot be downloaded.
    """
    size = text.partition(":")[2] or "28"
    if size not in _SIZES:
        hint = did_you_mean(size, _SIZES)
        raise DataError(f"BloodMNIST has no size '{size}'.{hint} It comes in {', '.join(_SIZES)} pixels.")
    name = "bloodmnist.npz" if size == "28" else f"bloodmnist_{size}.npz"
    return NpzForm(fetch(name), Path(name).stem)


def fetch(name: str) -> Path:
    """Return an official file from the cache folder, downloading it first where it is not there.

    A download that broke off is taken up where it ended. A file put into the cache folder by hand is used as it is.

    Raises:
        DataError: no connection, or the download is not the official file.
    """
    folder = writable_cache_folder() / "downloads"
    target = folder / name
    if target.exists():
        return target
    with lock(folder / f".{name}.lock"):
        if not target.exists():
            _download(target)
    return target


def _download(target: Path) -> None:
    part = target.with_name(f"{target.name}.part")
    url = _url(target.name)
    for _ in range(_ATTEMPTS):
        try:
            complete = _continue(url, part)
        except (OSError, http.client.HTTPException) as error:
            raise DataError(_unreachable(url, target, error)) from error
        if complete:
            break
    else:
        size = part.stat().st_size / 1e6
        raise DataError(f"The download of {url} broke off after {size:.1f} MB. Run again to go on from there.")
    _check(part, target.name)
    part.replace(target)


def _url(name: str) -> str:
    mirror = os.environ.get("SMEARLAB_BLOODMNIST_URL")
    return f"{mirror.rstrip('/')}/{name}" if mirror else f"{ZENODO}/{name}?download=1"


def _continue(url: str, part: Path) -> bool:
    """Fetch what is missing of a file; False if the connection ended too early."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "smearlab", **({"Range": f"bytes={have}-"} if have else {})}
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        # The part is as long as the file, or longer: its checksum decides.
        return True
    with response:
        # A server that does not know ranges sends the whole file again.
        resumes = response.status == http.HTTPStatus.PARTIAL_CONTENT and _starts_at(response, have)
        expected = int(response.headers.get("Content-Length") or -1)
        with part.open("ab" if resumes else "wb") as file:
            received = _copy(response, file, part.name, expected)
            file.flush()
            os.fsync(file.fileno())
    return expected < 0 or received == expected


def _starts_at(response: Any, position: int) -> bool:  # noqa: ANN401 - urlopen's type is no public name
    matched = re.match(r"bytes (\d+)-", response.headers.get("Content-Range") or "")
    return matched is not None and int(matched[1]) == position


def _copy(response: Any, file: IO[bytes], name: str, expected: int) -> int:  # noqa: ANN401
    received = 0
    with progress(f"Downloading {name.removesuffix('.part')}", max(expected, 0)) as advance:
        while block := _read(response):
            file.write(block)
            received += len(block)
            advance(len(block))
    return received


def _read(response: Any) -> bytes:  # noqa: ANN401
    try:
        return bytes(response.read(_BLOCK))
    except (OSError, http.client.IncompleteRead):
        return b""  # broken off: what has come is kept, and the caller goes on from there


def _check(part: Path, name: str) -> None:
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != CHECKSUMS[name]:
        part.unlink()
        raise DataError(
            f"The download of {name} is not the official file: its MD5 is {found} instead of {CHECKSUMS[name]}. "
            "It was removed. Try again, or check SMEARLAB_BLOODMNIST_URL if you have set it."
        )


def _unreachable(url: str, target: Path, error: Exception) -> str:
    reason: object = error
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        reason = error.reason
    return (
        f"{url} cannot be downloaded ({reason}). Without a connection, fetch {target.name} elsewhere "
        f"and put it here: {target}"
    )
