"""Splitting cells into train, validation and test: stratified, seeded, and with no copy or group across a border."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from smearlab.data import atomic
from smearlab.data.allotment import Allotment, allot, balanced_targets, fraction_targets, trim_to_balance
from smearlab.data.cells import SPLIT_PARTS
from smearlab.data.fingerprint import conflicting_rows, exact_groups, near_groups
from smearlab.data.groups import join_groupings
from smearlab.data.leakage import LeakageReport, check_groups
from smearlab.errors import SplitError

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.data.cells import BoolArray, Cells, IntArray, StrArray

_FEWEST = 3  # pictures a class needs to stand in train, validation and test


class SplitConfig(BaseModel):
    """How to split.

    Attributes:
        kind: ``fractions``, ``folds``, ``given`` (the split the data brings), or ``auto``: the given one where the data
            brings one, fractions otherwise.
        train: share of all pictures, as a fraction or in percent.
        validation: share of all pictures; 0 for none. Of folds: taken out of what is not the test fold.
        test: share of all pictures; 0 for none. Where the three do not fill the whole, the rest is left out.
        folds: number of folds.
        fold: 0-based fold that is the test part.
        balanced_test: the same number of test pictures from every class.
        group_by: ``group`` keeps the groups of the data (patient, slide, source) together, ``auto`` does so where the
            data has them, ``none`` ignores them.
        seed: of the random draws; in a recipe, 0 takes the recipe's own seed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["auto", "fractions", "folds", "given"] = "auto"
    train: Annotated[float, Field(ge=0, le=1)] = 0.72
    validation: Annotated[float, Field(ge=0, lt=1)] = 0.08
    test: Annotated[float, Field(ge=0, lt=1)] = 0.2
    folds: Annotated[int, Field(ge=2)] = 5
    fold: Annotated[int, Field(ge=0)] = 0
    balanced_test: bool = False
    group_by: Literal["auto", "none", "group"] = "auto"
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="before")
    @classmethod
    def _from_percent(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        shares = {name: values[name] for name in SPLIT_PARTS if isinstance(values.get(name), int | float)}
        if any(share > 1 for share in shares.values()):
            return values | {name: share / 100 for name, share in shares.items()}
        return values

    @model_validator(mode="after")
    def _check(self) -> SplitConfig:
        total = self.train + self.validation + self.test
        if self.kind == "folds" and self.fold >= self.folds:
            raise ValueError(
                f"fold is {self.fold}, but the folds of {self.folds} are numbered from 0 to {self.folds - 1}"
            )
        if self.kind == "folds":
            return self  # train and test follow from the number of folds
        if self.train <= 0:
            raise ValueError("train must be more than 0")
        if total > 1 + 1e-9:
            raise ValueError(
                f"train, validation and test add up to {total:.3g}; they must not exceed 1 (or 100 percent)"
            )
        return self


@dataclass(frozen=True, eq=False)
class Split:
    """Positions into a `Cells`, sorted, each in one part at most.

    Attributes:
        train: ``int64 (n,)``.
        validation: ``int64 (n,)``, may be empty.
        test: ``int64 (n,)``, may be empty.
        report: what the leakage check found.
        notes: what a reader should know about this split, in sentences.
    """

    train: IntArray
    validation: IntArray
    test: IntArray
    report: LeakageReport = field(default_factory=lambda: LeakageReport(checked=0, counts={}))
    notes: tuple[str, ...] = ()

    def part_names(self, count: int) -> StrArray:
        """Return the part of each of `count` pictures: ``str (count,)``, empty for those left out."""
        names = np.full(count, "", dtype="<U10")
        for name in SPLIT_PARTS:
            names[getattr(self, name)] = name
        return names

    def save(self, path: Path) -> None:
        """Write the split as JSON, atomically."""
        positions = {name: getattr(self, name).tolist() for name in SPLIT_PARTS}
        atomic.write_json(path, positions | {"report": self.report.model_dump(mode="json"), "notes": list(self.notes)})

    @classmethod
    def load(cls, path: Path) -> Split:
        """Read a split that `save` wrote.

        Raises:
            SplitError: the file is missing or is not a split.
        """
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            parts = {name: np.array(saved[name], dtype=np.int64) for name in SPLIT_PARTS}
            report = LeakageReport.model_validate(saved["report"])
            return cls(**parts, report=report, notes=tuple(str(note) for note in saved["notes"]))
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            raise SplitError(f"{path} cannot be read as a split ({error}). Delete it to split anew.") from error


def split_cells(cells: Cells, config: SplitConfig, near: IntArray | None = None) -> Split:
    """Split cells by class, keeping copies and groups together, and check the outcome for leaks.

    The same cells and the same configuration give the same split. Pictures with the same pixels and different labels
    go to train, because no test figure can be right on them.

    Args:
        cells: labelled pictures.
        config: fractions, folds or the split the data brings.
        near: ``int64 (N,)`` near-copy groups if they are known; computed otherwise.

    Raises:
        SplitError: there are too few groups for the parts asked for, or the data brings no split or groups.
    """
    near = near_groups(cells) if near is None else near
    exact = exact_groups(cells)
    kind = config.kind if config.kind != "auto" else ("fractions" if cells.parts is None else "given")
    units = _units(cells, config, exact, near)
    held = conflicting_rows(cells, exact)
    make = {"fractions": _by_fractions, "folds": _by_folds, "given": _as_given}[kind]
    split = make(cells, config, units, held)
    if not len(split.train):
        raise SplitError(
            f"The train part of {cells.name} is empty. Ask for a larger train share or give more pictures."
        )
    if _one_group(cells, config):
        note = "All pictures are of one group (patient, slide, source), so it stands in every part."
        split = replace(split, notes=(*split.notes, note))
    if held.any() and kind != "given":
        note = f"{held.sum()} pictures whose very pixels also stand under another label were kept together in train."
        split = replace(split, notes=(*split.notes, note))
    return replace(split, report=check_groups(cells, split, exact, near))


def kfold_splits(cells: Cells, config: SplitConfig, near: IntArray | None = None) -> list[Split]:
    """Return all splits of a k-fold cross-validation; each picture is tested once, those held in train never."""
    near = near_groups(cells) if near is None else near
    settings = config.model_dump() | {"kind": "folds"}
    return [split_cells(cells, SplitConfig(**settings | {"fold": fold}), near) for fold in range(config.folds)]


def _units(cells: Cells, config: SplitConfig, exact: IntArray, near: IntArray) -> IntArray:
    if config.group_by == "group" and cells.groups is None:
        raise SplitError(
            f"{cells.name} has no groups to keep together. Give a CSV with a group column, "
            "or set group_by to auto or none."
        )
    if cells.groups is None or config.group_by == "none" or _one_group(cells, config):
        return join_groupings([exact, near])
    return join_groupings([exact, near, cells.groups])


def _one_group(cells: Cells, config: SplitConfig) -> bool:
    """Whether the data's groups are to be kept together "where there are any", and all pictures are in one."""
    if config.group_by != "auto" or cells.groups is None:
        return False
    return len(np.unique(cells.groups)) == 1 and bool(cells.groups[0])


def _by_fractions(cells: Cells, config: SplitConfig, units: IntArray, held: BoolArray) -> Split:
    labels, counts = cells.known_labels, cells.class_counts()
    shares = np.array([config.train, config.validation, config.test])
    _require_units(cells, units, int((shares > 0).sum()))
    rare, notes = _rare_classes(cells)
    if config.balanced_test and config.test > 0:
        targets = balanced_targets(counts, shares, rare)
    else:
        targets = fraction_targets(counts, shares, rare)
    kept = held | rare[labels]
    parts = allot(Allotment(labels, units, targets, kept, seed=config.seed))
    if config.balanced_test and config.test > 0:
        parts, left_out = trim_to_balance(parts, labels, ~rare & (counts > 0), config.seed)
        if left_out:
            notes.append(f"{left_out} pictures were left out so that every class has as many test pictures.")
    return _split_from_parts(cells, config, parts, notes)


def _by_folds(cells: Cells, config: SplitConfig, units: IntArray, held: BoolArray) -> Split:
    labels, counts = cells.known_labels, cells.class_counts()
    _require_units(cells, units, config.folds)
    rare, notes = _rare_classes(cells)
    few = [
        name
        for name, count, is_rare in zip(cells.class_names, counts, rare, strict=True)
        if count < config.folds and not is_rare
    ]
    if few:
        notes.append(f"Fewer pictures than folds, so that some folds do not test: {', '.join(few)}.")
    free = ~(held | rare[labels])
    free = ~np.isin(units, units[~free])
    folds = np.full(len(labels), -1, dtype=np.int64)
    shares = np.full(config.folds, 1 / config.folds)
    targets = fraction_targets(np.bincount(labels[free], minlength=len(counts)), shares, np.zeros_like(rare))
    none_kept = np.zeros(int(free.sum()), dtype=np.bool_)
    folds[free] = allot(Allotment(labels[free], units[free], targets, none_kept, seed=config.seed))
    parts = np.where(folds == config.fold, 2, 0)
    parts = _carve(cells, parts, 1, config.validation * config.folds / (config.folds - 1), units, held, config.seed)
    return _split_from_parts(cells, config.model_copy(update={"test": 1 / config.folds}), parts, notes)


def _as_given(cells: Cells, config: SplitConfig, units: IntArray, held: BoolArray) -> Split:
    if cells.parts is None:
        raise SplitError(
            f"{cells.name} brings no split. Set the split's kind to fractions or folds, or add a split column."
        )
    parts = np.full(len(cells), -1, dtype=np.int64)
    for number, name in enumerate(SPLIT_PARTS):
        parts[cells.parts == name] = number
    notes = ["The split is the one the data brings."]
    unnamed = parts < 0
    if unnamed.any():
        parts[unnamed] = 0
        notes.append(f"{unnamed.sum()} pictures without a part were put into train.")
    for number, share in ((2, config.test), (1, config.validation)):
        if share > 0 and not (parts == number).any():
            remaining = 1 - (0 if number == 2 else config.test)
            parts = _carve(cells, parts, number, share / remaining, units, held, config.seed)
            taken = int((parts == number).sum())
            notes.append(f"The data brings no {SPLIT_PARTS[number]} part; {taken} pictures were taken out of train.")
    return _split_from_parts(cells, None, parts, notes)


def _carve(
    cells: Cells, parts: IntArray, number: int, share: float, units: IntArray, held: BoolArray, seed: int
) -> IntArray:
    """Move a share of train into part `number`, whole units only; units that reach into another part stay."""
    if share <= 0:
        return parts
    if share >= 1:
        raise SplitError(
            f"Taking the {SPLIT_PARTS[number]} part out of train would leave no train part. Ask for a smaller one."
        )
    train = np.flatnonzero(parts == 0)
    labels = cells.known_labels
    counts = np.bincount(labels[train], minlength=len(cells.class_names)).astype(np.int64)
    rare = counts < _FEWEST
    outside = np.isin(units[train], units[parts > 0])
    kept = held[train] | rare[labels[train]] | outside
    targets = fraction_targets(counts, np.array([1 - share, share]), rare)
    taken = allot(Allotment(labels[train], units[train], targets, kept, seed=seed + number))
    carved = parts.copy()
    carved[train[taken == 1]] = number
    return carved


def _rare_classes(cells: Cells) -> tuple[BoolArray, list[str]]:
    """Mark classes with one or two pictures, which go to train, and say so."""
    counts = cells.class_counts()
    rare = np.asarray((counts > 0) & (counts < _FEWEST))
    notes = [
        f"Kept in train and not tested, because there are too few: {cells.class_names[place]} ({counts[place]})."
        for place in np.flatnonzero(rare)
    ]
    return rare, notes


def _require_units(cells: Cells, units: IntArray, parts: int) -> None:
    found = len(np.unique(units))
    if found < parts:
        raise SplitError(
            f"{cells.name} has {found} independent group{'s' * (found != 1)} of pictures, too few for {parts} "
            "parts without a leak. Ask for fewer parts or folds, add pictures, or set group_by "
            "to none if the groups do not matter."
        )


def _split_from_parts(cells: Cells, config: SplitConfig | None, parts: IntArray, notes: list[str]) -> Split:
    chosen = [np.flatnonzero(parts == number).astype(np.int64) for number in range(3)]
    wanted = [] if config is None else [config.train, config.validation, config.test]
    for name, share, members in zip(SPLIT_PARTS, wanted, chosen, strict=False):
        if share > 0 and not len(members):
            raise SplitError(
                f"The {name} part of {cells.name} would be empty: the groups of pictures that belong together are too "
                "large or too few. Ask for a larger share, fewer parts, or give more pictures."
            )
        missing = np.setdiff1d(cells.known_labels, cells.known_labels[members]) if share > 0 else np.zeros(0, np.int64)
        if len(missing):
            names = ", ".join(cells.class_names[label] for label in missing)
            notes.append(f"No picture in {name}: {names}.")
    left_out = len(parts) - sum(map(len, chosen))
    if left_out and sum(wanted) < 1 - 1e-9:
        notes.append(f"The parts asked for do not fill the whole: {left_out} pictures are in none.")
    return Split(chosen[0], chosen[1], chosen[2], notes=tuple(notes))
