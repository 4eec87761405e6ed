"""Which family and which group every alteration belongs to: one table for augmentation and stress suites alike.

A network that was trained on one member of a family has, in a sense, seen the whole family. Honest figures of
robustness therefore hold out families and groups, not single operations.
"""

from __future__ import annotations

from typing import Literal, get_args

Group = Literal["geometry", "colour", "degradation", "occlusion"]
GROUPS: tuple[Group, ...] = get_args(Group)

GROUP_TITLES: dict[Group, str] = {
    "geometry": "geometry",
    "colour": "colour and tone",
    "degradation": "blur, noise and compression",
    "occlusion": "occlusion",
}

FAMILIES: dict[str, Group] = {
    "orientation": "geometry",
    "scale": "geometry",
    "translation": "geometry",
    "shear": "geometry",
    "elastic": "geometry",
    "brightness": "colour",
    "contrast": "colour",
    "saturation": "colour",
    "hue": "colour",
    "tone": "colour",
    "stain": "colour",
    "illumination": "colour",
    "blur": "degradation",
    "resolution": "degradation",
    "compression": "degradation",
    "noise": "degradation",
    "sharpness": "degradation",
    "erasing": "occlusion",
    "debris": "occlusion",
    "mixing": "occlusion",
}
"""Family → group."""

OPERATIONS: dict[str, str] = {
    # geometry
    "flip": "orientation",
    "rotate": "orientation",
    "zoom": "scale",
    "crop": "scale",
    "translate": "translation",
    "shear": "shear",
    "elastic": "elastic",
    # colour and tone
    "brightness": "brightness",
    "gamma": "brightness",
    "contrast": "contrast",
    "auto_contrast": "contrast",
    "equalise": "contrast",
    "saturation": "saturation",
    "greyscale": "saturation",
    "degenerate": "saturation",
    "hue": "hue",
    "channel_shift": "hue",
    "white_balance": "hue",
    "solarise": "tone",
    "posterise": "tone",
    "invert": "tone",
    "stain": "stain",
    "illumination": "illumination",
    "background": "illumination",
    "vignette": "illumination",
    # blur, noise and compression
    "gaussian_blur": "blur",
    "motion_blur": "blur",
    "defocus": "blur",
    "glass_blur": "blur",
    "zoom_blur": "blur",
    "downsample": "resolution",
    "pixelate": "resolution",
    "jpeg": "compression",
    "gaussian_noise": "noise",
    "shot_noise": "noise",
    "speckle_noise": "noise",
    "salt_pepper": "noise",
    "sharpness": "sharpness",
    # occlusion
    "erase": "erasing",
    "grid_mask": "erasing",
    "spots": "debris",
    "stain_deposits": "debris",
    "bubbles": "debris",
    "dust": "debris",
    "neighbour": "mixing",
    "mixup": "mixing",
    "cutmix": "mixing",
    "fractal": "mixing",
}
"""Operation → family. Stress suites name their corruptions freely and point here for the family."""


def group_of(operation: str) -> Group:
    """Return the group of an operation.

    Raises:
        KeyError: the operation is not in the table.
    """
    return FAMILIES[OPERATIONS[operation]]
