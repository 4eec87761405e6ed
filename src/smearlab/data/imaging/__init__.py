"""Cleaning tools for pictures of cells: high-pass filter, nuclei, cell-centred crop, stain normalisation.

Each takes raw pixels, one picture ``uint8 (h, w, 3)`` or a batch ``uint8 (n, h, w, 3)``, treats every picture by
itself, and gives ``uint8`` back. None is part of training unless you apply it: whether it helps is for you to measure.
"""

from smearlab.data.imaging.crop import crop_cells
from smearlab.data.imaging.filters import high_pass
from smearlab.data.imaging.macenko import StainProfile, normalise_macenko, stain_profile
from smearlab.data.imaging.nuclei import isolate_nuclei, segment_nuclei, stain_channel
from smearlab.data.imaging.reinhard import ColourProfile, colour_profile, normalise_reinhard

__all__ = [
    "ColourProfile",
    "StainProfile",
    "colour_profile",
    "crop_cells",
    "high_pass",
    "isolate_nuclei",
    "normalise_macenko",
    "normalise_reinhard",
    "segment_nuclei",
    "stain_channel",
    "stain_profile",
]
