"""The manifest: what is to happen to every picture of a collection, in a table that a person can edit.

Nothing is done to the data by writing one. It is applied to a copy (`smearlab.audit.apply`) or to what is read for
training (`smearlab.audit.cleaned`), so every decision can be taken back.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from smearlab.celltypes import canonical_name
from smearlab.data.atomic import write_text
from smearlab.data.forms.base import name_some
from smearlab.data.paths import user_path
from smearlab.data.plaintable import read_table
from smearlab.errors import DataError, counted, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from smearlab.data.cells import Cells

Action = Literal["keep", "drop", "relabel"]
ACTIONS: tuple[Action, ...] = get_args(Action)
COLUMNS = ("row", "source", "action", "label", "reason")
_NEEDED = COLUMNS[:4]
_SHOWN_FAULTS = 5


@dataclass(frozen=True)
class Decision:
    """What is to happen to one picture.

    Attributes:
        row: 0-based position of the picture in the source before anything was skipped.
        source: the file's name or the row's description.
        action: ``keep``, ``drop`` or ``relabel``.
        label: class identifier: the new one for ``relabel``, else the one that the data gives, or empty.
        reason: why, in words; empty where there is nothing to say.
        line: of the file that it was read from; 0 for one that was not.
    """

    row: int
    source: str
    action: Action = "keep"
    label: str = ""
    reason: str = ""
    line: int = 0


@dataclass(frozen=True)
class Manifest:
    """One decision per picture of the source, in the order of rows; also for pictures that cannot be decoded.

    Attributes:
        decisions: the rows of the table.
        name: of the file, for messages.
    """

    decisions: tuple[Decision, ...]
    name: str = "manifest.csv"

    def __len__(self) -> int:
        return len(self.decisions)

    def __iter__(self) -> Iterator[Decision]:
        return iter(self.decisions)

    def count(self, action: Action) -> int:
        """Count the pictures with an action."""
        return sum(decision.action == action for decision in self.decisions)

    def decides_like(self, other: Manifest) -> bool:
        """Whether two manifests do the same to the same pictures, whatever their reasons."""

        def effect(manifest: Manifest) -> list[tuple[int, str, str, str]]:
            return [(one.row, one.source, one.action, one.label * (one.action == "relabel")) for one in manifest]

        return effect(self) == effect(other)

    def write(self, path: Path) -> None:
        """Write it as a table that every spreadsheet opens, atomically."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((one.row, one.source, one.action, one.label, one.reason) for one in self.decisions)
        write_text(path, buffer.getvalue())

    @classmethod
    def read(cls, given: str | Path) -> Manifest:
        """Read one, perhaps edited by hand: in any order, and as any spreadsheet saves it.

        Args:
            given: a table with the columns ``row,source,action,label[,reason]``, separated by commas, semicolons or
                tabs; further columns are ignored. Class names may be spelt in any known way.

        Raises:
            DataError: there is no such file; a column is missing; an action is unknown; a relabelled picture has no
                label; a row is no number, stands twice or is missing; there are no rows. The message names the lines.
        """
        path = user_path(given)
        if (path / "manifest.csv").is_file():
            raise DataError(f"{path} is the folder of an audit. Give the manifest in it: {path / 'manifest.csv'}")
        if not path.is_file():
            raise DataError(f"There is no manifest {path}. `smearlab audit DATA --out DIR` writes DIR/manifest.csv.")
        table = read_table(path)
        header = [cell.lower() for cell in table[0][1]] if table else []
        _check_header(header, path)
        if not table[1:]:
            raise DataError(
                f"{path} decides on no picture: there is no line below its header. It needs one for each picture, as "
                "`smearlab audit DATA --out DIR` writes them to DIR/manifest.csv."
            )
        faults: list[str] = []
        decisions = [_parsed(line, dict(zip(header, cells, strict=False)), faults) for line, cells in table[1:]]
        known = [decision for decision in decisions if decision is not None]
        if not faults:
            faults = _misnumbered(known)
        _refuse(faults, str(path))
        return cls(tuple(sorted(known, key=lambda one: one.row)), path.name)

    def check(self, cells: Cells) -> None:
        """Make sure that it was made for this very collection and asks for nothing that cannot be done.

        Args:
            cells: the collection as it is read, all rows of the source among readable and unreadable pictures.

        Raises:
            DataError: another number of rows, other names, an unknown class, or a new label without ``relabel``. The
                message names the lines.
        """
        there = sources_and_labels(cells)
        if len(there) != len(self):
            raise DataError(
                f"{self.name} decides on {counted(len(self), 'picture')}, but {cells.name} has {len(there):,}. "
                "Give the data that it was made for, or audit this data anew."
            )
        faults = []
        for decision, (source, label) in zip(self.decisions, there, strict=True):
            fault = _misfit(decision, source, label, cells.class_names)
            if fault:
                faults.append(f"{_place(decision)}: {fault}")
        _refuse(faults, self.name)


