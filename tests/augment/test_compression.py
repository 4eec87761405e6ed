"""JPEG's losses, against Pillow's encoder and decoder."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from tests.augment.properties import EveryOperation, chances, random_pictures, same

from smearlab.augment.compression import jpeg, quantisation


@pytest.mark.parametrize(("operation", "amount"), [(jpeg, 0.7), (jpeg, 1.0)])
class TestJpeg(EveryOperation):
    pass


def pillow_jpeg(picture: np.ndarray, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    image = Image.open(buffer)
    image.load()
    return image


def as_bytes(pictures: torch.Tensor) -> np.ndarray:
    return (pictures * 255).round().byte().permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("size", [(96, 96), (40, 56), (33, 47)])
@pytest.mark.parametrize("quality", [95, 75, 50, 25, 10, 5])
def test_jpeg_agrees_with_pillow(quality: int, size: tuple[int, int]) -> None:
    pictures = random_pictures(8, *size)
    ours = jpeg(pictures, same((100 - quality) / 95, 8), chances(8)).permute(0, 2, 3, 1).numpy() * 255
    theirs = np.stack([np.asarray(pillow_jpeg(one, quality), dtype=float) for one in as_bytes(pictures)])
    lost = np.abs(theirs - as_bytes(pictures)).mean()
    # What remains is Pillow's rounding to whole numbers between its stages; repeated colours would be off by 2.
    assert np.abs(ours - theirs).mean() < min(1.5, 0.3 * lost)


@pytest.mark.parametrize("quality", [1, 5, 30, 50, 77, 95, 100])
def test_steps_are_those_in_pillows_files(quality: int) -> None:
    image = pillow_jpeg(np.zeros((16, 16, 3), np.uint8), quality)
    steps = quantisation(torch.tensor([float(quality)]))[0]
    for ours, theirs in zip(steps.tolist(), image.quantization.values(), strict=True):  # type: ignore[attr-defined]
        assert ours == list(theirs)


def test_flat_pictures_stay_flat() -> None:
    for grey in (0, 1, 77, 128, 201, 255):
        flat = torch.full((2, 3, 24, 24), grey / 255)
        result = jpeg(flat, same(0.5, 2), chances(2))
        assert float(result.std()) < 1e-5
        assert float((result - flat).abs().max()) < 2 / 255


def test_more_is_lost_with_every_step() -> None:
    pictures = random_pictures(1, 64, 64).expand(5, -1, -1, -1)
    lost = (jpeg(pictures, torch.tensor([0.0, 0.2, 0.5, 0.8, 1.0]), chances()) - pictures).square().mean((1, 2, 3))
    assert lost.tolist() == sorted(lost.tolist())
    assert float(lost[0]) == 0
    assert float(lost[4]) > 4 * float(lost[1])
