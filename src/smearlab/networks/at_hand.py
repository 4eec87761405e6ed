"""Whether the weights that a recipe wants can be had without a download, and where they lie."""

from __future__ import annotations

import os
import socket
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse

from smearlab.data.cache import cache_folder

if TYPE_CHECKING:
    from smearlab.networks.config import NetworkConfig

VARIABLE = "SMEARLAB_WEIGHTS"
"""Environment variable: a folder in which weight files are looked for."""
_HUB_FILES = ("model.safetensors", "pytorch_model.bin")
"""Names under which the hub holds a model's weights, in timm's order."""


@dataclass(frozen=True)
class AtHand:
    """Whether starting weights are at hand, and in words where; true in a condition if they are.

    Attributes:
        here: whether training could start without a download.
        words: ``none needed``, where the weights lie, or what is missing.
    """

    here: bool
    words: str

    def __bool__(self) -> bool:
        """Whether training could start without a download."""
        return self.here


def weights_at_hand(network: NetworkConfig, beside: object = None) -> AtHand:
    """Say whether the weights that a recipe wants are to be had without a download. Nothing is downloaded or loaded.

    Args:
        network: whose weights, of every backbone.
        beside: the data or a folder, where a file may lie; anything but a path has no place.
    """
    if network.weights == "none":
        return AtHand(True, "none needed")
    if network.weights != "pretrained":
        found = find_weights(network.weights, beside)
        absent = f"no {network.weights} here or beside the data"
        return AtHand(False, absent) if found is None else AtHand(True, str(found))
    names = network.backbones
    unknown = [name for name in names if not pretrained_source(name)]
    if unknown:
        return AtHand(False, f"timm has no weights of {', '.join(unknown)}")
    missing = [name for name in names if cached_weights(name) is None]
    if missing:
        return AtHand(False, "to download" if len(missing) == len(names) else f"to download: {', '.join(missing)}")
    return AtHand(True, "in the hub's cache")


def find_weights(name: str, beside: object = None) -> Path | None:
    """Return where a weight file lies: as named from here, or in one of the `weight_places`; None if nowhere."""
    if Path(name).is_file():
        return Path(name)
    return next((place / name for place in weight_places(beside) if (place / name).is_file()), None)


def weight_places(beside: object = None) -> list[Path]:
    """List the folders in which weight files are looked for after the current one.

    They are the folder that ``SMEARLAB_WEIGHTS`` names, the data's and the one around it, and smearlab's cache
    (``weights/``).
    """
    chosen = os.environ.get(VARIABLE)
    places = [Path(chosen)] if chosen else []
    if isinstance(beside, (str, Path)) and Path(beside).exists():
        path = Path(beside).resolve()
        places += [path, path.parent] if path.is_dir() else [path.parent]
    return [*places, cache_folder() / "weights"]


def pretrained_source(backbone: str) -> str:
    """Return the address of the file with timm's pretrained weights of a backbone, or an empty text if it has none."""
    repository, names, url = _pretrained(backbone)
    return f"{hub_address()}/{repository}/resolve/main/{names[0]}" if repository else url


def cached_weights(backbone: str) -> Path | None:
    """Return the cached file of timm's pretrained weights of a backbone, or None."""
    from huggingface_hub import try_to_load_from_cache
    from torch import hub

    repository, names, url = _pretrained(backbone)
    if repository:
        found = (try_to_load_from_cache(repository, name) for name in names)
        return next((Path(path) for path in found if isinstance(path, str)), None)
    path = Path(hub.get_dir(), "checkpoints", Path(urlparse(url).path).name)
    return path if url and path.is_file() else None


def hub_address() -> str:
    """Return the address of the model hub, which ``HF_ENDPOINT`` may name."""
    from huggingface_hub import constants

    return str(constants.ENDPOINT)


def hub_is_out_of_reach() -> bool:
    """Whether the model hub surely cannot be reached, told in a moment; the hub's own client tries for a minute."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return True
    if urllib.request.getproxies():
        return False  # names are then looked up elsewhere
    address = urlparse(hub_address())
    try:
        socket.getaddrinfo(address.hostname, address.port or 443)
    except OSError:
        return True
    return False


def _pretrained(backbone: str) -> tuple[str, tuple[str, ...], str]:
    """Return the hub's repository, its possible files, and the address of the file elsewhere; empty for none."""
    import timm

    try:
        config = timm.get_pretrained_cfg(backbone) if timm.is_model(backbone) else None
    except RuntimeError:  # the name's part after the point is no set of weights
        config = None
    if config is None:
        return "", _HUB_FILES, ""
    names = (config.hf_hub_filename,) if config.hf_hub_filename else _HUB_FILES
    url = config.url or ""
    return config.hf_hub_id or "", names, url if isinstance(url, str) else url[0]
