"""The stress suites, and `corrupt`, which applies one corruption of one of them."""

from __future__ import annotations

import numpy as np

from smearlab.corruptions import bloodmnist_c, chain
from smearlab.corruptions.draws import Images, Ints
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

CHAIN = Suite(
    "chain",
    "One, two or three different random operations on each picture, of different families and from all groups.",
    tuple(Corruption(f"chain{length}", "", chain.chain(length), sized=True) for length in (1, 2, 3)),
)

SUITES: dict[str, Suite] = {suite.name: suite for suite in (BLOODMNIST_C, CHAIN)}
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
