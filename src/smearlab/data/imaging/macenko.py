"""Stain normalisation after Macenko: a picture taken apart into its two dyes, and put together with a target's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smearlab.data.cells import FloatArray, UInt8Array
from smearlab.data.imaging.background import background_of
from smearlab.data.imaging.batches import as_batch, each, to_uint8
from smearlab.errors import DataError

LEAST_DENSITY = 0.15
"""Optical density (natural logarithm) that stained pixels have in every channel: β of the paper."""
ANGLE_PERCENTILE = 1.0
"""Percentile of the angles, from either end, that the two dyes are taken at: α of the paper."""

_STRONGEST = 99.0  # percentile of a dye's amount that strengths are compared at
_LEAST_PIXELS = 30
_LEAST_ANGLE = 0.02  # radians between two dyes; nearer ones are one


@dataclass(frozen=True, eq=False)
class StainProfile:
    """The two dyes of one picture or of several together.

    Attributes:
        light: ``float64 (3,)`` colour of the empty slide, 0–255.
        dyes: ``float64 (2, 3)`` optical densities of red, green and blue per amount of dye, each of length 1: first
            the one that absorbs more red (azure or haematoxylin: blue to violet), then the other (eosin: pink).
        strengths: ``float64 (2,)`` 99th percentile of each dye's amount.
    """

    light: FloatArray
    dyes: FloatArray
    strengths: FloatArray


def stain_profile(images: UInt8Array, light: tuple[float, float, float] | None = None) -> StainProfile:
    """Estimate the dyes of a picture ``uint8 (h, w, 3)``, or of all of a batch together (Macenko et al. 2009).

    The two extreme directions in the plane of the two first principal axes of optical density. One small picture may
    hold too little of one dye; a batch from one smear is a better target.

    Args:
        images: ``uint8 (h, w, 3)`` or ``uint8 (n, h, w, 3)`` RGB.
        light: colour of the empty slide, 1–255; None takes the brightest 15 % of the pixels.

    Raises:
        DataError: wrong dtype or shape, a light out of range, or pictures too blank to hold two dyes.
    """
    found = _profile(as_batch(images).reshape(-1, 1, 3), light)
    if found is None:
        raise DataError(
            "The target shows no two dyes: it is blank or of one colour. Take a picture with stained cells."
        )
    return found


def normalise_macenko(
    images: UInt8Array, target: UInt8Array | StainProfile, own: UInt8Array | StainProfile | None = None
) -> UInt8Array:
    """Exchange the dyes of pictures, their strength and the light behind them for a target's (Macenko et al. 2009).

    Densities that the two dyes do not explain are kept, so that a picture that is the target stays as it is.

    The method was made for tissue, where each picture holds plenty of both dyes. A crop of one cell may not: then its
    red cells change colour with the cell beside them. Give `own` where many pictures of one smear are at hand.

    Args:
        images: ``uint8 (h, w, 3)`` or ``uint8 (n, h, w, 3)`` RGB.
        target: a picture, a batch, or what `stain_profile` measured.
        own: the dyes of the smear that all of `images` are from: pictures of it, or what `stain_profile` measured of
            them. None estimates them from each picture by itself.

    Returns:
        ``uint8`` of the same shape. Without `own`, pictures that are too blank to tell two dyes are returned as they
        are.

    Raises:
        DataError: wrong dtype or shape, or a target or `own` without two dyes.
    """
    wanted = target if isinstance(target, StainProfile) else stain_profile(target)
    known = stain_profile(own) if isinstance(own, np.ndarray) else own

    def change(picture: UInt8Array) -> UInt8Array:
        dyes = known or _profile(picture, None)
        return picture if dyes is None else _restained(picture, dyes, wanted)

    return each(images, change)


def _restained(picture: UInt8Array, own: StainProfile, wanted: StainProfile) -> UInt8Array:
    density = _density(picture, own.light).reshape(-1, 3)
    apart = np.linalg.inv(_with_rest(own.dyes))
    scales = np.append(wanted.strengths / own.strengths, 1.0)
    changed = density @ (apart * scales) @ _with_rest(wanted.dyes)
    return to_uint8((wanted.light + 1) * np.exp(-changed) - 1).reshape(picture.shape)


def _with_rest(dyes: FloatArray) -> FloatArray:
    """Add the direction that neither dye has: ``float64 (3, 3)``."""
    rest = np.cross(dyes[0], dyes[1])
    return np.vstack([dyes, rest / np.linalg.norm(rest)])


def _profile(picture: UInt8Array, light: tuple[float, float, float] | None) -> StainProfile | None:
    """Estimate light, dyes and strengths; None where too little is stained, or all by one dye."""
    _check_light(light)
    lamp = background_of(picture).astype(np.float64) if light is None else np.array(light, dtype=np.float64)
    density = _density(picture, lamp).reshape(-1, 3)
    stained = density[(density >= LEAST_DENSITY).all(1)]
    if len(stained) < _LEAST_PIXELS:
        return None
    dyes = _extreme_directions(stained)
    if dyes is None:
        return None
    amounts = np.linalg.lstsq(dyes.T, density.T, rcond=None)[0]
    strengths = np.percentile(amounts, _STRONGEST, axis=1)
    return StainProfile(lamp, dyes, strengths) if (strengths > 0).all() else None


def _extreme_directions(stained: FloatArray) -> FloatArray | None:
    """Return the outermost directions of densities ``(n, 3)`` in the plane that holds most of them; None where one."""
    axes = np.linalg.eigh(np.cov(stained.T))[1][:, :0:-1]
    axes = axes * np.where(axes.sum(0) < 0, -1, 1)
    along = stained @ axes
    angles = np.arctan2(along[:, 1], along[:, 0])
    ends = np.percentile(angles, (ANGLE_PERCENTILE, 100 - ANGLE_PERCENTILE))
    if ends[1] - ends[0] < _LEAST_ANGLE:
        return None
    dyes = np.stack([np.cos(ends), np.sin(ends)], axis=1) @ axes.T
    # Red tells the dyes apart: azure and haematoxylin are blue because they absorb it, eosin lets it through.
    return np.asarray(dyes[np.argsort(-dyes[:, 0])], dtype=np.float64)


def _density(picture: UInt8Array, light: FloatArray) -> FloatArray:
    """Return optical density above that of the empty slide (Beer–Lambert); one is added, as black has no logarithm."""
    return np.asarray(np.log(light + 1) - np.log(picture.astype(np.float64) + 1), dtype=np.float64)


def _check_light(light: tuple[float, float, float] | None) -> None:
    if light is not None and (len(light) != 3 or not all(1 <= level <= 255 for level in light)):
        raise DataError(f"The light is a colour (red, green, blue), each 1 to 255; got {light}.")
