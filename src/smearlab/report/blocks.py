"""The building blocks of a page. Each is plain data; the templates turn it into HTML and escape every text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from markupsafe import Markup

from smearlab import celltypes
from smearlab.data.cells import FloatArray, IntArray
from smearlab.report.estimates import Estimate
from smearlab.report.text import count, percent


@dataclass(frozen=True)
class Figure:
    """One tile of a headline: a name, a figure as text, a line under it (its interval, mostly), and the share drawn."""

    label: str
    value: str
    note: str = ""
    share: Estimate | None = None

    @property
    def track(self) -> str:
        """Where a share and its interval lie on the track of the large tile, as CSS variables; empty for others."""
        if self.share is None or not self.share.known:
            return ""
        share = self.share
        low, high = (share.low, share.high) if share.has_interval else (share.value, share.value)
        names = {"--low": low, "--value": share.value, "--high": high}
        start = self._start
        return ";".join(f"{name}:{100 * (end - start) / (1 - start):.2f}%" for name, end in names.items())

    @property
    def track_start(self) -> str:
        """The share at which the track begins: it shows the stretch up to 100 % that matters."""
        return percent(self._start, 0)

    @property
    def _start(self) -> float:
        low = min(self.share.low, self.share.value) if self.share and self.share.has_interval else 0.0
        return 0.9 if low > 0.905 else 0.5 if low > 0.55 else 0.0


@dataclass(frozen=True)
class Figures:
    """Headline tiles; the first is shown large."""

    kind: ClassVar[str] = "figures"
    tiles: Sequence[Figure]


@dataclass(frozen=True)
class Note:
    """A paragraph. `tone` is ``plain``, ``good`` (all is well) or ``warn`` (the reader should know)."""

    kind: ClassVar[str] = "note"
    text: str
    tone: str = "plain"
    title: str = ""


@dataclass(frozen=True)
class Code:
    """Text in a fixed width.

    Attributes:
        text: of one line or many.
        title: above it.
        folded: closed under its title until the reader opens it.
        exact: shown with the folders of the machine in it, as commands need that are to work where they are copied to.
    """

    kind: ClassVar[str] = "code"
    text: str
    title: str = ""
    folded: bool = False
    exact: bool = False


@dataclass(frozen=True)
class Facts:
    """A list of names and their values."""

    kind: ClassVar[str] = "facts"
    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class ClassCell:
    """A class name in a table, with the swatch of its colour."""

    name: str
    position: int = 0

    @property
    def title(self) -> str:
        """The name as a person reads it."""
        return celltypes.title(self.name)

    @property
    def colour(self) -> str:
        """``#rrggbb``."""
        return celltypes.colour(self.name, self.position)


@dataclass(frozen=True)
class ShareCell:
    """A share (0 to 1) in a table, with its interval and a bar."""

    share: Estimate

    @property
    def width(self) -> str:
        """Length of the bar as a CSS percentage."""
        return f"{100 * min(max(self.share.value, 0), 1):.1f}%" if self.share.known else "0%"


@dataclass(frozen=True)
class EstimateCell:
    """A figure with its interval in a table, without a bar."""

    estimate: Estimate
    as_percent: bool = True


Cell: TypeAlias = str | int | ClassCell | ShareCell | EstimateCell


@dataclass(frozen=True)
class Table:
    """A table whose first column heads the rows.

    Attributes:
        columns: headings.
        rows: cells; whole numbers get thousands separators, figures and shares are aligned to the right.
        caption: what the table shows.
        folded: closed under its caption until the reader opens it.
    """

    kind: ClassVar[str] = "table"
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str
    folded: bool = False

    def is_number(self, column: int) -> bool:
        """Say whether a column holds figures, which are aligned to the right."""
        return all(not isinstance(row[column], (str, ClassCell)) for row in self.rows)


@dataclass(frozen=True)
class MatrixCell:
    """One cell of a `Matrix`: its text, the depth of its colour (0 to 1), and which colour (``hit`` or ``miss``)."""

    text: str
    depth: float
    tone: str
    hint: str = ""

    @property
    def deep(self) -> bool:
        """Whether the colour is so deep that the text on it must change its own to stay legible."""
        return self.depth > (0.7 if self.tone == "hit" else 0.8)


@dataclass(frozen=True)
class Matrix:
    """Numbers in a grid, told apart by colour: a confusion matrix, or corruptions by severity.

    Attributes:
        rows: headings of the rows.
        columns: headings of the columns.
        cells: one sequence of cells per row.
        caption: what it shows.
        row_axis: what the rows are.
        column_axis: what the columns are.
        compact: small, to stand beside another one.
        upright: column headings are short and need not be turned.
    """

    kind: ClassVar[str] = "matrix"
    rows: Sequence[ClassCell | str]
    columns: Sequence[ClassCell | str]
    cells: Sequence[Sequence[MatrixCell]]
    caption: str
    row_axis: str
    column_axis: str
    compact: bool = False
    upright: bool = False


