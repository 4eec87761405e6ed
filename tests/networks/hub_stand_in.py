"""A model hub's cache on this disk, in place of the hub itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import huggingface_hub.constants
import timm
from safetensors.torch import save_file
from torch import nn

if TYPE_CHECKING:
    import pytest


def use_hub_cache(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the hub's client know this cache only, and no network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(folder / "torch"))


def cache_model(folder: Path, backbone: str, model: nn.Module) -> Path:
    """Lay a model's weights down where the hub's client would have put them after a download."""
    config = timm.get_pretrained_cfg(backbone)
    assert config is not None
    repository = str(config.hf_hub_id)
    place = folder / f"models--{repository.replace('/', '--')}"
    snapshot = place / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("0" * 40)
    save_file(model.state_dict(), snapshot / "model.safetensors")
    return snapshot / "model.safetensors"
