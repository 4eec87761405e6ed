"""The stress suites, and `corrupt`, which applies one corruption of one of them."""

from __future__ import annotations

import numpy as np

from smearlab.corruptions import bloodmnist_c, chain, imagenet_c, microscope
from smearlab.corruptions.draws import Images, Ints
from smearlab.corruptions.habits import LABORATORIES as HABITS
from smearlab.corruptions.laboratories import laboratory
from smearlab.corruptions.suite import REFERENCE_SIDE, SEVERITIES, Corruption, Suite, applied, check
from smearlab.errors import DataError, did_you_mean

__all__ = ["SEVERITIES", "SUITES", "Corruption", "Suite", "corrupt", "suite_named"]

BLOODMNIST_C = Suite(
    "bloodmnist-c",
    "MedMNIST-C's eleven corruptions of blood cells with their published parameters (Di Salvo et al. 2024).",
    (
        Corruption("pixelate", "pixelate", bloodmnist_c.pixelate, sized=True),
        Corruption("jpeg_compression", "jpeg", bloodmnist_c.jpeg_compression, sized=True),
        Corruption("defocus_blur", "defocus", bloodmnist_c.defocus_blur, sized=True),
        Corruption("motion_blur", "motion_blur", bloodmnist_c.motion_blur, sized=True),
        Corruption("brightness_up", "brightness", bloodmnist_c.brightness_up),
        Corruption("brightness_down", "brightness", bloodmnist_c.brightness_down),
        Corruption("contrast_up", "contrast", bloodmnist_c.contrast_up),
        Corruption("contrast_down", "contrast", bloodmnist_c.contrast_down),
        Corruption("saturate", "saturation", bloodmnist_c.saturate),
        Corruption("stain_deposit", "stain_deposits", bloodmnist_c.stain_deposit, sized=True),
        Corruption("bubble", "bubbles", bloodmnist_c.bubble, sized=True),
    ),
    native=True,
)

IMAGENET_C = Suite(
    "imagenet-c",
    "ImageNet-C's noise, blur, digital and geometric corruptions for 96×96 pictures (Hendrycks & Dietterich 2019).",
    (
        Corruption("gaussian_noise", "gaussian_noise", imagenet_c.gaussian_noise),
        Corruption("shot_noise", "shot_noise", imagenet_c.shot_noise),
        Corruption("impulse_noise", "salt_pepper", imagenet_c.impulse_noise),
        Corruption("speckle_noise", "speckle_noise", imagenet_c.speckle_noise),
        Corruption("gaussian_blur", "gaussian_blur", imagenet_c.gaussian_blur, sized=True),
        Corruption("defocus_blur", "defocus", imagenet_c.defocus_blur, sized=True),
        Corruption("glass_blur", "glass_blur", imagenet_c.glass_blur, sized=True),
        Corruption("motion_blur", "motion_blur", imagenet_c.motion_blur, sized=True),
        Corruption("zoom_blur", "zoom_blur", imagenet_c.zoom_blur),
        Corruption("contrast", "contrast", imagenet_c.contrast),
        Corruption("brightness", "brightness", imagenet_c.brightness),
        Corruption("saturate", "saturation", imagenet_c.saturate),
        Corruption("jpeg_compression", "jpeg", imagenet_c.jpeg_compression, sized=True),
        Corruption("pixelate", "pixelate", imagenet_c.pixelate, sized=True),
        Corruption("elastic_transform", "elastic", imagenet_c.elastic_transform),
    ),
)

