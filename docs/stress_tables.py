"""Write the tables of the stress suites into stress-suites.md, from the code, and their sheets of examples.

python -m docs.stress_tables            # write the tables
python -m docs.stress_tables --check    # exit 1 where stress-suites.md does not say what the code does
python -m docs.stress_tables --sheets   # draw the examples too, on drawn cells
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
from docs.marked import between, write_or_check
from PIL import Image

from smearlab.celltypes import CLASS_NAMES
from smearlab.corruptions import bloodmnist_c, chain, imagenet_c, strengths
from smearlab.corruptions.families import GROUP_TITLES
from smearlab.corruptions.habits import LABORATORIES, Habits
from smearlab.corruptions.suite import first_line
from smearlab.corruptions.suites import SUITES, corrupt
from smearlab.data.smear.picture import draw_picture
from smearlab.data.smear.slide import make_slide

PAGE = Path(__file__).with_name("stress-suites.md")
_IMAGENET_C: dict[str, tuple[tuple[str, tuple[float, ...]], ...]] = {
    "gaussian_noise": (("standard deviation", imagenet_c.GAUSSIAN_NOISE),),
    "shot_noise": (("photons", imagenet_c.SHOT_NOISE),),
    "impulse_noise": (("share of values", imagenet_c.IMPULSE_NOISE),),
    "speckle_noise": (("standard deviation", imagenet_c.SPECKLE_NOISE),),
    "gaussian_blur": (("σ, px", imagenet_c.GAUSSIAN_BLUR),),
    "defocus_blur": (("radius, px", imagenet_c.DEFOCUS_RADIUS),),
    "glass_blur": (
        *(("σ, px", imagenet_c.GLASS_SIGMA), ("reach, px", imagenet_c.GLASS_REACH)),
        ("rounds", imagenet_c.GLASS_ROUNDS),
    ),
    "motion_blur": (("radius, px", imagenet_c.MOTION_RADIUS), ("σ, px", imagenet_c.MOTION_SIGMA)),
    "zoom_blur": (("up to ×", imagenet_c.ZOOM),),
    "contrast": (("factor", imagenet_c.CONTRAST),),
    "brightness": (("added value", imagenet_c.BRIGHTNESS),),
    "saturate": (("factor", imagenet_c.SATURATE_FACTOR), ("added", imagenet_c.SATURATE_ADDED)),
    "jpeg_compression": (("quality", tuple(round(one) for one in imagenet_c.JPEG)),),
    "pixelate": (("share of the side", imagenet_c.PIXELATE),),
    "elastic_transform": (
        ("displacement, sides", imagenet_c.ELASTIC_SCALE),
        *(("σ, sides", imagenet_c.ELASTIC_SIGMA), ("affine, sides", imagenet_c.ELASTIC_AFFINE)),
    ),
}
_BLOODMNIST_C: dict[str, tuple[tuple[str, tuple[float, ...]], ...]] = {
    "pixelate": (("share of the side", bloodmnist_c.PIXELATE),),
    "jpeg_compression": (("quality", bloodmnist_c.JPEG),),
    "defocus_blur": (("radius, px", bloodmnist_c.DEFOCUS),),
    "motion_blur": tuple(
        (name, tuple(pair[part] for pair in bloodmnist_c.MOTION)) for part, name in enumerate(("radius, px", "σ, px"))
    ),
    "brightness_up": (("factor", bloodmnist_c.BRIGHTNESS_UP),),
    "brightness_down": (("factor", bloodmnist_c.BRIGHTNESS_DOWN),),
    "contrast_up": (("factor", bloodmnist_c.CONTRAST_UP),),
    "contrast_down": (("factor", bloodmnist_c.CONTRAST_DOWN),),
    "saturate": (("added", bloodmnist_c.SATURATE),),
    "stain_deposit": (*(("blots, 1 to", bloodmnist_c.STAIN_DEPOSITS), ("their side, px", bloodmnist_c.STAIN_SIDES)),),
    "bubble": tuple(
        (name, tuple(pair[part] for pair in bloodmnist_c.BUBBLES))
        for part, name in enumerate(("radius, 3 px to", f"number, {bloodmnist_c.LEAST_BUBBLES} to"))
    ),
}


def main() -> int:
    """Write or check the page; the exit status."""
    if "--sheets" in sys.argv[1:]:
        for suite in SUITES:
            _sheet(suite).save(PAGE.parent / "images" / f"stress-{suite}.jpg", quality=80, optimize=True)
    return write_or_check(PAGE, with_tables)


def with_tables(page: str) -> str:
    """Return the page with what stands between the marks of each suite replaced by what the code says."""
    for suite, table in _TABLES.items():
        page = between(page, suite, table())
    return page


def _constants(suite: str, of: dict[str, tuple[tuple[str, tuple[float, ...]], ...]]) -> Iterator[str]:
    yield "| corruption | family | constant | 1 | 2 | 3 | 4 | 5 |"
    yield "|---|---|---|--:|--:|--:|--:|--:|"
    for corruption in SUITES[suite].corruptions:
        for number, (name, values) in enumerate(of[corruption.name]):
            head = f"| `{corruption.name}` | {corruption.family}" if number == 0 else "| |"
            yield f"{head} | {name} | {' | '.join(f'{value:.3g}' for value in values)} |"


def _microscope() -> Iterator[str]:
    yield "| corruption | family | at severity 5 |"
    yield "|---|---|---|"
    for one in SUITES["microscope"].corruptions:
        yield f"| `{one.name}` | {one.family or 'several'} | {one.description} |"


def _laboratories() -> Iterator[str]:
    yield "| laboratory | at severity 5 | its habits |"
    yield "|---|---|---|"
    for one in SUITES["laboratories"].corruptions:
        yield f"| `{one.name}` | {one.description} | {_habits(LABORATORIES[one.name])} |"


def _habits(of: Habits) -> str:
    """Return the habits that are not the picture's own, in words and numbers."""
    told = []
    for field in fields(of):
        value = getattr(of, field.name)
        if field.name != "title" and value != field.default:
            numbers = value if isinstance(value, tuple) else (value,)
            told.append(f"{field.name} {' '.join(f'{number:g}' for number in numbers)}")
    return ", ".join(told)


