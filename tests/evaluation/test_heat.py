"""Where a network looks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.heat import synthetic_cells

from smearlab.__main__ import main
from smearlab.data.cells import UInt8Array
from smearlab.errors import DataError, ModelError
from smearlab.evaluation.heat import HeatOptions, MethodName, heat_maps, share_inside
from smearlab.evaluation.rebuilding import rebuild_network
from smearlab.evaluation.spatial import layer_features, spatial_layers
from smearlab.inference.predictor import Predictor
from smearlab.networks.build import CellNetwork, build_network
from smearlab.networks.config import HeadConfig, NetworkConfig

SIZE = 32
METHODS: tuple[MethodName, ...] = ("gradcam", "gradcam++", "layercam", "occlusion")


def seeing_network() -> CellNetwork:
    """Return a network whose class 0 is brightness and whose class 1 is darkness, wherever they are."""
    config = NetworkConfig(
        backbone="smearlab/plain_cnn", scaling="unit", options={"channels": [2, 2], "batch_norm": False}
    )
    network = build_network(config, HeadConfig(), 2, size=SIZE).eval()
    convolutions = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)]
    with torch.no_grad():
        for number, layer in enumerate(convolutions):
            layer.weight.zero_()
            layer.bias.zero_()  # type: ignore[union-attr]
            for channel in (0, 1):
                layer.weight[channel, 0 if number == 0 else channel, 1, 1] = 1
        convolutions[0].weight[1, 0, 1, 1] = -1
        convolutions[0].bias[1] = 1  # type: ignore[index]
        head = list(network.head.children())[-1]
        assert isinstance(head, torch.nn.Linear)
        head.weight.copy_(torch.tensor([[4.0, 0.0], [0.0, 4.0]]))
        head.bias.zero_()
    return network


def pictures() -> UInt8Array:
    """Return a dark picture with a bright square, and the same turned."""
    image = np.zeros((2, SIZE, SIZE, 3), np.uint8)
    image[0, 4:12, 4:12] = 255
    image[1, 20:28, 16:24] = 255
    return image


@pytest.mark.parametrize("method", METHODS)
def test_the_heat_lies_where_the_class_is(method: MethodName) -> None:
    images = pictures()
    bright = images[..., 0] > 0
    heat = heat_maps(seeing_network(), images, np.zeros(2, np.int64), HeatOptions(method))
    assert heat.shape == (2, SIZE, SIZE)
    assert heat.min() >= 0
    assert heat.max(axis=(1, 2)) == pytest.approx(1)
    assert (share_inside(heat, bright) > (0.5 if method == "occlusion" else 0.8)).all()


@pytest.mark.parametrize("method", METHODS)
def test_another_class_has_its_heat_elsewhere(method: MethodName) -> None:
    images = pictures()
    bright = images[..., 0] > 0
    heat = heat_maps(seeing_network(), images, np.ones(2, np.int64), HeatOptions(method))
    assert (share_inside(heat, bright) < 0.3).all()


def test_refining_sharpens() -> None:
    images, labels = pictures(), np.zeros(2, np.int64)
    bright = images[..., 0] > 0
    network = seeing_network()
    coarse = share_inside(heat_maps(network, images, labels, HeatOptions(refine=False)), bright)
    fine = share_inside(heat_maps(network, images, labels, HeatOptions()), bright)
    assert (fine > coarse).all()


def test_each_picture_has_heat_of_its_own() -> None:
    network, images = seeing_network(), pictures()
    both = heat_maps(network, images, np.array([0, 1]))
    alone = heat_maps(network, images[1:], np.array([1]))
    assert np.allclose(both[1], alone[0], atol=1e-5)


def test_no_heat_is_no_share() -> None:
    assert np.isnan(share_inside(np.zeros((1, 4, 4), np.float32), np.ones((1, 4, 4), bool))).all()


def test_unknown_names_are_told() -> None:
    with pytest.raises(DataError, match=r"did you mean|Did you mean"):
        HeatOptions("grad-cam")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="no layer 'blocs'"):
        heat_maps(seeing_network(), pictures(), np.zeros(2, np.int64), HeatOptions(layer="blocs"))


def test_layers_run_from_fine_to_coarse() -> None:
    layers = spatial_layers(seeing_network(), SIZE)
    assert [layer.side for layer in layers] == sorted((layer.side for layer in layers), reverse=True)


def test_features_of_any_layer() -> None:
    found = layer_features(seeing_network(), pictures(), "blocks.0")
    assert found.shape == (2, 2)
    assert found[0, 0] == pytest.approx(64 / SIZE**2)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["gradcam", "gradcam++"])
def test_most_of_the_heat_lies_in_the_cell(trained_on_the_demo: Path, method: MethodName) -> None:
    """On synthetic cells that the model never saw, whose masks are known."""
    predictor = Predictor.load(trained_on_the_demo)
    framed, masks, labels = synthetic_cells(predictor, 64)
    network = rebuild_network(predictor, trained_on_the_demo, "a test")
    inside = share_inside(heat_maps(network, framed, labels, HeatOptions(method)), masks)
    assert np.nanmean(inside) >= 0.8
    assert masks.mean() < 0.4  # so that chance would not do


@pytest.fixture(scope="module")
def trained_on_the_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "demo"
    assert main(["train", "demo", "--recipe", "quick", "--out", str(out)]) == 0
    return out
