"""Compression, and detail lost to resizing."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from smearlab.corruptions.draws import Draws, Images, Reals
from smearlab.corruptions.pixels import each


def jpeg(images: Images, qualities: Reals, draws: Draws) -> Images:
    """Write and read as JPEG with libjpeg's quality (1–95) and halved chroma, Pillow's default."""

    def compressed(picture: Image.Image, row: int) -> Image.Image:
        written = io.BytesIO()
        picture.save(written, "JPEG", quality=int(qualities[row]))
        return Image.open(written)

    return each(images, compressed)


def _through(images: Images, shares: Reals, unit: float, down: Image.Resampling, up: Image.Resampling) -> Images:
    height, width = images.shape[1:3]

    def resized(picture: Image.Image, row: int) -> Image.Image:
        # The published share is of the published side: a longer picture passes through the same few pixels.
        small = tuple(max(1, min(side, int(side / unit * shares[row]))) for side in (width, height))
        return picture.resize((small[0], small[1]), down).resize((width, height), up)

    return each(images, resized)


def pixelate(images: Images, shares: Reals, draws: Draws) -> Images:
    """Make the picture smaller by the share (0–1] and large again, in blocks (Hendrycks & Dietterich 2019)."""
    return _through(images, shares, draws.unit, Image.Resampling.BOX, Image.Resampling.BOX)


def downsample(images: Images, shares: Reals, draws: Draws) -> Images:
    """Make the picture smaller by the share (0–1] and large again, smoothly: a camera of fewer pixels."""
    return _through(images, shares, draws.unit, Image.Resampling.BOX, Image.Resampling.BICUBIC)


def chroma_loss(images: Images, shares: Reals, draws: Draws) -> Images:
    """Keep brightness as it is and pass colour through a picture smaller by the share (0–1], as video does."""
    height, width = images.shape[1:3]

    def softened(picture: Image.Image, row: int) -> Image.Image:
        luma, *chroma = picture.convert("YCbCr").split()
        small = tuple(max(1, round(side * float(np.clip(shares[row], 0, 1)))) for side in (width, height))
        soft = [
            plane.resize((small[0], small[1]), Image.Resampling.BOX).resize((width, height), Image.Resampling.BILINEAR)
            for plane in chroma
        ]
        return Image.merge("YCbCr", (luma, *soft)).convert("RGB")

    return each(images, softened)
