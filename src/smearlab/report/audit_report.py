"""The page about an audit: what was found, in pictures, and decisions by hand that become a manifest.

Needs NumPy, Pillow and Jinja2 only: a quick audit works in the core install. The page runs one script of its own, which
its Content-Security-Policy names by hash, and makes no network request.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from markupsafe import Markup

import smearlab
from smearlab import celltypes
from smearlab.report.audit_contents import AuditReport
from smearlab.report.audit_figures import class_blocks, group_blocks, map_blocks, smear_blocks, statistics_blocks
from smearlab.report.blocks import (
    Block,
    Cell,
    ClassCell,
    Code,
    Columns,
    Facts,
    Figure,
    Figures,
    Matrix,
    MatrixCell,
    Note,
    ShareCell,
    Table,
)
from smearlab.report.estimates import Estimate
from smearlab.report.gallery_data import Gallery, make_gallery
from smearlab.report.gallery_kinds import AMBIGUOUS, GALLERY_KINDS, OTHERS, GalleryKind, kind_of
from smearlab.report.page import Page, Section, environment
from smearlab.report.text import count, duration, percent, plural, source_name

SCRIPTS = (
    "gallery_data.js",
    "gallery_cards.js",
    "gallery_lists.js",
    "gallery_dialog.js",
    "gallery_maps.js",
    "gallery_main.js",
)
FOUND = tuple(kind for kind in GALLERY_KINDS if kind.key != OTHERS)


def write_audit_report(path: Path, report: AuditReport) -> None:
    """Write the page.

    Args:
        path: the HTML file, usually ``report.html``.
        report: what is shown.
    """
    audit_page(report).write(path)


def audit_page(report: AuditReport) -> AuditPage:
    """Build the page about an audit."""
    page = AuditPage(source_name(report.name), "Audit", _lead(report), report=report)
    page.footer = report.created
    page.headline = _headline(report)
    page.remarks = [Note(text, "warn") for text in report.notes]
    page.before = [Section("In short", "in-short", _overview(report))]
    page.section("Classes", *class_blocks(report))
    page.section("Size and colour", *statistics_blocks(report))
    page.section("Natural groups", *group_blocks(report))
    page.section("Maps", *map_blocks(report, [kind for kind, _ in page.kinds]))
    page.section("Same smear", *smear_blocks(report))
    page.section("How it was done", *_account(report))
    return page


@dataclass
class AuditPage(Page):
    """A page with a gallery between its sections, and the script that drives it.

    Attributes:
        report: what the gallery shows.
        before: sections before the gallery; all others follow it.
    """

    report: AuditReport = field(kw_only=True)
    before: list[Section] = field(default_factory=list)

    def html(self) -> str:
        """Return the whole page."""
        return environment().get_template("audit.html").render(page=self, version=smearlab.__version__)

    @cached_property
    def gallery(self) -> Gallery:
        """Thumbnails and data of the gallery, drawn when first asked for."""
        return make_gallery(self.report)

    @property
    def kinds(self) -> list[tuple[GalleryKind, int]]:
        """Parts of the gallery that hold anything, with how many findings they hold."""
        counts = self.gallery.counts
        return [(kind, counts[kind.key]) for kind in GALLERY_KINDS if kind.key in counts]

    @property
    def style(self) -> Markup:
        """Styles beside those that all pages have."""
        return Markup(_source("audit.css"))

    @cached_property
    def script(self) -> Markup:
        """The one script of the page."""
        parts = "\n".join(_source(name) for name in SCRIPTS)
        return Markup(f'(() => {{\n"use strict";\n{parts}}})();')

    @property
    def script_hash(self) -> str:
        """The script's hash as a Content-Security-Policy names it: no other script can run in the page."""
        digest = hashlib.sha256(self.script.encode()).digest()
        return f"sha256-{base64.b64encode(digest).decode('ascii')}"

    @staticmethod
    def rendered(block: Block) -> Markup:
        """Return a block as HTML."""
        return Markup(environment().get_template("blocks.html").module.render(block))  # type: ignore[attr-defined]

    @staticmethod
    def class_title(name: str) -> str:
        """Return a class name as a person reads it."""
        return celltypes.title(name)


def _source(name: str) -> str:
    made = environment()
    assert made.loader is not None
    return made.loader.get_source(made, name)[0]


# ---- at a glance ---------------------------------------------------------------------------------------------------


def _lead(report: AuditReport) -> str:
    affected = _affected(report)
    rows = plural(report.total, "picture")
    depth = "A quick look at pixels and features" if report.quick else "A full audit"
    if not affected:
        return f"{depth} of {rows} found nothing wrong."
    return f"{depth} of {rows} found something to look at in {count(affected)}. Nothing was changed: you decide below."


def _headline(report: AuditReport) -> Figures:
    affected = _affected(report) / max(1, report.total)
    seconds = sum(report.seconds.values())
    note = f"{count(round(affected * report.total))} of {plural(report.total, 'row')}, each counted once"
    tiles = [Figure("Pictures affected", percent(affected), note, Estimate(affected))]
    tiles += [_kind_tile(report, kind) for kind in FOUND if kind.key != AMBIGUOUS]
    if len(tiles) < 7 and seconds:
        tiles.append(Figure("Time", duration(seconds)))
    return Figures(tiles)


