"""How much of what was planted `smearlab audit` finds, what it finds wrongly, and what it costs.

    python -m benchmarks.audit_challenge challenge.npz challenge_truth.json [--quick]

or, on other cells with other junk,

    python -m benchmarks.planted pbc96.parquet --out planted
    python -m benchmarks.audit_challenge planted/cells.npz planted/truth.json --ways planted/ways.json

Natural copies in the data are right finds, by their pixels; see `benchmarks.audit_truth`. The audit runs as a child of
its own, whose time and peak memory are measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.audit_truth import (
    TOP,
    Case,
    Found,
    KindScore,
    judge,
    rank_labels,
    read_case,
    read_dropped,
    read_findings,
    read_ranking,
    wilson,
    wrongly_dropped,
)
from benchmarks.children import run_measured
from benchmarks.machine import describe_machine, use_cores
from benchmarks.results import markdown_table, write_section

if TYPE_CHECKING:
    from benchmarks.memory import Cost
    from smearlab.audit.findings import Kind
    from smearlab.metrics.intervals import Interval

LIBRARIES = ("smearlab", "numpy", "onnxruntime", "torch", "cleanlab", "scikit-learn")
RECALLS: dict[Kind, float] = {
    "exact_duplicate": 1.0,
    "conflicting_duplicate": 1.0,
    "near_duplicate": 0.97,
    "off_topic": 0.99,
    "unreadable": 1.0,
}
PRECISIONS: dict[Kind, float] = {**RECALLS, "unreadable": 0.95}
AVERAGE_PRECISION, TOP_HITS = 0.85, 34
_SHOWN = 12


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    use_cores(options.threads)
    with tempfile.TemporaryDirectory(prefix="smearlab-audit-") as temporary:
        out, cost = options.findings or options.out or Path(temporary) / "audit", None
        if options.findings is None:
            how = ["--quick"] if options.quick else ["--judge", options.judge]
            command = ["audit", str(options.data), "--out", str(out), *how]
            cost = run_measured([sys.executable, "-m", "smearlab", *command])
            if cost.status:
                sys.exit(f"smearlab audit failed with status {cost.status}")
        body = report(read_case(options.data, options.truth), out, cost, read_ways(options.ways))
    print(f"{describe_machine(LIBRARIES)}\n\n{body}")
    if options.write:
        depth = "quick" if options.quick else "full"
        write_section(f"Audit of {options.data.name}, {depth}", body, LIBRARIES)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.audit_challenge", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("data", type=Path, help="npz with images and labels")
    parser.add_argument("truth", type=Path, help="JSON: kind → list of [row, row of the original or null]")
    parser.add_argument("--ways", type=Path, help="JSON: row → how it was made, for recall by way")
    parser.add_argument("--quick", action="store_true", help="no training, no label errors")
    parser.add_argument("--judge", default="scratch", help="as smearlab audit takes it; a model that saw no such cell")
    parser.add_argument("--out", type=Path, help="keep the audit here; otherwise it is removed")
    parser.add_argument("--findings", type=Path, help="judge this audit instead of running one")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave RESULTS.md as it is")
    return parser.parse_args(arguments)


def read_ways(path: Path | None) -> dict[int, str]:
    """Read how each planted row was made; nothing where no file is given."""
    if path is None:
        return {}
    return {int(row): way for row, way in json.loads(path.read_text(encoding="utf-8")).items()}


def report(case: Case, audit: Path, cost: Cost | None, ways: dict[int, str] | None = None) -> str:
    """Lay out everything that is measured of one audit's folder."""
    found = read_findings(audit / "findings.csv")
    ranked = (audit / "label_quality.csv").is_file()
    # A quick audit does not look for label errors.
    scores = [score for score in judge(case, found) if ranked or score.kind != "label_error"]
    # Whole copies are made in one way only.
    kinds = [score.kind for score in scores if score.kind not in ("exact_duplicate", "conflicting_duplicate")]
    parts = [f"{len(case.labels):,} pictures.", kinds_table(scores), *_by_way(case, found, ways or {}, kinds)]
    if ranked:
        parts.append(labels_text(case, read_ranking(audit / "label_quality.csv"), found))
    parts.append(drops_text(case, read_dropped(audit / "manifest.csv"), found))
    if cost is not None:
        parts.append(f"{cost.seconds:.1f} s ({cost.processor:.1f} s of processor time), {cost.peak:.2f} GiB at most.")
    return "\n\n".join(parts)


