"""Judges what an audit found against what was planted.

Natural copies are right finds: whether two rows are copies is decided by their pixels, not by the list of what was
planted alone. Where two kinds fit one picture (noise is unreadable, and no cell either), the second is neither right
nor wrong. Copies of junk are duplicates too.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binomtest

from benchmarks.same_picture import shows_same
from smearlab.audit.findings import DUPLICATES, KINDS, Kind
from smearlab.data.groups import join_pairs
from smearlab.metrics.intervals import Interval, bootstrap

if TYPE_CHECKING:
    from benchmarks.planted import Truth
    from smearlab.data.cells import BoolArray, FloatArray, IntArray, UInt8Array

_TRUE_NAMES = {"unreadable": "unreadable_content"}
TOP = 40


@dataclass(frozen=True)
class Found:
    """One line of ``findings.csv``."""

    row: int
    kind: Kind
    score: float
    partner: int | None


@dataclass(frozen=True)
class KindScore:
    """How well one kind was found.

    Attributes:
        kind: of the defect.
        planted: rows that were planted.
        recalled: of them, those that were found as this kind.
        right: rows found that are right.
        wrong: rows found that are not; their numbers.
        neutral: rows found that count neither way.
    """

    kind: Kind
    planted: int
    recalled: int
    right: int
    wrong: tuple[int, ...]
    neutral: int

    @property
    def recall(self) -> Interval:
        """Share of the planted rows that were found, with Wilson's interval (1927)."""
        return wilson(self.recalled, self.planted)

    @property
    def precision(self) -> Interval:
        """Share of the rows found that are right, with Wilson's interval."""
        return wilson(self.right, self.right + len(self.wrong))


@dataclass(frozen=True, eq=False)
class Case:
    """A collection whose defects are known.

    Attributes:
        images: ``uint8 (N, H, W, 3)``.
        labels: ``int64 (N,)``.
        truth: kind → ``(row, row of the original or None)``.
    """

    images: UInt8Array
    labels: IntArray
    truth: Truth

    @cached_property
    def pixels(self) -> IntArray:
        """Number of each picture's pixels ``int64 (N,)``: equal where all pixels are."""
        digests = [blake2b(np.ascontiguousarray(picture).data, digest_size=16).digest() for picture in self.images]
        numbers: dict[bytes, int] = {}
        return np.array([numbers.setdefault(digest, len(numbers)) for digest in digests], dtype=np.int64)

    @cached_property
    def clusters(self) -> IntArray:
        """Group of each row ``int64 (N,)``: by equal pixels, and by what was planted as a copy of what."""
        pairs = [pair for kind in DUPLICATES for pair in self.truth.get(kind, ()) if pair[1] is not None]
        return self._joined([(row, int(original)) for row, original in pairs if original is not None])

    def clusters_with(self, found: Iterable[Found]) -> IntArray:
        """Return the groups `clusters`, joined by those near copies found that are right."""
        pairs = [(one.row, one.partner) for one in found if one.kind == "near_duplicate" and one.partner is not None]
        right = [pair for pair in pairs if self.clusters[pair[0]] != self.clusters[pair[1]] and self.alike(*pair)]
        return self._joined([*right, *((row, int(group)) for row, group in enumerate(self.clusters))])

    def _joined(self, pairs: Sequence[tuple[int, int]]) -> IntArray:
        _, first, places = np.unique(self.pixels, return_index=True, return_inverse=True)
        ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        rows = np.arange(len(self.labels))
        return join_pairs(len(rows), np.concatenate([rows, ends[:, 0]]), np.concatenate([first[places], ends[:, 1]]))

    def alike(self, row: int, partner: int) -> bool:
        """Whether the pixels of two rows show the same thing; each pair is compared once."""
        pair = min(row, partner), max(row, partner)
        if pair not in self._compared:
            self._compared[pair] = shows_same(self.images[pair[0]], self.images[pair[1]])
        return self._compared[pair]

    @cached_property
    def _compared(self) -> dict[tuple[int, int], bool]:
        return {}

    def planted(self, kind: str) -> frozenset[int]:
        """Return the rows that were planted as a kind; `smearlab.audit`'s names or the file's."""
        return frozenset(row for row, _ in self.truth.get(_TRUE_NAMES.get(kind, kind), ()))

    @property
    def junk(self) -> frozenset[int]:
        """Rows on which no cell can be seen."""
        return self.planted("off_topic") | self.planted("unreadable")

    def has_copy(self, row: int, *, same_label: bool) -> bool:
        """Whether another row has the same pixels, and the same label or another one."""
        alike = np.flatnonzero(self.pixels == self.pixels[row])
        same = self.labels[alike] == self.labels[row]
        return bool(((alike != row) & (same == same_label)).any())

    def in_copies(self) -> BoolArray:
        """Mark the rows ``bool (N,)`` that are in any group of copies."""
        _, places, counts = np.unique(self.clusters, return_inverse=True, return_counts=True)
        return np.asarray(counts[places] > 1)


def read_truth(path: Path) -> Truth:
    """Read the list of what was planted."""
    table = json.loads(path.read_text(encoding="utf-8"))
    return {kind: [(int(row), original) for row, original in pairs] for kind, pairs in table.items()}


def read_case(data: Path, truth: Path) -> Case:
    """Read ``images`` and ``labels`` of an npz, and the list of what was planted."""
    with np.load(data) as arrays:
        return Case(arrays["images"], arrays["labels"].astype(np.int64).ravel(), read_truth(truth))