def _chain() -> Iterator[str]:
    yield "| group | family | operation | up to |"
    yield "|---|---|---|---|"
    for group, of_group in chain.GROUPS.items():
        for family, names in of_group.items():
            for name in names:
                title = next(title for one, title in GROUP_TITLES.items() if one == group)
                yield f"| {title} | {family} | `{name}` | {first_line(strengths.OPERATIONS[name])} |"


_TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "bloodmnist-c": lambda: _constants("bloodmnist-c", _BLOODMNIST_C),
    "imagenet-c": lambda: _constants("imagenet-c", _IMAGENET_C),
    "microscope": _microscope,
    "chain": _chain,
    "laboratories": _laboratories,
}


def _sheet(suite: str) -> Image.Image:
    """Return one row a corruption: a clean cell, then two cells at each severity, in the order of the tables."""
    slide = make_slide(0, 1)
    cells = np.stack([draw_picture(0, number, name, slide).image for number, name in enumerate(CLASS_NAMES)])
    rows = []
    for number, corruption in enumerate(SUITES[suite].corruptions):
        chosen = cells[[number % 8, (number + 3) % 8]]
        severities = [corrupt(chosen, suite, corruption.name, severity, rows=np.arange(2)) for severity in range(1, 6)]
        rows.append(np.concatenate([chosen[0], *(picture for pair in severities for picture in pair)], axis=1))
    sheet = Image.fromarray(np.concatenate(rows))
    return sheet.resize((sheet.width * 2 // 3, sheet.height * 2 // 3), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    sys.exit(main())