@dataclass(frozen=True)
class Tile:
    """One picture in a grid: its data URI, what it shows, and the lines of text under it."""

    uri: str
    alt: str
    lines: Sequence[str] = ()
    pixelated: bool = False


@dataclass(frozen=True)
class PictureRow:
    """Pictures of one class, or one group of pictures."""

    tiles: Sequence[Tile]
    heading: ClassCell | str = ""
    note: str = ""


@dataclass(frozen=True)
class PictureGrid:
    """Pictures in rows. `layout` is ``classes`` (headed rows), ``cards`` (with text) or ``pairs`` (two by two)."""

    kind: ClassVar[str] = "grid"
    rows: Sequence[PictureRow]
    caption: str
    layout: str = "classes"

    @property
    def across(self) -> int:
        """How many pictures stand in one line on a wide screen."""
        return max(6, min(12, max((len(row.tiles) for row in self.rows), default=1)))


@dataclass(frozen=True)
class PlotBlock:
    """A drawn plot: SVG that takes its colours and fonts from the page, what it shows, and its caption."""

    kind: ClassVar[str] = "plot"
    svg: Markup
    alt: str
    title: str
    caption: str = ""


@dataclass(frozen=True)
class Insert:
    """HTML from a template of its own, for what no other block can show."""

    kind: ClassVar[str] = "insert"
    html: Markup


@dataclass(frozen=True)
class Columns:
    """Blocks side by side on a wide screen, one under the other on a narrow one."""

    kind: ClassVar[str] = "columns"
    blocks: Sequence[Block]
    wide_first: bool = False


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    kind: ClassVar[str] = "heading"
    text: str


Block: TypeAlias = Figures | Note | Code | Facts | Table | Matrix | PictureGrid | PlotBlock | Insert | Columns | Heading


def confusion_matrix(confusion: IntArray, class_names: Sequence[str], caption: str, *, compact: bool = False) -> Matrix:
    """Lay out a confusion matrix.

    The diagonal is coloured by the share of its row. Mistakes have a colour of their own on a stretched
    (square-root) scale: a good model errs in few per cent, which would be invisible on a linear one.

    Args:
        confusion: ``int64 (classes, classes)`` counts, a row per true class.
        class_names: identifiers of rows and columns.
        caption: what it shows.
        compact: small, to stand beside another one.
    """
    shares = row_shares(confusion)
    titles = [ClassCell(name, position) for position, name in enumerate(class_names)]
    cells = [[_confusion_cell(confusion, shares, i, j, titles) for j in range(len(titles))] for i in range(len(titles))]
    return Matrix(titles, titles, cells, caption, "true", "predicted", compact=compact)


def row_shares(confusion: IntArray) -> FloatArray:
    """Divide every row by its sum; rows without pictures are 0. ``float64 (classes, classes)``."""
    counts = np.asarray(confusion, dtype=np.float64)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), dtype=np.float64)


def _confusion_cell(confusion: IntArray, shares: FloatArray, i: int, j: int, titles: Sequence[ClassCell]) -> MatrixCell:
    share = float(shares[i, j])
    hint = f"{titles[i].title} named {titles[j].title}: {count(confusion[i, j])} ({100 * share:.1f} % of the row)"
    text = str(int(confusion[i, j]))
    if i == j:
        return MatrixCell(text, share, "hit", hint)
    return MatrixCell(text, min(1.0, 2 * share**0.5), "miss" if confusion[i, j] else "zero", hint)


def heat_table(
    rows: Sequence[str], columns: Sequence[str], values: FloatArray, caption: str, row_axis: str, column_axis: str
) -> Matrix:
    """Lay out shares (0 to 1) in a grid, for example accuracy by corruption and severity; NaN is left empty."""
    grid = np.asarray(values, dtype=np.float64)
    depths = _stretched(grid)
    cells = [
        [
            MatrixCell(f"{100 * value:.1f}" if np.isfinite(value) else "–", float(depth), "hit")
            for value, depth in zip(values_row, depths_row, strict=True)
        ]
        for values_row, depths_row in zip(grid, depths, strict=True)
    ]
    return Matrix(list(rows), list(columns), cells, caption, row_axis, column_axis, upright=True)


def _stretched(grid: FloatArray) -> FloatArray:
    """Stretch values to 0..1 between the smallest and the largest, so that differences show."""
    finite = grid[np.isfinite(grid)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    depths = (np.nan_to_num(grid, nan=low) - low) / max(high - low, 1e-9)
    return np.asarray(depths, dtype=np.float64)
