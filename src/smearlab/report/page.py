"""`Page`: one self-contained HTML file.

It makes no network request: its Content-Security-Policy forbids all of them, styles stand in the page, and pictures are
data URIs. It runs no script. Light and dark follow the reader's system.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

import smearlab
from smearlab.data.atomic import write_text
from smearlab.report.blocks import Block, Figures
from smearlab.report.text import tidy

__all__ = ["Page", "Section"]


@dataclass(frozen=True)
class Section:
    """A titled part of a page with an anchor for the table of contents."""

    title: str
    anchor: str
    blocks: Sequence[Block]


@dataclass
class Page:
    """A page under construction.

    Attributes:
        title: what the page is about; the name of the browser's tab too.
        subtitle: the line above the title: which kind of report this is.
        lead: the sentence under the title: what was done.
        footer: a line at the end.

    >>> page = Page("pbc96", "Training report")
    >>> from smearlab.report.blocks import Note
    >>> page.section("Data", Note("13,673 pictures"))
    >>> "<h2" in page.html()
    True
    """

    title: str
    subtitle: str = ""
    lead: str = ""
    footer: str = ""
    headline: Figures | None = None
    remarks: Sequence[Block] = ()
    sections: list[Section] = field(default_factory=list)

    def section(self, title: str, *blocks: Block | None) -> None:
        """Add a section; blocks that are None are left out, and so is a section without any."""
        present = [block for block in blocks if block is not None]
        if present:
            self.sections.append(Section(title, self._anchor(title), present))

    def _anchor(self, title: str) -> str:
        word = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
        taken = {section.anchor for section in self.sections}
        return word if word not in taken else f"{word}-{len(self.sections)}"

    def html(self) -> str:
        """Return the whole page."""
        return environment().get_template("page.html").render(page=self, version=smearlab.__version__)

    def write(self, path: Path) -> None:
        """Write the page atomically.

        Args:
            path: the file, usually ``report.html``; its folder is made if need be.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, self.html())


@cache
def environment() -> jinja2.Environment:
    """Return the templates, with escaping on for every text."""
    loader = jinja2.PackageLoader("smearlab.report", "templates")
    made = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    made.filters["clean"] = tidy
    made.globals["style"] = Markup(loader.get_source(made, "style.css")[0])
    return made
