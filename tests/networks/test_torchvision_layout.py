"""torchvision's MobileNetV2 in timm's: the same outputs, and a real file that knows a cat."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from tests.conftest import SHARED_DATA
from torch import Tensor, nn

from smearlab.errors import RecipeError
from smearlab.networks.build import CellNetwork, build_network
from smearlab.networks.config import HeadConfig, NetworkConfig
from smearlab.networks.restoring import norms_are_folded, restore_norms
from smearlab.networks.torchvision_layout import is_torchvision_mobilenet, rename_torchvision_mobilenet

CATS = range(281, 286)  # tabby, tiger cat, Persian, Siamese, Egyptian


def mobilenet(weights: Path, **options: object) -> CellNetwork:
    config = NetworkConfig(backbone="mobilenetv2_100", options=options, weights=str(weights), scaling="symmetric")
    return build_network(config, HeadConfig(), 8).eval()


def torchvision_features(state: dict[str, Tensor], pictures: Tensor) -> Tensor:
    network = torchvision.models.mobilenet_v2()
    network.load_state_dict(state)
    features: nn.Module = network.eval().features
    maps: Tensor = features(pictures * 2 - 1)
    return maps.mean((2, 3))


def random_state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    network = torchvision.models.mobilenet_v2().train()
    network(torch.rand(4, 3, 64, 64))  # statistics of its own for every layer
    state: dict[str, Tensor] = network.state_dict()
    return state


@pytest.fixture(scope="module")
def real_weights() -> Path:
    path = Path(os.environ.get("MOBILENET", SHARED_DATA / "mobilenet_v2_imagenet.pth"))
    if not path.exists():
        pytest.skip("the ImageNet weights are not at hand: set MOBILENET to mobilenet_v2_imagenet.pth")
    return path


@torch.no_grad()
def test_outputs_equal_torchvisions(tmp_path: Path) -> None:
    state, pictures = random_state(), torch.rand(2, 3, 96, 96)
    torch.save(state, tmp_path / "weights.pth")
    network = mobilenet(tmp_path / "weights.pth")
    torch.testing.assert_close(network.features(pictures), torchvision_features(state, pictures), atol=1e-4, rtol=1e-4)


def test_the_classifier_is_kept_by_name() -> None:
    state = random_state()
    renamed = rename_torchvision_mobilenet(state)
    assert len(renamed) == len(state)
    assert renamed["classifier.weight"] is state["classifier.1.weight"]
    assert is_torchvision_mobilenet(state)
    assert not is_torchvision_mobilenet(renamed)


def test_another_width_is_refused_by_shape(tmp_path: Path) -> None:
    torch.save(torchvision.models.mobilenet_v2(width_mult=0.5).state_dict(), tmp_path / "half.pth")
    with pytest.raises(RecipeError, match=r"half\.pth does not fit .* 0 are missing and \d+ have another shape"):
        mobilenet(tmp_path / "half.pth")


@pytest.mark.real
class TestTheRealFile:
    @torch.no_grad()
    def test_outputs_equal_torchvisions(self, real_weights: Path) -> None:
        state = torch.load(real_weights, weights_only=True)
        pictures = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
        expected = torchvision_features(state, pictures)
        torch.testing.assert_close(mobilenet(real_weights).features(pictures), expected, atol=1e-4, rtol=1e-4)

    @torch.no_grad()
    def test_a_cat_is_a_cat_with_tensorflows_padding(self, real_weights: Path) -> None:
        chelsea = pytest.importorskip("skimage.data").chelsea()
        square = np.asarray(Image.fromarray(chelsea).crop((75, 0, 375, 300)).resize((224, 224)))
        state = torch.load(real_weights, weights_only=True)
        features = mobilenet(real_weights, pad_type="same").features(
            torch.from_numpy(square.copy()).permute(2, 0, 1)[None].float() / 255
        )
        logits = features @ state["classifier.1.weight"].T + state["classifier.1.bias"]
        assert set(CATS) & set(logits[0].topk(5).indices.tolist())

    @torch.no_grad()
    def test_its_folded_norms_are_restored(self, real_weights: Path) -> None:
        network = mobilenet(real_weights, pad_type="same")
        pictures = torch.rand(12, 3, 96, 96, generator=torch.Generator().manual_seed(0))
        before = network.features(pictures)
        assert norms_are_folded(network.backbone)
        assert restore_norms(network, pictures[:8]) == 52
        torch.testing.assert_close(network.features(pictures), before, atol=1e-3, rtol=1e-3)
        assert not norms_are_folded(network.backbone)