MICROSCOPE = Suite(
    "microscope",
    "What differs between laboratories: dyes, lamp, slide, optics, camera, and how cells are cut out.",
    (
        Corruption("stain_hue", "stain", microscope.stain_hue),
        Corruption("stain_pale", "stain", microscope.stain_pale),
        Corruption("stain_dark", "stain", microscope.stain_dark),
        Corruption("white_balance", "white_balance", microscope.white_balance),
        Corruption("background", "background", microscope.background),
        Corruption("illumination_falloff", "illumination", microscope.illumination_falloff),
        Corruption("dark_phone", "vignette", microscope.dark_phone),
        Corruption("focus", "defocus", microscope.focus, sized=True),
        Corruption("magnification_in", "zoom", microscope.magnification_in),
        Corruption("magnification_out", "zoom", microscope.magnification_out),
        Corruption("crop_offset", "translate", microscope.crop_offset),
        Corruption("camera_noise", "gaussian_noise", microscope.camera_noise),
        Corruption("camera_sharpening", "sharpness", microscope.camera_sharpening, sized=True),
        Corruption("camera_curve", "gamma", microscope.camera_curve),
        Corruption("camera_resolution", "downsample", microscope.camera_resolution, sized=True),
        Corruption("compression", "jpeg", microscope.compression, sized=True),
        Corruption("dust", "dust", microscope.dust, sized=True),
        Corruption("neighbouring_cells", "neighbour", microscope.neighbouring_cells),
        Corruption("other_laboratory", "", microscope.other_laboratory, sized=True),
    ),
)

CHAIN = Suite(
    "chain",
    "One, two or three different random operations on each picture, of different families and from all groups.",
    tuple(Corruption(f"chain{length}", "", chain.chain(length), sized=True) for length in (1, 2, 3)),
)

LABORATORIES = Suite(
    "laboratories",
    "Ten imagined laboratories, each with dyes, slide, lamp, optics, camera and files of its own, all at once.",
    tuple(Corruption(name, "", laboratory(habits), sized=True) for name, habits in HABITS.items()),
)

SUITES: dict[str, Suite] = {suite.name: suite for suite in (BLOODMNIST_C, IMAGENET_C, MICROSCOPE, CHAIN, LABORATORIES)}
"""Name → suite."""

NATIVE_SIZES = (96, 224)


def suite_named(name: str) -> Suite:
    """Return a suite by name.

    Raises:
        DataError: there is none of that name.
    """
    if name not in SUITES:
        known = ", ".join(SUITES)
        raise DataError(f"There is no stress suite '{name}'.{did_you_mean(name, SUITES)} Choose one of: {known}.")
    return SUITES[name]


def corrupt(
    images: Images,
    suite: str,
    corruption: str,
    severity: int,
    seed: int = 0,
    rows: Ints | None = None,
    *,
    native_size: int = REFERENCE_SIDE,
    workers: int = 1,
) -> Images:
    """Alter pictures by one corruption of a suite.

    A picture's result depends on itself and on (seed, suite, corruption, severity, row), never on the batch it is in.

    Args:
        images: ``uint8 (n, h, w, 3)`` RGB, at least 8×8 pixels; they stay as they are.
        suite: a name of `SUITES`.
        corruption: a name within the suite.
        severity: 1 (mild) – 5 (hard).
        seed: of all draws.
        rows: ``int64 (n,)`` a number for each picture, such as its row in the data; 0 … n-1 by default.
        native_size: 96 or 224: the side of the pictures to which the published lengths of ``bloodmnist-c`` belong. At
            96 they count as pixels of a 96×96 picture. At 224 a smaller picture is enlarged to 224, altered, and made
            small again, which is milder. Other suites know 96 alone.
        workers: threads to share the work.

    Returns:
        ``uint8 (n, h, w, 3)``.

    Raises:
        DataError: there is no such suite, corruption, severity or size, or the pictures have another form.
    """
    chosen = suite_named(suite)
    entry = chosen.corruption(corruption)
    check(images, severity, chosen.severities)
    if native_size not in (NATIVE_SIZES if chosen.native else (REFERENCE_SIDE,)):
        sizes = " or ".join(map(str, NATIVE_SIZES)) if chosen.native else str(REFERENCE_SIDE)
        raise DataError(f"The suite '{suite}' has lengths for pictures of side {sizes}, not {native_size}.")
    numbers = np.arange(len(images)) if rows is None else np.asarray(rows, np.int64)
    if numbers.shape != (len(images),):
        raise DataError(f"{len(images)} pictures need {len(images)} rows, not {numbers.shape}.")
    address = (seed, suite, corruption, severity)
    return applied(images, entry, severity, address, numbers, native_size, workers)
