"""What a network does to its pictures first."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import timm
import torch
from skimage.filters import gaussian
from tests.networks.tiny_network import NARROW, SIZE, pictures, tiny_network
from torch import Tensor

from smearlab.data.demo import draw_demo
from smearlab.networks.build import build_network
from smearlab.networks.config import HeadConfig, NetworkConfig
from smearlab.networks.inputs import (
    _WHITE_NOISE,
    Detail,
    InputNormName,
    Standardise,
    WhiteBalance,
    build_input_norm,
    input_channels,
    split_details,
)
from smearlab.networks.onnx import check_onnx, export_onnx

KINDS: tuple[InputNormName, ...] = ("none", "standardise", "white_balance", "both", "detail")


def narrow(kind: str) -> NetworkConfig:
    return NARROW.model_copy(update={"input_norm": kind})


def smear(size: int = 96) -> Tensor:
    """Draw a bright background with a dark disc in the middle."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    disc = ((rows - size / 2) ** 2 + (columns - size / 2) ** 2 < (size / 4) ** 2).float()
    background, cell = torch.tensor([0.7, 0.66, 0.6]), torch.tensor([0.35, 0.2, 0.45])
    colours = background.view(3, 1, 1) * (1 - disc) + cell.view(3, 1, 1) * disc
    return colours[None]


def test_standardised_pictures_have_one_mean_and_deviation() -> None:
    standard = Standardise()(pictures())
    torch.testing.assert_close(standard.mean((2, 3)), torch.full((4, 3), 0.5), atol=1e-5, rtol=0)
    torch.testing.assert_close(standard.std((2, 3), correction=0), torch.full((4, 3), 0.25), atol=1e-3, rtol=0)


def test_light_and_contrast_cancel_when_standardised() -> None:
    torch.testing.assert_close(Standardise()(0.5 * smear() + 0.2), Standardise()(smear()), atol=0.02, rtol=0)


@pytest.mark.parametrize("gains", [(0.5, 0.5, 0.5), (1.0, 0.9, 0.6), (0.4, 0.7, 1.1)])
def test_the_gains_of_a_camera_cancel_when_balanced(gains: tuple[float, ...]) -> None:
    altered = smear() * torch.tensor(gains).view(1, 3, 1, 1)
    torch.testing.assert_close(WhiteBalance()(altered), WhiteBalance()(smear()), atol=1e-5, rtol=1e-5)


def test_the_balanced_background_is_neutral_and_bright() -> None:
    corner = WhiteBalance()(smear())[0, :, 0, 0]
    assert float(corner.max() - corner.min()) < 0.01
    assert corner.mean() == pytest.approx(0.87, abs=0.02)


def test_a_few_bright_pixels_are_no_background() -> None:
    noisy = smear().clone()
    noisy[:, :, ::16, ::16] = 1.0
    torch.testing.assert_close(WhiteBalance()(noisy)[..., 1::2], WhiteBalance()(smear())[..., 1::2], atol=0.02, rtol=0)


def test_details_and_the_rest_add_up() -> None:
    details, coarse = split_details(pictures())
    torch.testing.assert_close(sum(details) + coarse, pictures(), atol=1e-5, rtol=0)


def test_the_shares_of_white_noise_are_those_of_the_filters() -> None:
    point = torch.zeros(1, 1, 33, 33)
    point[0, 0, 16, 16] = 1
    found = [float(detail.square().sum()) for detail in split_details(point)[0]]
    assert found == pytest.approx(_WHITE_NOISE, rel=0.01)


@cache
def drawn() -> Tensor:
    """Cells of the drawn smear, ``float32 (16, 3, 96, 96)``."""
    return torch.from_numpy(draw_demo(per_class=2).cells.images[:16]).permute(0, 3, 1, 2).float() / 255


def away(altered: Tensor, layer: Standardise | Detail) -> float:
    """How far altered pictures are from the unaltered ones behind a layer."""
    return float((layer(altered) - layer(drawn())).square().mean().sqrt())


@pytest.mark.parametrize("strength", [0.08, 0.18, 0.26])
def test_noise_is_mostly_gone(strength: float) -> None:
    generator = torch.Generator().manual_seed(0)
    noisy = (drawn() + strength * torch.randn(drawn().shape, generator=generator)).clamp(0, 1)
    assert away(noisy, Detail()) < 0.6 * away(noisy, Standardise())


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_blur_is_partly_undone(sigma: float) -> None:
    blurred = torch.from_numpy(gaussian(drawn().numpy(), (0, 0, sigma, sigma), mode="nearest"))
    assert away(blurred, Detail()) < 0.7 * away(blurred, Standardise())


def test_sharp_pictures_of_any_cell_get_about_the_same_detail() -> None:
    plain, even = (_shares_of_detail(layer(drawn())) for layer in (Standardise(), Detail()))
    assert plain.max() > 1.6 * plain.min()
    assert even.max() < 1.3 * even.min()


def _shares_of_detail(layered: Tensor) -> Tensor:
    details, coarse = split_details(layered - layered.mean((2, 3), keepdim=True))
    return (details[0].square().mean((1, 2, 3)) / coarse.square().mean((1, 2, 3))).sqrt()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [0.0, 1 / 255, 0.5, 1.0])
def test_constant_pictures_give_numbers(kind: InputNormName, level: float) -> None:
    result = build_input_norm(kind)(torch.full((2, 3, 8, 8), level))
    assert result.isfinite().all()
    assert result.abs().max() <= 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_measured_alone(kind: InputNormName) -> None:
    layer = build_input_norm(kind)
    torch.testing.assert_close(layer(pictures())[:1], layer(pictures()[:1]))
    assert layer(pictures()).shape[1] == input_channels(kind)


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (13, 30), (97, 64)])
def test_any_size_will_do(size: tuple[int, int]) -> None:
    for kind in KINDS:
        assert build_input_norm(kind)(torch.rand(2, 3, *size)).shape[2:] == size


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_part_of_the_network_but_no_weight(kind: str) -> None:
    network, plain = tiny_network(network=narrow(kind)).eval(), tiny_network().eval()
    assert list(network.state_dict()) == list(plain.state_dict())
    given = build_input_norm(kind)(pictures())  # type: ignore[arg-type]
    torch.testing.assert_close(network.features(pictures()), network.backbone((given - network.mean) / network.std))


def test_weights_for_three_channels_start_a_network_of_six(tmp_path: pytest.TempPathFactory) -> None:
    whole = timm.create_model("test_efficientnet", num_classes=0)
    path = f"{tmp_path}/weights.pth"
    torch.save(whole.state_dict(), path)
    config = NetworkConfig(backbone="test_efficientnet", weights=path, input_norm="both")
    network = build_network(config, HeadConfig(), 2, size=64).eval()
    twice, once = torch.rand(2, 3, 64, 64).repeat(1, 2, 1, 1), whole.eval()
    with torch.no_grad():
        torch.testing.assert_close(network.backbone(twice), once(twice[:, :3]), atol=1e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS[1:])
def test_the_exported_file_computes_the_same(kind: str) -> None:
    network = tiny_network(network=narrow(kind)).eval()
    raw = np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3), dtype=np.uint8)
    raw[0], raw[1] = 0, 255
    assert check_onnx(export_onnx(network, SIZE), network, raw) < 1e-4
