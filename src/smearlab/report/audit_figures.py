"""What an audit says of a collection as a whole: classes, sizes and colours, natural groups, maps, likely smears."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from smearlab import celltypes
from smearlab.report.audit_contents import AuditReport, LikelySmear, NaturalGroup, PictureStatistics, Spread
from smearlab.report.blocks import Block, ClassCell, Insert, Note, PictureGrid, PictureRow, Tile
from smearlab.report.gallery_kinds import OTHERS, GalleryKind
from smearlab.report.grids import SMALL, data_uri
from smearlab.report.page import environment
from smearlab.report.text import count, percent, plural, source_name

SOURCES_SHOWN = 40
GROUPS_SHOWN = 24
SMEARS_SHOWN = 24
STRIP = 10  # pictures shown of a natural group or a smear
IMBALANCED = 10.0  # times as many pictures: from here on a plain accuracy says little about the smallest class


def _insert(macro: str, argument: object) -> Insert:
    module: Any = environment().get_template("audit_blocks.html").module
    return Insert(Markup(getattr(module, macro)(argument)))


# ---- classes -------------------------------------------------------------------------------------------------------


def class_blocks(report: AuditReport) -> list[Block]:
    """Show how many pictures each class has, and say whether that is out of balance."""
    if not report.class_names:
        return []
    numbers = [int(report.counts.get(name, 0)) for name in report.class_names]
    most, total = max(1, *numbers), max(1, sum(numbers))
    rows = [
        {
            "title": celltypes.title(name),
            "colour": celltypes.colour(name, place),
            "count": count(number),
            "share": percent(number / total),
            "width": f"{100 * number / most:.2f}%",
        }
        for place, (name, number) in enumerate(zip(report.class_names, numbers, strict=True))
    ]
    return [_insert("bars", rows), _balance(report.class_names, numbers), *_typical(report)]


def _balance(names: Sequence[str], numbers: Sequence[int]) -> Note:
    empty = [celltypes.title(name) for name, number in zip(names, numbers, strict=True) if not number]
    if empty:
        return Note(f"No picture is labelled {', '.join(empty)}.", "warn")
    ratio = max(numbers) / min(numbers)
    large, small = (celltypes.title(names[numbers.index(pick(numbers))]) for pick in (max, min))
    if ratio >= IMBALANCED:
        text = f"{large.capitalize()} has {ratio:.0f} times as many pictures as {small}: weight the classes in training"
        return Note(f"{text}, and judge by balanced accuracy.", "warn", "Out of balance")
    return Note(f"The largest class ({large}) has {ratio:.1f} times as many pictures as the smallest ({small}).")


def _typical(report: AuditReport) -> list[Block]:
    rows = [
        PictureRow(
            [_tile(report, picture, f"typical {celltypes.title(name)}") for picture in report.typical[name][:STRIP]],
            ClassCell(name, place),
        )
        for place, name in enumerate(report.class_names)
        if report.typical.get(name)
    ]
    return [PictureGrid(rows, "Typical cells of each class, as they are labelled")] if rows else []


def _tile(report: AuditReport, picture: int, alt: str) -> Tile:
    image = report.pictures[picture]
    return Tile(data_uri(image, 96), alt, pixelated=max(image.shape[:2]) <= SMALL)


# ---- size and colour -----------------------------------------------------------------------------------------------


def statistics_blocks(report: AuditReport) -> list[Block]:
    """Show size and colour per class and per source."""
    blocks: list[Block] = []
    if report.by_class:
        blocks.append(_statistics("Per class", "Class", report.by_class, report.class_names))
    if report.by_source:
        shown = sorted(report.by_source, key=lambda line: -line.pictures)[:SOURCES_SHOWN]
        blocks.append(_statistics("Per source", "Source", shown, ()))
        if len(shown) < len(report.by_source):
            blocks.append(Note(f"The largest {len(shown)} of {plural(len(report.by_source), 'source')} are shown."))
    if blocks:
        blocks.append(Note("Median, and below it the range that holds nine of ten pictures, on a scale of the column."))
    return blocks


def _statistics(caption: str, heading: str, lines: Sequence[PictureStatistics], names: Sequence[str]) -> Insert:
    figures = list(lines[0].figures)
    scales = {name: _scale([line.figures[name] for line in lines]) for name in figures}
    table = {
        "caption": caption,
        "heading": heading,
        "names": [name.replace("_", " ").capitalize() for name in figures],
        "lines": [_statistics_line(line, scales, names) for line in lines],
    }
    return _insert("statistics", table)


def _statistics_line(
    line: PictureStatistics, scales: Mapping[str, tuple[float, float]], names: Sequence[str]
) -> dict[str, object]:
    is_class = line.name in names
    red, green, blue = (min(255, max(0, round(value))) for value in line.colour)
    return {
        "title": celltypes.title(line.name) if is_class else source_name(line.name),
        "swatch": celltypes.colour(line.name, names.index(line.name)) if is_class else "",
        "pictures": line.pictures,
        "colour": f"#{red:02x}{green:02x}{blue:02x}",
        "spreads": [_spread(line.figures[name], *scales[name]) for name in scales],
    }


def _scale(spreads: Sequence[Spread]) -> tuple[float, float]:
    ends = [value for spread in spreads for value in (spread.low, spread.median, spread.high) if math.isfinite(value)]
    return (min(ends), max(ends)) if ends else (0.0, 1.0)


def _spread(spread: Spread, start: float, end: float) -> dict[str, str | bool]:
    def place(value: float) -> str:
        share = (value - start) / (end - start) if math.isfinite(value) and end > start else 0.5
        return f"{98 * share:.1f}"

    same = f"{spread.low:.3g}" == f"{spread.high:.3g}"
    return {
        "text": _number(spread.median),
        "range": "all alike" if same else f"{_number(spread.low)}–{_number(spread.high)}",
        "low": place(spread.low),
        "high": place(spread.high),
        "middle": place(spread.median),
        "drawn": end > start,
    }


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    return count(round(value)) if abs(value) >= 100 else f"{value:.3g}"


# ---- natural groups, maps, smears ----------------------------------------------------------------------------------


def group_blocks(report: AuditReport) -> list[Block]:
    """Show the natural groups with the pictures nearest to their centres and the classes they hold."""
    if not report.groups:
        return []
    rows = [_group_row(report, group) for group in report.groups[:GROUPS_SHOWN]]
    caption = "The pictures nearest to the centre of each group"
    words = (
        "Groups of pictures that look alike, found without their labels. A group of one class is what one hopes for."
    )
    return [Note(words), PictureGrid(rows, caption)]


def _group_row(report: AuditReport, group: NaturalGroup) -> PictureRow:
    size = max(1, group.size)
    first = sorted(group.counts.items(), key=lambda pair: -pair[1])[:3]
    shares = ", ".join(f"{percent(number / size, 0)} {celltypes.title(name) or 'unlabelled'}" for name, number in first)
    tiles = [_tile(report, picture, f"{group.name}, near its centre") for picture in group.typical[:STRIP]]
    note = "; ".join(
        text for text in (plural(group.size, "picture"), shares if report.class_names else "", group.note) if text
    )
    return PictureRow(tiles, group.name, note)


def map_blocks(report: AuditReport, kinds: Sequence[GalleryKind]) -> list[Block]:
    """Make room for the maps; the page's script draws them."""
    if not report.maps:
        return []
    classes = [ClassCell(name, place) for place, name in enumerate(report.class_names)]
    found = [kind for kind in kinds if kind.key != OTHERS]
    words = "Pictures that look alike to the model lie together. Point at a dot to see its picture, click to open it."
    return [Note(words), _insert("maps", {"classes": classes, "kinds": found, "maps": report.maps})]


def smear_blocks(report: AuditReport) -> list[Block]:
    """Show which pictures are likely from one smear."""
    if not report.smears:
        return []
    rows = [_smear_row(report, smear) for smear in report.smears[:SMEARS_SHOWN]]
    blocks: list[Block] = [
        Note(
            "Pictures that share background, stain and optics are likely from one smear. They belong into one part of "
            "a split, or the test measures how well a smear is recognised."
        ),
        PictureGrid(rows, "Pictures that are likely from one smear"),
    ]
    if len(report.smears) > SMEARS_SHOWN:
        blocks.append(Note(f"{SMEARS_SHOWN} of {count(len(report.smears))} are shown."))
    return blocks


def _smear_row(report: AuditReport, smear: LikelySmear) -> PictureRow:
    tiles = [_tile(report, picture, smear.name) for picture in smear.pictures[:STRIP]]
    note = f"{plural(len(smear.rows), 'picture')}; score {smear.score:.2f}" + (f"; {smear.note}" if smear.note else "")
    return PictureRow(tiles, smear.name, note)
