"""`audit`: everything that is wrong with a collection of pictures, readable top to bottom.

read → copies → unreadable → off topic → label errors → decisions → tables and report. Nothing is done to the data.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from smearlab.audit.contents import report_contents
from smearlab.audit.describe import describe_collection
from smearlab.audit.duplicates import find_copies
from smearlab.audit.features import describe_by
from smearlab.audit.findings import KINDS, Findings
from smearlab.audit.folder import DIGEST, FINDINGS, MANIFEST, QUALITY, REPORT, SUMMARY, check_out, digest_of
from smearlab.audit.folds import check_count
from smearlab.audit.looking import looking
from smearlab.audit.off_topic import find_off_topic
from smearlab.audit.policies import CERTAIN, Policy, check_policy, decide
from smearlab.audit.tables import write_findings
from smearlab.audit.unreadable import find_unreadable
from smearlab.data.atomic import atomic_folder, write_json
from smearlab.data.groups import join_pairs
from smearlab.data.paths import user_path
from smearlab.data.read import read
from smearlab.errors import DataError, counted, require
from smearlab.inference.model_folder import resolve_model
from smearlab.report.audit_report import write_audit_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from smearlab.audit.describe import Description
    from smearlab.audit.features import Described
    from smearlab.audit.findings import Finding
    from smearlab.audit.label_errors import LabelQuality
    from smearlab.audit.manifest import Manifest
    from smearlab.data.cells import BoolArray, Cells, IntArray


@dataclass
class Audit:
    """What an audit found and decided.

    Attributes:
        cells: the whole collection.
        judged: what was looked at: all of it, or its first rows.
        findings: what is wrong.
        manifest: what is to be done.
        quality: what is thought of each label of `judged`; None where labels were not judged.
        judges: who judged the labels, in words; empty where nobody did.
        described: what the model says of each picture of `judged`.
        policy: that made the manifest.
        model: that described the pictures.
        description: what the collection looks like as a whole.
        seconds: of each stage.
        notes: what the reader should know of how it was done, in sentences.
    """

    cells: Cells
    judged: Cells
    findings: Findings
    manifest: Manifest
    quality: LabelQuality | None
    described: Described
    policy: Policy
    model: str
    description: Description
    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    judges: str = ""

    @property
    def affected(self) -> int:
        """Rows with at least one finding."""
        return len(self.findings.rows())

    @property
    def looked_at(self) -> int:
        """Rows that were looked at, readable or not."""
        return len(self.judged) + len(self.judged.unreadable)

    def summary(self) -> dict[str, Any]:
        """Return the figures of ``audit.json``."""
        return {
            "data": self.cells.name,
            "model": self.model,
            "judges": self.judges,
            "quick": self.quality is None,
            "policy": self.policy,
            "rows": len(self.manifest),
            "rows_looked_at": self.looked_at,
            "found": {kind: len(self.findings.of_kind(kind)) for kind in KINDS},
            "rows_affected": self.affected,
            "certain_from": CERTAIN,
            "manifest": {action: self.manifest.count(action) for action in ("keep", "drop", "relabel")},
            "seconds": {stage: round(seconds, 2) for stage, seconds in self.seconds.items()},
            "notes": [*self.notes, *self.description.notes],
        }

    def words(self) -> list[str]:
        """Say in a few lines what was found and decided."""
        found = {kind: self.findings.of_kind(kind) for kind in KINDS}
        lines = [
            f"{counted(self.looked_at, 'picture')} looked at in {sum(self.seconds.values()):.0f} s; "
            f"{self.affected:,} ({self.affected / self.looked_at:.1%}) with something wrong:"
        ]
        for kind, items in found.items():
            if kind == "label_error" and self.quality is None:
                lines.append(f"  {'–':>7} {kind} (not looked for)")
                continue
            certain = sum(item.score >= CERTAIN for item in items)
            lines.append(f"  {len(items):>7,} {kind}" + (f", {certain:,} certain" if certain < len(items) else ""))
        counts = self.manifest
        lines.append(
            f"By the {self.policy} policy: {counts.count('keep'):,} kept, {counts.count('drop'):,} dropped, "
            f"{counts.count('relabel'):,} relabelled."
        )
        if self.judges:
            lines.append(f"Labels were judged by {self.judges}.")
        return lines + self.notes


def audit(
    data: str | Path | Cells,
    out: str | Path,
    *,
    quick: bool = False,
    model: str = "default",
    policy: str = "conservative",
    truncate: int | None = None,
    folds: int = 5,
    seed: int = 0,
    judge: str | None = None,
    train: bool | None = None,
    epochs: int | None = None,
) -> Audit:
    """Find what is wrong with labelled pictures, and write tables, a manifest and a report.

    Args:
        data: any form that `read` takes.
        out: the folder to write to: new, empty, or of an earlier audit whose manifest was not edited.
        quick: look at pixels and the model's features only, not at labels; needs neither torch nor scikit-learn.
        model: whose features tell cells from other things: a model folder, a run folder, or ``default``.
        policy: ``conservative``, ``strict`` or ``none``; see `smearlab.audit.policies`.
        truncate: keep only so many of the first rows, and look at no others.
        folds: parts of the cross-validation that judges labels.
        seed: of folds and trainings.
        judge: where the judges of labels start from: a model, a file of weights, or ``scratch``; None takes `model`.
        train: whether to judge labels by networks trained here too; None does so where the model may not judge.
        epochs: of these networks; None takes what a fixed budget affords.

    Returns:
        What was found and decided; ``findings.csv``, ``label_quality.csv`` (not if quick), ``manifest.csv``,
        ``report.html`` and ``audit.json`` hold it.

    Raises:
        DataError: the data cannot be read or has no labels; an option is wrong; `out` holds something else.
        ModelError: there is no such model.
        MissingExtraError: a library is missing that only the full audit needs.
    """
    chosen, folder = check_policy(policy), user_path(out)
    check_out(folder)
    if quick and (judge or train or epochs is not None):
        raise DataError("--quick does not judge labels: leave it out, or leave out --judge, --train and --epochs.")
    check_count(folds)
    if epochs is not None and epochs < 1:
        raise DataError(f"--epochs {epochs}: give at least 1.")
    if not quick:
        for library in ("sklearn", "cleanlab", "torch"):
            require(library, "train", "The full audit (--quick needs nothing more)")
    resolve_model(model)  # a misspelt one is told now, not after the search for copies
    clock = _Clock()
    with clock.stage("read"):
        cells = read(data, tolerate_unreadable=True, minimum_classes=1)
    judged = first_rows(cells, truncate)
    items, described = _search(judged, model, clock)
    notes, quality, judges = list(cells.notes), None, ""
    if truncate is not None and len(judged) + len(judged.unreadable) < len(cells) + len(cells.unreadable):
        notes.append(f"Rows from {truncate:,} on were not looked at and are dropped (truncated).")
    if not quick:
        start = None if judge == "scratch" else judge or model
        place = None if hasattr(data, "images") else data
        asked = {"folds": folds, "seed": seed, "start": start, "train": train, "epochs": epochs, "data": place}
        with clock.stage("judge labels"):
            quality, judges = _judge(judged, described if start == model else None, items, asked, notes)
        items += quality.findings(judged) if quality else []
    findings = Findings.of(items)
    with clock.stage("describe the whole"):
        description = describe_collection(judged, described, findings, quick=quick, seed=seed)
    manifest = decide(cells, findings, chosen, truncate)
    result = Audit(
        *(cells, judged, findings, manifest, quality, described, chosen, model, description, clock.seconds, notes),
        judges=judges,
    )
    _write(folder, result, "" if hasattr(data, "images") else str(data))
    return result


def first_rows(cells: Cells, count: int | None) -> Cells:
    """Return the pictures of the first rows of the source.

    Raises:
        DataError: there is no readable picture among them.
    """
    if count is None:
        return cells
    kept = np.flatnonzero(cells.rows < count)
    if not len(kept):
        raise DataError(f"--truncate {count}: no readable picture is left. Give the number of rows to keep.")
    return replace(cells.take(kept), unreadable=tuple(one for one in cells.unreadable if one.row < count))


def _search(cells: Cells, model: str, clock: _Clock) -> tuple[list[Finding], Described]:
    """Find what pixels and features tell: copies, unreadable pictures, other things than cells."""
    # The network keeps the cores busy meanwhile, and matrix products that wait for one of them would only spin.
    with looking(cells, model) as looks, threadpool_limits(1, user_api="blas"):
        with clock.stage("find copies"):
            items = [*find_copies(cells)]
        with clock.stage("find unreadable pictures"):
            items += find_unreadable(cells)
        with clock.stage("find other things than cells"):
            teaches = _teaches(cells, items)
            described = describe_by(looks, cells, teaches)
            items += find_off_topic(cells, described, teaches)
    return items, described


def _teaches(cells: Cells, items: list[Finding]) -> BoolArray:
    """Mark the pictures ``bool (n,)`` that show what the collection's cells look like: those that are sure to be kept.

    No ruined ones, and of copies the clean one. A second audit, of what is kept, then learns from the same pictures.
    """
    dropped = [one.row for one in decide(cells, Findings.of(items), "conservative") if one.action == "drop"]
    return ~np.isin(cells.rows, dropped)


def _judge(
    cells: Cells, answers: Described | None, items: list[Finding], asked: dict[str, Any], notes: list[str]
) -> tuple[LabelQuality | None, str]:
    """Judge the labels of rows that nothing else is wrong with, and say who did; where that cannot be, note why."""
    from smearlab.audit.fold_predictions import out_of_sample
    from smearlab.audit.label_errors import judge_labels

    excluded = np.isin(cells.rows, [item.row for item in items])
    try:
        groups = copy_groups(cells, items)
        found = out_of_sample(cells, answers=answers, groups=groups, excluded=excluded, **asked)
    except DataError as error:
        notes.append(f"Labels were not judged: {error}")
        return None, ""
    return judge_labels(cells, found.chances, excluded), found.judges


def copy_groups(cells: Cells, items: Iterable[Finding]) -> IntArray:
    """Group copies by what was found of them: ``int64 (n,)``, the position of each group's first member."""
    place = {row: position for position, row in enumerate(cells.rows.tolist())}
    links = [(place[item.row], place[item.partner]) for item in items if item.partner in place and item.row in place]
    ends = np.array(links, dtype=np.int64).reshape(-1, 2)
    return join_pairs(len(cells), ends[:, 0], ends[:, 1])


def _write(folder: Path, result: Audit, data: str) -> None:
    """Write everything as one folder, which appears whole or not at all."""
    contents = report_contents(result, data)
    with atomic_folder(folder) as temporary:
        write_findings(temporary / FINDINGS, result.findings)
        if result.quality is not None:
            result.quality.write_csv(temporary / QUALITY, result.judged)
        result.manifest.write(temporary / MANIFEST)
        write_audit_report(temporary / REPORT, contents)
        write_json(temporary / SUMMARY, {**result.summary(), DIGEST: digest_of(temporary / MANIFEST)})


class _Clock:
    """Seconds of each stage, in order."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage."""
        start = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - start
