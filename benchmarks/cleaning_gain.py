"""What cleaning is worth: one recipe trained on the data as it is and on the cleaned data, tested on clean cells.

    python -m benchmarks.cleaning_gain challenge.npz pbc96.parquet --out gain [--truth challenge_truth.json]

The data is audited once, with labels judged by networks from scratch, because the shipped model has seen these cells.
Each policy gives a manifest, and `smearlab train --manifest` does the rest, with the same recipe and seeds. The test
cells are those of the second collection of which no exact or near copy is in the first. With a list of what was
planted, a further arm leaves out every planted row: what a perfect audit would reach. `smearlab train` leaves out exact
and conflicting copies by itself; here it is told not to, and --copies adds an arm where it does. With --out everything
is kept, and a second call goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.audit_truth import read_truth
from benchmarks.children import run_measured
from benchmarks.machine import describe_machine, use_cores
from benchmarks.results import markdown_table, write_section
from smearlab.audit.manifest import Decision, Manifest, sources_and_labels
from smearlab.audit.policies import check_policy, decide
from smearlab.audit.tables import read_findings
from smearlab.data.fingerprint import near_groups
from smearlab.data.read import read
from smearlab.inference.predictor import Predictor
from smearlab.metrics.comparison import paired_difference
from smearlab.metrics.repeats import condition_figures, difference_over_runs, picture_weights

if TYPE_CHECKING:
    from smearlab.audit.findings import Findings
    from smearlab.data.cells import Cells, FloatArray, IntArray
    from smearlab.metrics.intervals import Interval

LIBRARIES = ("smearlab", "torch", "timm", "cleanlab", "scikit-learn", "numpy")
AS_IT_IS = "as it is"
SAFE_LIKENESS = 0.85
"""Correlation from which a test cell is taken for a copy: below the usual one, for a lost cell costs little here."""
SETTINGS = (
    "split.train=0.9",
    "split.validation=0.1",
    "split.test=0",
    "robustness.pictures=0",
    "phases.0.epochs=24",
    "phases.0.warmup_epochs=6",
    "phases.0.min_steps_per_epoch=69",
)
"""Beside the recipe: all the data to learn from, and as many steps for cleaned data as for challenge.npz as it is:
with fewer pictures an epoch would be shorter, and the difference would be that of training less."""
KEEP_COPIES, LEAVE_OUT_COPIES = "data.drop_duplicates=false", "data.drop_duplicates=true"


@dataclass(frozen=True, eq=False)
class Arm:
    """One way to train: its name, the manifest that cleans the data (None for as it is), and what training leaves out.

    Training leaves out exact and conflicting copies by itself; here it must not, or nothing would be as it is.
    """

    name: str
    manifest: Path | None
    copies: str = KEEP_COPIES


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    use_cores(options.threads)
    with tempfile.TemporaryDirectory(prefix="smearlab-gain-") as temporary:
        out = options.out or Path(temporary)
        out.mkdir(parents=True, exist_ok=True)
        data = read(options.data, tolerate_unreadable=True, minimum_classes=1)
        test, matched = unseen(read(options.clean), data)
        print(f"{len(test):,} test cells; {matched:,} are in {data.name} too and were left out", flush=True)
        arms = line_up(data, audited(options.data, out, options.judge), options, out)
        answers = {arm.name: [answer(arm, seed, test, options, out) for seed in options.seeds] for arm in arms}
    body = report(options, test, matched, answers)
    print(f"{describe_machine(LIBRARIES)}\n\n{body}")
    if options.write:
        write_section("What cleaning is worth", body, LIBRARIES)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cleaning_gain", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("data", help="what is to be cleaned")
    parser.add_argument("clean", help="clean cells of the same classes, to test on")
    parser.add_argument("--truth", type=Path, help="JSON of what was planted: adds the arm of a perfect audit")
    parser.add_argument("--policies", nargs="+", default=["conservative", "strict"])
    parser.add_argument("--copies", action="store_true", help="also measure what training leaves out by itself")
    parser.add_argument("--judge", default="scratch", help="as smearlab audit takes it; a model that saw no such cell")
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--set", dest="values", nargs="+", default=list(SETTINGS), metavar="KEY=VALUE")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, help="keep audit and runs here, and go on with what is there")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave RESULTS.md as it is")
    return parser.parse_args(arguments)


def unseen(clean: Cells, data: Cells) -> tuple[Cells, int]:
    """Return the clean cells of which the data holds no copy, and how many others there are.

    Pictures of different sizes are compared as well: copies may be resized.
    """
    pictures = [*clean.images, *data.images]
    count = len(clean)
    both = replace(
        data,
        images=pictures,
        labels=None,
        sources=np.concatenate([clean.sources, data.sources]),
        rows=np.arange(len(pictures)),
        groups=None,
        parts=None,
    )
    groups = near_groups(both, SAFE_LIKENESS)
    kept = np.flatnonzero(~np.isin(groups[:count], groups[count:]))
    return clean.take(kept), count - len(kept)


def audited(data: str, out: Path, judge: str) -> Findings:
    """Audit the data, or read the findings of an earlier call."""
    table = out / "audit" / "findings.csv"
    if not table.is_file():
        _run(["audit", data, "--out", str(out / "audit"), "--judge", judge])
    return read_findings(table)


def line_up(data: Cells, findings: Findings, options: argparse.Namespace, out: Path) -> list[Arm]:
    """Write a manifest for each arm, the data as it is first."""
    manifests = {policy: decide(data, findings, check_policy(policy)) for policy in options.policies}
    if options.truth is not None:
        manifests["perfect"] = perfect(data, options.truth)
    arms = [Arm(AS_IT_IS, None), *([Arm("copies left out", None, LEAVE_OUT_COPIES)] if options.copies else [])]
    for name, manifest in manifests.items():
        path = out / f"{name}.csv"
        manifest.write(path)
        arms.append(Arm(name, path))
        print(f"{name}: {manifest.count('drop'):,} dropped, {manifest.count('relabel'):,} relabelled", flush=True)
    return arms


def perfect(data: Cells, truth: Path) -> Manifest:
    """Drop every planted row; originals stay."""
    planted = {row for pairs in read_truth(truth).values() for row, _ in pairs}
    rows = enumerate(sources_and_labels(data))
    return Manifest(
        tuple(Decision(row, source, "drop" if row in planted else "keep", label) for row, (source, label) in rows)
    )


def answer(arm: Arm, seed: int, test: Cells, options: argparse.Namespace, out: Path) -> IntArray:
    """Train an arm with a seed, where that is not done yet, and return its answers ``int64 (N,)`` as test classes."""
    run = out / f"{arm.name.replace(' ', '_')}_{seed}"
    if not (run / "model" / "model.json").is_file():
        settings = [word for value in (f"seed={seed}", arm.copies, *options.values) for word in ("--set", value)]
        manifest = ["--manifest", str(arm.manifest)] if arm.manifest else []
        _run(["train", options.data, "--recipe", options.recipe, *settings, *manifest, "--out", str(run)])
    named = Predictor.load(run / "model").predict(test.images)
    places = np.array([test.class_names.index(name) for name in named.class_names], dtype=np.int64)
    found: IntArray = places[named.label_indices]
    print(f"{arm.name}, seed {seed}: {(found == test.known_labels).mean():.4f}", flush=True)
    return found


def _run(arguments: Sequence[str]) -> None:
    cost = run_measured([sys.executable, "-m", "smearlab", *arguments])
    if cost.status:
        sys.exit(f"smearlab {arguments[0]} failed with status {cost.status}")
    print(f"smearlab {arguments[0]}: {cost.seconds / 60:.1f} minutes", flush=True)


def report(options: argparse.Namespace, test: Cells, matched: int, answers: dict[str, list[IntArray]]) -> str:
    """Lay out accuracies and paired differences, seed by seed and over all."""
    labels, (base, *others) = test.known_labels, answers
    header = ["data", "seed", "accuracy", "better than as it is, in points", "p (McNemar)"]
    rows = []
    for seed, found in zip(options.seeds, answers[base], strict=True):
        rows.append([base, str(seed), f"{(found == labels).mean():.4f}", "–", "–"])
    for name in others:
        rows += _by_seed(name, labels, options.seeds, answers[base], answers[name])
        rows.append(_pooled(name, labels, answers[base], answers[name]))
    text = (
        f"{Path(options.data).stem} with the recipe {options.recipe} ({', '.join(options.values)}), tested on "
        f"{len(test):,} cells of {Path(options.clean).stem}; {matched:,} of its cells are in the data too "
        "and were left out. Differences with 95 % intervals, over pictures for a seed, over pictures and seeds for all."
    )
    return f"{text}\n\n{markdown_table(header, rows, words=2)}"


def _by_seed(
    name: str, labels: IntArray, seeds: Sequence[int], base: Sequence[IntArray], found: Sequence[IntArray]
) -> list[list[str]]:
    rows = []
    for seed, before, after in zip(seeds, base, found, strict=True):
        paired = paired_difference(labels, before, after, "accuracy")
        figures = [f"{paired.b:.4f}", in_points(paired.difference), f"{paired.mcnemar.p_value:.2g}"]
        rows.append([name, str(seed), *figures])
    return rows


def _pooled(name: str, labels: IntArray, base: Sequence[IntArray], found: Sequence[IntArray]) -> list[str]:
    weights = picture_weights(labels, seed=0)
    plain = difference_over_runs(accuracies(labels, base, weights), accuracies(labels, found, weights))
    even = difference_over_runs(balanced(labels, base, weights), balanced(labels, found, weights))
    mean = np.mean([(answer == labels).mean() for answer in found])
    words = f"**{in_points(plain)}**; balanced accuracy {in_points(even)}"
    return [name, "all", f"{mean:.4f}", words, "–"]


def accuracies(labels: IntArray, answers: Sequence[IntArray], weights: FloatArray) -> FloatArray:
    """Return the accuracy of each run for each resample: ``float64 (S, B + 1)``."""
    right = np.stack([(answer == labels).astype(np.float64) for answer in answers])
    return np.asarray(right @ weights.T / weights.sum(1))


def balanced(labels: IntArray, answers: Sequence[IntArray], weights: FloatArray) -> FloatArray:
    """Return the balanced accuracy of each run for each resample: ``float64 (S, B + 1)``."""
    right = [(answer == labels).astype(np.int8)[:, None] for answer in answers]
    return np.stack([condition_figures(one, labels, weights)[:, 0] for one in right])


def in_points(interval: Interval) -> str:
    """Write a difference of shares in percentage points."""
    return f"{100 * interval.value:+.2f} ({100 * interval.low:+.2f} to {100 * interval.high:+.2f})"


if __name__ == "__main__":
    main()