def read_findings(path: Path) -> list[Found]:
    """Read ``findings.csv``."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_found(line) for line in csv.DictReader(file)]


def _found(line: dict[str, str]) -> Found:
    kind = next(kind for kind in KINDS if kind == line["kind"])
    return Found(int(line["row"]), kind, float(line["score"]), int(line["partner"]) if line["partner"] else None)


def judge(case: Case, found: Iterable[Found], kinds: Sequence[Kind] = KINDS) -> list[KindScore]:
    """Judge findings, kind by kind."""
    by_kind: dict[Kind, dict[int, Found]] = defaultdict(dict)
    for one in found:
        by_kind[one.kind].setdefault(one.row, one)
    return [_judge_kind(case, kind, by_kind[kind]) for kind in kinds]


def _judge_kind(case: Case, kind: Kind, found: dict[int, Found]) -> KindScore:
    verdicts = {row: _verdict(case, one) for row, one in found.items()}
    planted = case.planted(kind)
    return KindScore(
        kind=kind,
        planted=len(planted),
        recalled=len(planted & found.keys()),
        right=sum(verdict is True for verdict in verdicts.values()),
        wrong=tuple(sorted(row for row, verdict in verdicts.items() if verdict is False)),
        neutral=sum(verdict is None for verdict in verdicts.values()),
    )


def _verdict(case: Case, one: Found) -> bool | None:
    """Say whether a finding is right; None where it counts neither way."""
    if one.kind == "exact_duplicate":
        return case.has_copy(one.row, same_label=True)
    if one.kind == "conflicting_duplicate":
        return case.has_copy(one.row, same_label=False)
    if one.kind == "near_duplicate":
        return _near_verdict(case, one)
    if one.row in case.planted(one.kind):
        return True
    return None if one.kind != "label_error" and one.row in case.junk else False


def _near_verdict(case: Case, one: Found) -> bool | None:
    """Right where the row's group has other pixels, or where the pixels themselves show the same thing."""
    fellows = case.clusters == case.clusters[one.row]
    if len(np.unique(case.pixels[fellows])) > 1:
        return True
    if one.partner is None:
        return False
    if one.row in case.junk and one.partner in case.junk:
        return None  # two drawings of one kind, or two cuts of one photograph
    return case.alike(one.row, one.partner)


def wilson(hits: int, trials: int) -> Interval:
    """Return a share with Wilson's 95 % interval (Wilson 1927); 1 on 0 to 1 where nothing was tried."""
    if not trials:
        return Interval(value=1.0, low=0.0, high=1.0)
    interval = binomtest(hits, trials).proportion_ci(method="wilson")
    return Interval(value=hits / trials, low=float(interval.low), high=float(interval.high))


@dataclass(frozen=True)
class Ranking:
    """How well ``label_quality.csv`` ranks planted label errors.

    Attributes:
        precision: average precision with its bootstrap interval over rows.
        top: planted errors among the first `TOP`.
        ranked: rows that were ranked.
        errors: planted errors among them.
    """

    precision: Interval
    top: int
    ranked: int
    errors: int


def rank_labels(case: Case, rows: Sequence[int], left_out: Iterable[int] = ()) -> Ranking:
    """Judge a ranking of rows, worst first, after removing copies, junk and unreadable rows.

    Args:
        case: what was planted.
        rows: in the order of the ranking.
        left_out: further rows to remove: those that the audit itself has found as such.
    """
    removed = set(np.flatnonzero(case.in_copies()).tolist()) | case.junk | set(left_out)
    kept = [row for row in rows if row not in removed]
    errors = case.planted("label_error")
    hits = np.array([row in errors for row in kept], dtype=np.float64)
    return Ranking(
        bootstrap(len(hits), lambda weights: average_precisions(hits, weights)),
        int(hits[:TOP].sum()),
        len(kept),
        int(hits.sum()),
    )


def average_precisions(hits: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the average precision of a ranking for each resample, ``float64 (B,)``.

    Args:
        hits: ``float64 (N,)`` 1 for what is looked for, in the order of the ranking.
        weights: ``float64 (B, N)`` how often each row counts.
    """
    wanted = weights * hits
    total = wanted.sum(1)
    precision = np.cumsum(wanted, 1) / np.maximum(np.cumsum(weights, 1), 1e-12)
    areas: FloatArray = np.divide((wanted * precision).sum(1), total, out=np.full(len(total), np.nan), where=total > 0)
    return areas


def read_ranking(path: Path) -> list[int]:
    """Read the rows of ``label_quality.csv``, worst first."""
    with path.open(encoding="utf-8", newline="") as file:
        return [int(line["row"]) for line in csv.DictReader(file)]


def wrongly_dropped(case: Case, dropped: Iterable[int], found: Iterable[Found] = ()) -> list[int]:
    """Return the dropped rows that show a clean cell of which no copy is left.

    Members of a group with several labels may all be dropped, and so may planted label errors: neither is clean.

    Args:
        case: what was planted.
        dropped: rows.
        found: what the audit found; natural near copies among it are copies too.
    """
    gone, clusters = set(dropped), case.clusters_with(found)
    left = np.ones(len(case.labels), dtype=np.bool_)
    left[sorted(gone)] = False
    saved = set(clusters[left].tolist())
    labelled = np.unique(np.stack([clusters, case.labels], axis=1), axis=0)[:, 0]
    several = set(labelled[1:][labelled[1:] == labelled[:-1]].tolist())
    allowed = case.junk | case.planted("label_error")
    return sorted(row for row in gone - allowed if int(clusters[row]) not in saved | several)


def read_dropped(path: Path) -> list[int]:
    """Read the rows that a manifest drops."""
    with path.open(encoding="utf-8", newline="") as file:
        return [int(line["row"]) for line in csv.DictReader(file) if line["action"] == "drop"]
