"""What each of ten imagined laboratories does otherwise: dyes, slide, lamp, optics, camera, files.

The numbers are guesses after what collections of stained cells from elsewhere look like; no picture of any went in.
"""

from __future__ import annotations

from dataclasses import dataclass

Triple = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Habits:
    """What one laboratory does differently; the defaults are what the picture's own does.

    Attributes:
        title: one line for people.
        amounts: factors on the violet dye, the pink dye and the rest.
        violet: added to the violet dye's absorption of red, green and blue; the absorption over all three stays.
        pink: the same of the pink dye.
        slide: colour of the empty slide under its lamp, 0–255; None leaves it.
        magnification: factor on the size of a cell.
        offset: how far from the middle cells lie, at most, in sides of the picture.
        neighbours: cells that reach in from the rim.
        dust: specks on slide and lens.
        rim: share of the light that is lost in the corners.
        focus: radius of the blur, at most, in published pixels.
        resolution: share of the pixels along a side that the camera has.
        chroma: share of those along a side that carry colour.
        grain: noise of the sensor at full brightness, a share of the range.
        black: level (0–1) to which stray light lifts black.
        white: level (0–1) that white comes to in a dark picture.
        gamma: exponent of the camera's tone curve, above 1 darker.
        curve: steeper (to 1) or flatter (to −1) middle tones.
        saturation: factor on the colours.
        sharpening: amount of unsharp masking in the camera.
        quality: of the JPEG file.
    """

    title: str
    amounts: Triple = (1.0, 1.0, 1.0)
    violet: Triple = (0.0, 0.0, 0.0)
    pink: Triple = (0.0, 0.0, 0.0)
    slide: Triple | None = None
    magnification: float = 1.0
    offset: float = 0.0
    neighbours: float = 0.0
    dust: float = 0.0
    rim: float = 0.0
    focus: float = 0.0
    resolution: float = 1.0
    chroma: float = 1.0
    grain: float = 0.0
    black: float = 0.0
    white: float = 1.0
    gamma: float = 1.0
    curve: float = 0.0
    saturation: float = 1.0
    sharpening: float = 0.0
    quality: float = 95.0


LABORATORIES: dict[str, Habits] = {
    "eyepiece_phone": Habits(
        title="A phone held to an eyepiece: dark, warm, a black rim, soft, compressed",
        amounts=(1.3, 1.2, 1.0),
        violet=(0.05, 0.0, -0.05),
        slide=(236, 214, 170),
        magnification=1.25,
        offset=0.1,
        rim=0.6,
        focus=1.6,
        grain=0.035,
        black=0.06,
        white=0.6,
        gamma=1.15,
        quality=45,
    ),
    "halogen_lamp": Habits(
        title="A yellow lamp that nobody balanced, a camera of few pixels, flat contrast",
        amounts=(1.15, 1.0, 1.0),
        violet=(0.0, 0.0, 0.08),
        pink=(0.05, 0.0, 0.05),
        slide=(240, 222, 150),
        magnification=0.85,
        resolution=0.55,
        chroma=0.4,
        grain=0.02,
        black=0.08,
        white=0.9,
        curve=-0.3,
        quality=70,
    ),
    "white_slide": Habits(
        title="A slide burnt out to white, pale cytoplasm, edges sharpened in the camera",
        amounts=(0.85, 0.4, 0.5),
        violet=(0.0, 0.0, 0.05),
        slide=(254, 254, 253),
        magnification=1.2,
        gamma=0.8,
        curve=0.3,
        saturation=1.3,
        sharpening=1.5,
        quality=80,
    ),
    "violet_stain": Habits(
        title="Stained long in an alkaline buffer: all blue and violet on a lilac slide",
        amounts=(2.0, 1.5, 1.4),
        violet=(0.15, 0.0, -0.12),
        pink=(0.18, -0.1, -0.05),
        slide=(206, 190, 222),
        magnification=0.8,
        focus=0.9,
        gamma=1.2,
        saturation=1.2,
        quality=75,
    ),
    "acid_buffer": Habits(
        title="An acid buffer: pink everywhere, nuclei pale and reddish",
        amounts=(0.6, 1.8, 0.8),
        violet=(-0.18, 0.06, 0.12),
        pink=(-0.05, 0.05, 0.05),
        slide=(244, 214, 206),
        magnification=1.1,
        focus=0.8,
        grain=0.015,
        curve=0.3,
        quality=75,
    ),
    "weak_objective": Habits(
        title="An objective of ×40 and a wide field: cells small and soft amid much else",
        amounts=(1.1, 1.0, 1.0),
        violet=(0.05, 0.0, 0.0),
        slide=(226, 226, 224),
        magnification=0.55,
        offset=0.08,
        focus=0.7,
        resolution=0.75,
        grain=0.015,
        quality=70,
    ),
    "tight_crop": Habits(
        title="Cells cut out tightly and beside the middle, a bluish slide, sharpened",
        amounts=(1.3, 0.9, 1.0),
        violet=(0.1, 0.0, -0.08),
        pink=(0.05, 0.0, 0.0),
        slide=(196, 212, 228),
        magnification=1.75,
        offset=0.12,
        grain=0.01,
        gamma=0.9,
        sharpening=1.2,
        quality=85,
    ),
    "faded_slides": Habits(
        title="Slides from an archive: dyes faded to brown, grey light, dust",
        amounts=(0.55, 0.45, 0.8),
        violet=(-0.12, -0.05, 0.18),
        pink=(0.0, -0.05, 0.1),
        slide=(206, 200, 182),
        dust=5,
        rim=0.3,
        focus=1.0,
        black=0.05,
        white=0.92,
        saturation=0.7,
        quality=80,
    ),
    "video_camera": Habits(
        title="A video camera of long ago: few pixels, colour smeared, noise, halos, hard contrast",
        amounts=(1.2, 1.2, 1.0),
        pink=(0.05, 0.0, 0.05),
        slide=(222, 228, 206),
        magnification=1.15,
        resolution=0.5,
        chroma=0.3,
        grain=0.05,
        curve=0.5,
        saturation=1.5,
        sharpening=2.5,
        quality=60,
    ),
    "crowded_smear": Habits(
        title="A thick, dark smear over a narrow line: neighbours all around, beside the middle, compressed hard",
        amounts=(1.5, 1.6, 1.2),
        violet=(0.06, 0.0, 0.0),
        pink=(0.08, 0.0, 0.0),
        slide=(214, 204, 200),
        magnification=0.9,
        offset=0.15,
        neighbours=6,
        focus=0.8,
        white=0.85,
        quality=18,
    ),
}
"""Name → habits, in the order of a report."""