def kinds_table(scores: Iterable[KindScore]) -> str:
    """Lay out recall and precision of each kind with Wilson's intervals."""
    header = ["kind", "wrong rows", "planted", "recall", "to reach", "found right", "wrong", "either", "precision", "≥"]
    rows = [
        [
            score.kind,
            _listed(score.wrong),
            str(score.planted),
            in_words(score.recall),
            _target(RECALLS, score.kind),
            str(score.right),
            str(len(score.wrong)),
            str(score.neutral),
            in_words(score.precision),
            _target(PRECISIONS, score.kind),
        ]
        for score in scores
    ]
    return markdown_table(header, rows, words=2)


def in_words(interval: Interval) -> str:
    """Write a figure with its interval."""
    return f"{interval.value:.3f} ({interval.low:.3f}–{interval.high:.3f})"


def _target(targets: dict[Kind, float], kind: Kind) -> str:
    return f"{targets[kind]:.2f}" if kind in targets else "–"


def _listed(rows: Sequence[int]) -> str:
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return (", ".join(map(str, rows[:_SHOWN])) or "–") + more


def _by_way(case: Case, found: Iterable[Found], ways: dict[int, str], kinds: Sequence[Kind]) -> list[str]:
    """Lay out the recall of each way in which something was planted."""
    seen = {(one.row, one.kind) for one in found}
    counts: dict[tuple[Kind, str], list[bool]] = defaultdict(list)
    for kind in kinds:
        for row in sorted(case.planted(kind) & ways.keys(), key=lambda row: (ways[row], row)):
            counts[kind, ways[row]].append((row, kind) in seen)
    rows = [[kind, way, str(len(hits)), in_words(wilson(sum(hits), len(hits)))] for (kind, way), hits in counts.items()]
    return [markdown_table(["kind", "way", "planted", "recall"], rows, words=2)] if rows else []


def labels_text(case: Case, ranking: Sequence[int], found: Sequence[Found]) -> str:
    """Say how well the labels are ranked, leaving out what was planted as another defect, or was found as one too."""
    others = {one.row for one in found if one.kind != "label_error"}
    listed = others & {one.row for one in found if one.kind == "label_error"}
    header = [
        "rows left out",
        "ranked",
        "planted errors",
        "average precision",
        "≥",
        f"planted among the first {TOP}",
        "≥",
    ]
    rows = []
    for name, left_out in (("planted as another defect", set[int]()), ("and those the audit found", others)):
        ranked = rank_labels(case, ranking, left_out)
        figures = [str(ranked.ranked), str(ranked.errors), in_words(ranked.precision), f"{AVERAGE_PRECISION:.2f}"]
        rows.append([name, *figures, str(ranked.top), str(TOP_HITS)])
    doubled = f"\n\n{len(listed)} rows are listed as label error and as another defect (to reach: 0)."
    return markdown_table(header, rows) + doubled


def drops_text(case: Case, dropped: Sequence[int], found: Iterable[Found]) -> str:
    """Say how many clean cells the manifest drops."""
    wrong = wrongly_dropped(case, dropped, found)
    which = f": rows {_listed(wrong)}" if wrong else ""
    return f"The manifest drops {len(dropped):,} rows, {len(wrong)} of them clean cells (to reach: 0){which}."


if __name__ == "__main__":
    main()
