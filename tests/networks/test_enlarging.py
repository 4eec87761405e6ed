"""Pictures resized inside the network."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from tests.networks.tiny_network import NARROW, SIZE, pictures, tiny_network

from smearlab.errors import RecipeError
from smearlab.networks.build import SCALINGS
from smearlab.networks.enlarging import Enlarge, bicubic_matrix, build_enlarge
from smearlab.networks.onnx import check_onnx, export_onnx

LARGER = NARROW.model_copy(update={"enlarge": 48})


@pytest.mark.parametrize(("before", "after"), [(96, 224), (32, 48), (48, 32)])
def test_it_resizes_as_pillow_does(before: int, after: int) -> None:
    plane = np.random.default_rng(0).random((before, before), dtype=np.float32)
    expected = np.asarray(Image.fromarray(plane).resize((after, after), Image.Resampling.BICUBIC))
    resized = Enlarge(after, before)(torch.from_numpy(plane)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(resized, expected, atol=1e-5)


def test_an_even_picture_stays_even() -> None:
    torch.testing.assert_close(bicubic_matrix(96, 224).sum(1), torch.ones(224))


def test_other_sizes_and_shapes_are_taken_too() -> None:
    layer = Enlarge(64, 32)
    assert layer(torch.rand(2, 3, 20, 32)).shape == (2, 3, 64, 64)
    picture = torch.rand(1, 3, 20, 20)
    torch.testing.assert_close(layer(picture), Enlarge(64, 20)(picture))


def test_zero_leaves_pictures_alone() -> None:
    assert build_enlarge(0, 96)(pictures()) is not None
    assert torch.equal(build_enlarge(0, 96)(pictures()), pictures())


def test_it_stays_precise_in_bfloat16() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        resized = Enlarge(48, SIZE)(pictures())
    assert resized.dtype == torch.float32
    torch.testing.assert_close(resized, Enlarge(48, SIZE)(pictures()))


def test_the_network_sees_the_larger_picture_and_has_no_more_weights() -> None:
    network, plain = tiny_network(network=LARGER).eval(), tiny_network().eval()
    assert list(network.state_dict()) == list(plain.state_dict())
    scaled = (pictures() - network.mean) / network.std
    torch.testing.assert_close(network.features(pictures()), plain.backbone(Enlarge(48, SIZE)(scaled)))


def test_a_backbone_made_for_the_larger_size_is_fed_it() -> None:
    vit = {"backbone": "vit_tiny_patch16_224", "options": {"depth": 1}, "enlarge": 224}
    config = NARROW.model_copy(update=vit)
    assert tiny_network(network=config)(pictures()).shape == (4, 3)
    with pytest.raises(RecipeError, match=r"32 × 32 px.*framing\.size \(or network\.enlarge\)"):
        tiny_network(network=config.model_copy(update={"enlarge": 0}))


def test_the_exported_file_resizes_too() -> None:
    network = tiny_network(network=LARGER).eval()
    raw = np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3), dtype=np.uint8)
    exported = export_onnx(network, SIZE)
    assert check_onnx(exported, network, raw) < 1e-4
    # A runtime's own bicubic is slow, or has another coefficient.
    assert "Resize" not in {node.op_type for node in onnx.load_from_string(exported).graph.node}


@pytest.mark.parametrize("scaling", SCALINGS)
def test_scalings_are_what_they_are_called(scaling: str) -> None:
    mean, std = (np.array(values) for values in SCALINGS[scaling])
    byte = np.array([0.0, 128.0, 255.0])
    seen = (byte[:, None] / 255 - mean) / std
    imagenet = (np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225]))
    expected = {
        "unit": byte[:, None] / 255 * np.ones(3),
        "symmetric": byte[:, None] / 127.5 - np.ones(3),
        "imagenet": (byte[:, None] / 255 - imagenet[0]) / imagenet[1],
        "raw": byte[:, None] * np.ones(3),
        "doubled": (byte[:, None] / 255 / 255 - imagenet[0]) / imagenet[1],
    }
    np.testing.assert_allclose(seen, expected[scaling], atol=1e-9)
