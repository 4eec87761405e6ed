"""Draw docs/images/imaging.png: what each imaging tool makes of drawn cells. No real picture is in it.

python -m docs.imaging_picture
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from smearlab.data.cells import UInt8Array
from smearlab.data.demo import draw_demo
from smearlab.data.imaging import (
    crop_cells,
    high_pass,
    isolate_nuclei,
    normalise_macenko,
    normalise_reinhard,
    segment_nuclei,
)

PICTURE = Path(__file__).parent / "images" / "imaging.png"
CLASSES = (6, 1, 4, 3, 0)  # neutrophil, eosinophil, lymphocyte, immature granulocyte, basophil
_SIDE, _GAP, _LABEL = 96, 6, 150
_BORDER = (255, 200, 60)


def main() -> None:
    """Write the picture."""
    demo = draw_demo(seed=0, per_class=12)
    labels, groups = demo.cells.known_labels, np.asarray(demo.cells.groups)
    cold, other = groups == "slide04", (groups != "slide04") & (groups != "stray")  # slide04 is the bluish one
    images = np.asarray(demo.cells.images)
    shown = np.stack([images[np.flatnonzero(cold & (labels == label))[0]] for label in CLASSES])
    target = images[np.flatnonzero(other & (groups == "slide00"))]
    rows: dict[str, Callable[[UInt8Array], UInt8Array]] = {
        "as they are": lambda pictures: pictures,
        "high_pass": high_pass,
        "segment_nuclei": outlined,
        "isolate_nuclei": isolate_nuclei,
        "crop_cells": crop_cells,
        "normalise_reinhard": lambda pictures: normalise_reinhard(pictures, target),
        "normalise_macenko": lambda pictures: normalise_macenko(pictures, target),
        "… with own=smear": lambda pictures: normalise_macenko(pictures, target, own=images[cold]),
    }
    sheet([(name, tool(shown)) for name, tool in rows.items()] + [("the target", target[: len(CLASSES)])], PICTURE)


def outlined(pictures: UInt8Array) -> UInt8Array:
    """Draw the border of each nucleus into the pictures."""
    drawn = pictures.copy()
    for picture, regions in zip(drawn, segment_nuclei(pictures), strict=True):
        inner = regions.copy()
        for axis in (0, 1):
            for step in (-1, 1):
                inner[np.roll(regions, step, axis) != regions] = 0
        border = (regions > 0) & (inner == 0)
        picture[border] = _BORDER
    return drawn


def sheet(rows: list[tuple[str, UInt8Array]], path: Path) -> None:
    """Lay rows of pictures out under one another, each with its name, and save them with few colours."""
    step = _SIDE + _GAP
    canvas = Image.new("RGB", (_LABEL + step * len(rows[0][1]), step * len(rows)), "white")
    font = ImageFont.load_default(13)
    for number, (name, pictures) in enumerate(rows):
        ImageDraw.Draw(canvas).text((8, number * step + step // 2), name, fill="#1f1b2a", font=font, anchor="lm")
        for place, picture in enumerate(pictures):
            canvas.paste(Image.fromarray(picture), (_LABEL + place * step, number * step + _GAP // 2))
    canvas.quantize(192, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
