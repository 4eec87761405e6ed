"""Whether weights are at hand, told without a download."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path

import huggingface_hub.constants
import pytest
import timm
from tests.networks.hub_stand_in import cache_model, use_hub_cache

from smearlab.networks.at_hand import (
    VARIABLE,
    cached_weights,
    find_weights,
    hub_is_out_of_reach,
    pretrained_source,
    weights_at_hand,
)
from smearlab.networks.config import NetworkConfig

SMALL = "test_efficientnet"


def wanting(weights: str, backbone: str = SMALL, *further: str) -> NetworkConfig:
    return NetworkConfig(backbone=backbone, weights=weights, further=further)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_hub_cache(monkeypatch, tmp_path / "hub")
    return tmp_path / "hub"


def test_no_weights_are_always_at_hand() -> None:
    assert weights_at_hand(wanting("none")).words == "none needed"
    assert weights_at_hand(wanting("none"))


@pytest.mark.parametrize("place", ["here", "variable", "beside the data", "in the data folder", "cache"])
def test_a_file_is_found_in_every_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    folders = {
        name: tmp_path / name for name in ("here", "variable", "beside", "beside/data", "cache", "cache/weights")
    }
    for folder in folders.values():
        folder.mkdir()
    monkeypatch.chdir(folders["here"])
    monkeypatch.setenv(VARIABLE, str(folders["variable"]))
    monkeypatch.setenv("SMEARLAB_CACHE", str(folders["cache"]))
    data = folders["beside/data"]
    assert not weights_at_hand(wanting("net.pth"), data)
    assert weights_at_hand(wanting("net.pth"), data).words == "no net.pth here or beside the data"
    lies = {"beside the data": "beside", "in the data folder": "beside/data", "cache": "cache/weights"}.get(
        place, place
    )
    (folders[lies] / "net.pth").touch()
    assert weights_at_hand(wanting("net.pth"), data)
    found = find_weights("net.pth", str(data))
    assert found is not None
    assert found.resolve() == folders[lies] / "net.pth"


def test_data_that_is_no_path_has_no_place() -> None:
    assert find_weights("net.pth", "demo") is None
    assert find_weights("net.pth", object()) is None


def test_cached_weights_are_at_hand_and_others_to_download(hub: Path) -> None:
    assert weights_at_hand(wanting("pretrained")).words == "to download"
    path = cache_model(hub, SMALL, timm.create_model(SMALL))
    assert cached_weights(SMALL) == path
    assert weights_at_hand(wanting("pretrained")).words == "in the hub's cache"
    both = weights_at_hand(wanting("pretrained", SMALL, "test_convnext"))
    assert not both
    assert both.words == "to download: test_convnext"


def test_weights_from_elsewhere_than_the_hub_are_found(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://example.org/weights/net-0123.pth?download=true"
    config = type("Config", (), {"hf_hub_id": None, "hf_hub_filename": None, "url": url})
    monkeypatch.setattr(timm, "get_pretrained_cfg", lambda _: config)
    assert pretrained_source(SMALL) == url
    assert cached_weights(SMALL) is None
    checkpoints = hub / "torch" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "net-0123.pth").touch()
    assert cached_weights(SMALL) == checkpoints / "net-0123.pth"


@pytest.mark.parametrize("backbone", ["smearlab/plain_cnn", "vgg16.nonsense", "no_such_net"])
def test_what_timm_has_no_weights_of_is_named(backbone: str) -> None:
    assert pretrained_source(backbone) == ""
    told = weights_at_hand(wanting("pretrained", "vgg16", backbone))
    assert not told
    assert told.words == f"timm has no weights of {backbone}"


def test_the_address_of_the_file_is_known() -> None:
    assert pretrained_source("vgg16").endswith("/timm/vgg16.tv_in1k/resolve/main/model.safetensors")


def test_a_hub_out_of_reach_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(urllib.request, "getproxies", dict)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [])
    assert not hub_is_out_of_reach()
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert hub_is_out_of_reach()
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": "http://proxy"})
    assert not hub_is_out_of_reach()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert hub_is_out_of_reach()
