"""Matplotlib figures as SVG that takes its colours and fonts from the page it stands in.

A figure is drawn once, with placeholder colours; in the SVG these become CSS variables, so the same drawing is right on
a light page, on a dark one, and in print. Text stays text: it can be read aloud, searched and copied. Only matplotlib's
object interface is used, no ``pyplot`` and no figure registry, so pages can be made from several threads.
"""

from __future__ import annotations

import io
import re
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from xml.etree import ElementTree

from markupsafe import Markup

from smearlab.data.atomic import atomic_path
from smearlab.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MplFigure

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "{http://www.w3.org/1999/xlink}href"
# Matplotlib's settings are global: one drawing at a time, or threads would see each other's.
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Palette:
    """The colours of a drawing, ``#rrggbb``.

    Attributes:
        ink: text and axes that matter.
        muted: labels and ticks.
        line: grid lines.
        surface: what lies behind.
        first: first series, and what is right.
        second: second series, and what is wrong.
        third: third series.
    """

    ink: str
    muted: str
    line: str
    surface: str
    first: str
    second: str
    third: str

    @property
    def series(self) -> tuple[str, str, str]:
        """Colours of up to three series."""
        return (self.first, self.second, self.third)


PLACEHOLDERS = Palette("#010203", "#010204", "#010205", "#010206", "#010207", "#010208", "#010209")
LIGHT = Palette("#1f1b2a", "#625c70", "#e4e0ea", "#ffffff", "#5d3fa8", "#c2571a", "#1f8a70")
_VARIABLES = {
    PLACEHOLDERS.ink: "var(--ink)",
    PLACEHOLDERS.muted: "var(--muted)",
    PLACEHOLDERS.line: "var(--line)",
    PLACEHOLDERS.surface: "var(--card)",
    PLACEHOLDERS.first: "var(--first)",
    PLACEHOLDERS.second: "var(--second)",
    PLACEHOLDERS.third: "var(--third)",
}

Draw: TypeAlias = "Callable[[MplFigure, Palette], None]"


def require_matplotlib() -> None:
    """Check that plots can be drawn.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401 - the core install has no matplotlib
    except ImportError:
        raise MissingExtraError("train", "Drawing a report") from None


def render_svg(draw: Draw, width: float, height: float) -> Markup:
    """Draw a figure and return its ``<svg>`` element for a page.

    Args:
        draw: draws on an empty figure with the given colours.
        width: in CSS pixels, at the size of a phone; the page scales it up.
        height: in CSS pixels.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    buffer = io.BytesIO()
    with _figure(draw, width, height, PLACEHOLDERS) as figure:
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _themed(buffer.getvalue())


def save_figure(path: Path, draw: Draw, width: float, height: float) -> None:
    """Write a figure as a file on its own, light, atomically.

    Args:
        path: ends in ``.png``, ``.svg`` or ``.pdf``.
        draw: draws on an empty figure with the given colours.
        width: in CSS pixels.
        height: in CSS pixels.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with _figure(draw, width, height, LIGHT) as figure, atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.suffix.lstrip(".") or "png", dpi=200)


@contextmanager
def _figure(draw: Draw, width: float, height: float, palette: Palette) -> Iterator[MplFigure]:
    require_matplotlib()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with _LOCK, rc_context(_style(palette)), warnings.catch_warnings():
        # Names in other scripts are drawn by the browser, whatever letters matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained", facecolor=palette.surface)
        draw(figure, palette)
        yield figure


def _style(palette: Palette) -> dict[Any, Any]:
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": "smearlab",
        "text.parse_math": False,  # a class may be called "$x$"
        "font.family": ["DejaVu Sans"],
        "font.size": 10.5,
        "axes.labelsize": 10.0,
        "axes.labelcolor": palette.muted,
        "axes.edgecolor": palette.line,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": palette.line,
        "grid.linewidth": 0.8,
        "text.color": palette.ink,
        "xtick.color": palette.line,
        "ytick.color": palette.line,
        "xtick.labelcolor": palette.muted,
        "ytick.labelcolor": palette.muted,
        "xtick.labelsize": 10,
        "ytick.labelsize": 10,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "xtick.minor.visible": False,
        "ytick.minor.visible": False,
        "lines.linewidth": 1.8,
        "lines.solid_capstyle": "round",
        "legend.frameon": False,
        "legend.fontsize": 10,
        "legend.labelcolor": palette.ink,
        "legend.borderpad": 0.0,
        "legend.handlelength": 1.4,
        "legend.columnspacing": 1.4,
        "figure.constrained_layout.w_pad": 0.03,
        "figure.constrained_layout.h_pad": 0.03,
    }


def _themed(svg: bytes) -> Markup:
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(svg)
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    prefix = f"p{zlib.crc32(svg):x}-"
    _isolate(root, prefix)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("focusable", "false")
    root.set("aria-hidden", "true")
    text = ElementTree.tostring(root, encoding="unicode")
    text = re.sub("|".join(_VARIABLES), lambda found: _VARIABLES[found[0]], text)
    text = text.replace("'DejaVu Sans', sans-serif", "inherit").replace("'DejaVu Sans'", "inherit")
    return Markup(text)


def _isolate(root: ElementTree.Element, prefix: str) -> None:
    """Keep only the ids that are referred to, and make them unlike those of other drawings in the page."""
    uses = re.compile(r"url\(#([^)]+)\)")
    for element in root.iter():
        target = element.attrib.pop(_XLINK, None)
        if target is not None:
            element.set("href", f"#{prefix}{target[1:]}")
        for name in ("clip-path", "style"):
            if name in element.attrib:
                element.set(name, uses.sub(lambda found: f"url(#{prefix}{found[1]})", element.attrib[name]))
    text = ElementTree.tostring(root, encoding="unicode")
    for element in root.iter():
        own = element.attrib.pop("id", None)
        if own is not None and f"#{prefix}{own}" in text:
            element.set("id", f"{prefix}{own}")