def _affected(report: AuditReport) -> int:
    """Count the pictures with a finding. Ambiguous cells are none: their labels may be right."""
    return _of(report, *(kind.key for kind in FOUND if kind.key != AMBIGUOUS))


def _kind_tile(report: AuditReport, kind: GalleryKind) -> Figure:
    label = kind.short.capitalize()
    if kind.key == "label_error" and not report.class_names:
        return Figure(label, "–", "no labels")
    if kind.key == "label_error" and report.quick and not _of(report, "label_error", AMBIGUOUS):
        return Figure(label, "–", "not in a quick audit")
    rows = {item.row for item in report.items if kind_of(item) == kind.key}
    return Figure(label, count(len(rows)), _kind_note(report, kind, len(rows)))


def _kind_note(report: AuditReport, kind: GalleryKind, rows: int) -> str:
    if kind.form == "groups":
        groups = {item.group for item in report.items if kind_of(item) == kind.key and item.group is not None}
        return f"in {plural(len(groups), 'group')}" if groups else ""
    if kind.key == "label_error" and (doubtful := _of(report, AMBIGUOUS)):
        return f"and {count(doubtful)} ambiguous"
    return f"{percent(rows / max(1, report.total))} of the rows" if rows else ""


def _of(report: AuditReport, *kinds: str) -> int:
    return len({item.row for item in report.items if kind_of(item) in kinds})


def _overview(report: AuditReport) -> list[Block]:
    blocks: list[Block] = []
    if report.items:
        blocks.append(_kinds_table(report))
    else:
        blocks.append(Note("Nothing was found wrong with these pictures.", "good"))
    decisions: list[Block] = [_manifest_note(report), _commands(report)]
    if report.items and report.class_names:
        return [*blocks, Columns([_class_matrix(report), *decisions], wide_first=True)]
    return [*blocks, *decisions]


def _kinds_table(report: AuditReport) -> Table:
    actions = {line.row: line.action for line in report.manifest}
    rows: list[list[Cell]] = []
    for kind in FOUND:
        found = {item.row for item in report.items if kind_of(item) == kind.key}
        if found:
            fates = Counter(actions.get(row, "keep") for row in found)
            share = ShareCell(Estimate(len(found) / max(1, report.total)))
            rows.append([kind.title, len(found), share, fates["keep"], fates["drop"], fates["relabel"]])
    columns = ["Kind", "Pictures", "Share", "Kept", "Dropped", "Relabelled"]
    return Table(columns, rows, f"What was found, and what the {report.policy} policy does")


def _class_matrix(report: AuditReport) -> Matrix:
    kinds = [kind for kind in FOUND if _of(report, kind.key)]
    numbers = Counter((item.label, kind_of(item)) for item in report.items)
    cells = [[_class_cell(report, name, kind, numbers) for kind in kinds] for name in report.class_names]
    titles = [ClassCell(name, place) for place, name in enumerate(report.class_names)]
    columns = [kind.short for kind in kinds]
    return Matrix(titles, columns, cells, "Findings in each class", "labelled", "finding")


def _class_cell(
    report: AuditReport, name: str, kind: GalleryKind, numbers: Mapping[tuple[str, str], int]
) -> MatrixCell:
    number = numbers.get((name, kind.key), 0)
    share = number / max(1, report.counts.get(name, 0))
    hint = f"{celltypes.title(name)}: {plural(number, 'picture')} {kind.short}, {percent(share)} of the class"
    return MatrixCell(count(number), min(1.0, 2 * share**0.5), "miss" if number else "zero", hint)


def _manifest_note(report: AuditReport) -> Note:
    fates = Counter(line.action for line in report.manifest)
    done = [f"{verb} {count(fates[action])}" for verb, action in (("keeps", "keep"), ("drops", "drop"))]
    text = f"The {report.policy} policy {', '.join(done)} and relabels {count(fates['relabel'])} of "
    text += f"{plural(report.total, 'row')}. Decide otherwise by hand below, and export the manifest: it then holds "
    text += "every row with your decisions in it. The data itself is never changed."
    return Note(text)


def _commands(report: AuditReport) -> Code:
    data = shlex.quote(report.data or source_name(report.name))
    lines = f"smearlab apply {data} --manifest manifest.csv --out cleaned\n"
    lines += f"smearlab train {data} --manifest manifest.csv --recipe standard --out runs/cleaned"
    return Code(lines, "To go on with the exported manifest", exact=True)


# ---- how it was done -----------------------------------------------------------------------------------------------


def _account(report: AuditReport) -> list[Block]:
    pairs = [("Rows", count(report.total)), ("Policy", report.policy), ("Depth", "quick" if report.quick else "full")]
    pairs += [("Labels judged by", report.judges)] if report.judges else []
    pairs += [(name.capitalize(), duration(seconds)) for name, seconds in report.seconds.items()]
    if report.seconds:
        pairs.append(("In all", duration(sum(report.seconds.values()))))
    keys = "Arrow keys move between pictures; Enter opens one. K keeps, D drops, R relabels, U takes back."
    return [Facts(pairs), Note(keys, title="Keys"), _browser_note()]


def _browser_note() -> Note:
    return Note(
        "Decisions are kept by this browser until you forget them, and leave it only as the manifest you export.",
        title="Where decisions are kept",
    )
