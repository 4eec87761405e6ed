"""The page about where a model looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from smearlab import celltypes
from smearlab.data.cells import UInt8Array
from smearlab.report.blocks import ClassCell, Note, PictureGrid, PictureRow, Tile
from smearlab.report.contents import Example
from smearlab.report.grids import tile
from smearlab.report.page import Page
from smearlab.report.text import left_out, percent, plural, source_name

_PER_CLASS = 24
_CAPTION = "First a class's mean heat over its mean picture; then each picture, and beside it the same with its heat"


@dataclass(frozen=True, eq=False)
class HeatPicture:
    """One picture and its heat.

    Attributes:
        picture: as the network sees it.
        overlay: ``uint8 (h, w, 3)`` with the heat on it.
        label: the model's answer.
        confidence: of the answer.
        of_class: the class whose heat it is.
        looks: whether answer and confidence rest on further looks; the heat is of the picture as it was given.
    """

    picture: Example
    overlay: UInt8Array
    label: str
    confidence: float
    of_class: str
    looks: bool = False


@dataclass(frozen=True, eq=False)
class HeatReport:
    """What the page shows.

    Attributes:
        name: of the data.
        total: pictures that the data has.
        class_names: identifiers.
        pictures: those explained.
        mean: class to its mean heat over its mean picture, ``uint8 (h, w, 3)``.
        words: the method, in words.
        unreadable: pictures that could not be decoded.
    """

    name: str
    total: int
    class_names: Sequence[str]
    pictures: Sequence[HeatPicture]
    mean: Mapping[str, UInt8Array]
    words: str
    unreadable: int = 0


def write_heat_report(path: Path, report: HeatReport) -> None:
    """Write the page, atomically."""
    heat_page(report).write(path)


def heat_page(report: HeatReport) -> Page:
    """Build the page."""
    shown = plural(len(report.pictures), "picture")
    page = Page(
        report.name,
        "Where the model looks",
        f"{report.words}: {shown} of {report.total:,}.{left_out(report.unreadable)}",
    )
    how = "Yellow is where the network finds what speaks for the class, relative to the strongest place of the picture."
    cells = "Heat that lies beside the cell is a warning: the network may have learnt the background."
    page.section("Heat", Note(f"{how} {cells}{_looks_note(report)}"), _pictures_grid(report))
    return page


def _looks_note(report: HeatReport) -> str:
    count = sum(picture.looks for picture in report.pictures)
    if not count:
        return ""
    which = plural(count, "picture was", "pictures were")
    return f" {which} named after further looks, from nearer or from other sides; the heat is of the first look."


def _pictures_grid(report: HeatReport) -> PictureGrid:
    rows = [
        _class_row(report, name, position)
        for position, name in enumerate(report.class_names)
        if any(picture.of_class == name for picture in report.pictures)
    ]
    return PictureGrid(rows, _CAPTION, "classes")


def _class_row(report: HeatReport, name: str, position: int) -> PictureRow:
    members = [picture for picture in report.pictures if picture.of_class == name]
    mean = _tile(report.mean[name], f"mean heat, {celltypes.title(name)}")
    tiles = [mean, *(each for picture in members[:_PER_CLASS] for each in _pair(picture))]
    return PictureRow(tiles, ClassCell(name, position), plural(len(members), "picture"))


def _pair(picture: HeatPicture) -> tuple[Tile, Tile]:
    example = picture.picture
    looks = " after further looks" if picture.looks else ""
    named = f"named {celltypes.title(picture.label)} ({percent(picture.confidence)}){looks}"
    words = f"{source_name(example.source)}, row {example.row}, {named}"
    return tile(example, words), _tile(picture.overlay, f"heat of {words}")


def _tile(image: UInt8Array, alt: str) -> Tile:
    return tile(Example(image, 0, ""), alt)