def sources_and_labels(cells: Cells) -> list[tuple[str, str]]:
    """List source and class of every row of the source, readable or not; an empty class where there is none."""
    names = (*cells.class_names, "")  # the label -1 of a picture without a class finds the last
    labels = cells.labels.tolist() if cells.labels is not None else [-1] * len(cells)
    readable = zip(cells.rows.tolist(), cells.sources.tolist(), labels, strict=True)
    unreadable = ((one.row, one.source, one.label) for one in cells.unreadable)
    return [(source, names[label]) for _, source, label in sorted((*readable, *unreadable))]


def _check_header(header: Sequence[str], path: Path) -> None:
    wanted = f"Wanted: {','.join(_NEEDED)}[,reason]"
    if not header:
        raise DataError(f"{path} is empty. {wanted}")
    missing = [column for column in _NEEDED if column not in header]
    if missing:
        hint = did_you_mean(missing[0], [column for column in header if column not in COLUMNS])
        found = name_some([f"'{column}'" for column in header], 9)
        raise DataError(f"{path} has no column '{missing[0]}' in its first line, only {found}.{hint} {wanted}")


def _parsed(line: int, cells: dict[str, str], faults: list[str]) -> Decision | None:
    """Read one line; what is wrong with it is added to the faults."""
    row, action = cells.get("row", ""), cells.get("action", "").lower()
    label = canonical_name(cells.get("label", ""))
    if not (row.isascii() and row.isdigit()):
        faults.append(f"line {line}: the row '{row}' is no whole number")
    elif action not in ACTIONS:
        hint = did_you_mean(action, ACTIONS)
        known = ", ".join(ACTIONS) + ("." if hint else "")
        faults.append(f"line {line}: the action '{action}' is none of {known}{hint}")
    elif action == "relabel" and not label:
        faults.append(f"line {line}: 'relabel' without a label; write the right class into the column 'label'")
    else:
        return Decision(int(row), cells.get("source", ""), _as_action(action), label, cells.get("reason", ""), line)
    return None


def _as_action(text: str) -> Action:
    return next(action for action in ACTIONS if action == text)


def _misnumbered(decisions: Sequence[Decision]) -> list[str]:
    """Say which rows stand twice or are missing."""
    first: dict[int, int] = {}
    faults = []
    for decision in decisions:
        before = first.setdefault(decision.row, decision.line)
        if before != decision.line:
            faults.append(f"line {decision.line}: row {decision.row} stands in line {before} already")
    missing = sorted(set(range(max(first) + 1)) - first.keys())
    if missing:
        which = f"row {missing[0]} is" if len(missing) == 1 else f"rows {name_some(missing)} are"
        faults.append(f"{which} missing; there must be one line for each picture, also for those to drop")
    return faults


def _misfit(decision: Decision, source: str, label: str, class_names: Sequence[str]) -> str:
    """Say why a decision does not fit its picture; empty where it does."""
    if decision.source != source.strip():  # tables lose the spaces around a cell
        return f"row {decision.row} is '{decision.source}' here but '{source}' in the data; audit this data anew"
    if decision.action == "relabel" and decision.label not in class_names:
        known = ", ".join(class_names) or "none, as it has no labels"
        hint = did_you_mean(decision.label, class_names)
        return f"the class '{decision.label}' is none of the data's.{hint} These are {known}"
    if decision.action == "keep" and decision.label not in ("", label):
        return f"'keep' with the label '{decision.label}', where the data says '{label}'; write relabel to change it"
    return ""


def _place(decision: Decision) -> str:
    return f"line {decision.line}" if decision.line else f"row {decision.row}"


def _refuse(faults: Sequence[str], where: str) -> None:
    if not faults:
        return
    if len(faults) == 1:
        raise DataError(f"{where}, {faults[0]}" + ("" if faults[0].endswith("?") else "."))
    more = f"\n  … and {len(faults) - _SHOWN_FAULTS:,} more" if len(faults) > _SHOWN_FAULTS else ""
    raise DataError(f"{where} has {len(faults):,} faults:\n  " + "\n  ".join(faults[:_SHOWN_FAULTS]) + more)
