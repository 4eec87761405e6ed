"""``smearlab differential``: the differential count of a slide, as a laboratory reports it.

White blood cells are per cent of all white blood cells; nucleated red ones are counted per 100 white ones, and
platelets for themselves (Rümke 1985 on the intervals of a count; ICSH 2014 on what is reported).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from smearlab.celltypes import LEUKOCYTE_LINEAGES, lineage, title
from smearlab.data.atomic import write_json, write_text
from smearlab.data.paths import user_path
from smearlab.data.stream import stream_pictures
from smearlab.errors import DataError, counted
from smearlab.inference.predict import FramedPicture, predicted_batches
from smearlab.inference.predictor import Predictions, Predictor
from smearlab.metrics.intervals import Interval, wilson

Group: TypeAlias = Literal["leukocyte", "erythroblast", "platelet", "other"]
UNITS: dict[Group, str] = {
    "leukocyte": "% of leukocytes",
    "erythroblast": "per 100 leukocytes",
    "platelet": "counted",
    "other": "% of all cells",
}
"""Unit of the value in each group."""
NAMED = 100
"""Pictures that are named at most, of those without a cell and of those unreadable: memory stays constant."""
USUAL_COUNT = 100
"""Leukocytes that a differential count by eye has at least."""
_SHOWN = 5


@dataclass(frozen=True)
class CountLine:
    """One cell type of a differential count.

    Attributes:
        name: the class.
        group: what it is counted against.
        count: cells.
        value: in the group's unit; of platelets their number. None where there is nothing to count against.
        low: lower end of its 95 % interval; None for platelets, and where there is nothing to count against.
        high: upper end.
    """

    name: str
    group: Group
    count: int
    value: float | None
    low: float | None
    high: float | None


@dataclass
class Differential:
    """The differential count of a collection.

    Attributes:
        model: name of the model.
        pictures: pictures in all.
        counts: class name to number of cells.
        not_cells: pictures that look like no cell; they are not counted.
        unreadable: pictures that cannot be decoded.
        not_cell_names: the first `NAMED` of them.
        unreadable_names: the first `NAMED` of them, with the reason.
    """

    model: str
    counts: dict[str, int]
    pictures: int = 0
    not_cells: int = 0
    unreadable: int = 0
    not_cell_names: list[str] = field(default_factory=list)
    unreadable_names: list[tuple[str, str]] = field(default_factory=list)

    @property
    def leukocytes(self) -> int:
        """White blood cells in all."""
        return sum(count for name, count in self.counts.items() if group_of(name) == "leukocyte")

    @property
    def cells(self) -> int:
        """Cells of all classes."""
        return sum(self.counts.values())

    def lines(self) -> list[CountLine]:
        """Return one line per class, the groups in their order."""
        ordered = sorted(self.counts, key=lambda name: list(UNITS).index(group_of(name)))
        return [self._line(name, self.counts[name]) for name in ordered]

    def add(self, batch: Sequence[FramedPicture], predictions: Predictions) -> None:
        """Count one batch; the predictions are those of its readable pictures."""
        self.pictures += len(batch)
        found = zip(predictions.labels.tolist(), predictions.is_cell.tolist(), strict=True)
        for picture in batch:
            if picture.pixels is None:
                self.unreadable += 1
                if len(self.unreadable_names) < NAMED:
                    self.unreadable_names.append((picture.source, picture.error))
                continue
            label, is_cell = next(found)
            if is_cell:
                self.counts[label] += 1
                continue
            self.not_cells += 1
            if len(self.not_cell_names) < NAMED:
                self.not_cell_names.append(picture.source)

    def as_dict(self) -> dict[str, Any]:
        """Return what stands in the JSON file."""
        return {
            "model": self.model,
            "pictures": self.pictures,
            "cells": self.cells,
            "leukocytes": self.leukocytes,
            "not_cells": self.not_cells,
            "unreadable": self.unreadable,
            "differential": [
                {"name": line.name, "title": title(line.name), "group": line.group, "count": line.count}
                | {"value": line.value, "low": line.low, "high": line.high, "unit": UNITS[line.group]}
                for line in self.lines()
            ],
            "not_cell_names": self.not_cell_names,
            "unreadable_names": [{"source": source, "error": error} for source, error in self.unreadable_names],
        }

    def _line(self, name: str, count: int) -> CountLine:
        group, whites = group_of(name), self.leukocytes
        if group == "platelet":
            return CountLine(name, group, count, float(count), None, None)
        share = _per_hundred_others(count, whites) if group == "erythroblast" else _per_cent(count, self, group)
        if share is None:
            return CountLine(name, group, count, None, None, None)
        return CountLine(name, group, count, share.value, share.low, share.high)


def count_differential(
    pictures: str | Path | Sequence[str],
    model: str | Path | Predictor = "default",
    batch_size: int = 64,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Differential:
    """Count the cell types of a collection, in constant memory however many pictures there are.

    Args:
        pictures: any form that `smearlab.data.stream.stream_pictures` takes; labels are ignored.
        model: a model folder, a run folder, ``default``, or a loaded `Predictor`.
        batch_size: pictures that are worked on at once.
        threads: CPU threads of the network; None takes as many as there are cores.
        progress: called after each batch with the number of pictures it had.

    Raises:
        DataError: the source cannot be read at all.
        ModelError: the model cannot be loaded.
    """
    if batch_size < 1:
        raise DataError(f"batch_size must be at least 1, but got {batch_size}.")
    predictor = model if isinstance(model, Predictor) else Predictor.load(model, threads)
    count = Differential(predictor.info.name, dict.fromkeys(predictor.class_names, 0))
    for batch, predictions in predicted_batches(stream_pictures(pictures), predictor, batch_size):
        count.add(batch, predictions)
        if progress is not None:
            progress(len(batch))
    return count


def group_of(name: str) -> Group:
    """Tell what a class is counted against; classes other than the eight cell types are ``other``."""
    family = lineage(name)
    if family in LEUKOCYTE_LINEAGES:
        return "leukocyte"
    groups: dict[str, Group] = {"erythroid": "erythroblast", "thrombocyte": "platelet"}
    return groups.get(family, "other")


def write_differential(count: Differential, out: str | Path) -> Path:
    """Write a differential count as ``.json`` or ``.csv``; the file appears whole.

    Raises:
        DataError: the name has another ending.
    """
    out = check_out(out)
    if out.suffix.lower() == ".json":
        write_json(out, count.as_dict())
        return out
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["group", "name", "count", "value", "low", "high", "unit"])
    for line in count.lines():
        figures = ["" if value is None else f"{value:.4f}" for value in (line.value, line.low, line.high)]
        table.writerow([line.group, line.name, line.count, *figures, UNITS[line.group]])
    for group, number in (("not a cell", count.not_cells), ("unreadable", count.unreadable)):
        table.writerow([group, "", number, "", "", "", "pictures"])
    write_text(out, text.getvalue())
    return out


def check_out(out: str | Path) -> Path:
    """Check that a count can be written to a file of this name, before anything is counted.

    Raises:
        DataError: its name ends in neither ``.json`` nor ``.csv``.
    """
    path = user_path(out)
    if path.suffix.lower() not in (".json", ".csv"):
        raise DataError(f"A differential count cannot be written to {path}: its name must end in .json or .csv.")
    return path


def differential_words(count: Differential) -> list[str]:
    """Say a differential count in lines of text."""
    words = [f"{counted(count.pictures, 'picture')}: {counted(count.cells, 'cell')} counted."]
    group: Group | None = None
    for line in count.lines():
        if line.group != group:
            group = line.group
            words.append(_heading(group, count))
        words.append(f"  {title(line.name):<24}{line.count:>8,}  {_figure(line)}".rstrip())
    if 0 < count.leukocytes < USUAL_COUNT:
        words.append(f"Only {counted(count.leukocytes, 'leukocyte')}: counts by eye have at least {USUAL_COUNT}.")
    words += _named("look like no cell", count.not_cells, count.not_cell_names)
    unreadable = [f"{source} ({error})" for source, error in count.unreadable_names]
    return words + _named("cannot be read", count.unreadable, unreadable)


def _per_cent(count: int, whole: Differential, group: Group) -> Interval | None:
    total = whole.leukocytes if group == "leukocyte" else whole.cells
    if not total:
        return None
    share = wilson(count, total)
    return Interval(value=100 * share.value, low=100 * share.low, high=100 * share.high)


def _per_hundred_others(count: int, others: int) -> Interval | None:
    """Return how many there are per hundred others, by the interval of their share of both together."""
    if not others:
        return None
    share = wilson(count, count + others)
    value, low, high = (100 * part / (1 - part) for part in (share.value, share.low, share.high))
    return Interval(value=value, low=low, high=high)


def _heading(group: Group, count: Differential) -> str:
    headings: dict[Group, str] = {
        "leukocyte": f"Leukocytes ({count.leukocytes:,}), per cent with 95 % interval",
        "erythroblast": "Nucleated red cells (NRBC), per 100 leukocytes",
        "platelet": "Platelets, counted apart",
        "other": "Other classes, per cent of all cells",
    }
    return headings[group]


def _figure(line: CountLine) -> str:
    if line.value is None or line.low is None or line.high is None:
        return ""
    return f"{line.value:6.1f}  ({line.low:.1f}–{line.high:.1f})"


def _named(what: str, number: int, names: list[str]) -> list[str]:
    if not number:
        return []
    more = f" and {number - _SHOWN:,} more" if number > _SHOWN else ""
    return [f"{counted(number, 'picture')} {what}: {', '.join(names[:_SHOWN])}{more}."]
