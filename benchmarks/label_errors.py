"""How well wrong labels are found, by every judge alone, by their mean, and by other detectors.

On cells with planted defects, by a model that was not trained on these cells:

    python -m benchmarks.label_errors planted challenge.npz challenge_truth.json --start MODEL

On cells some of whose labels are flipped here, at random or to the class that is most easily taken for the right one:

    python -m benchmarks.label_errors flipped pbc96.parquet --start mobilenet_v2_imagenet.pth --share 0.02 --flips 3

A start ``scratch`` trains networks from nothing; a file of weights trains them from there; a model is asked and probed,
and with ``--train`` trained on too. Several starts may be given, whose judges then also answer together. ``--keep``
holds on to what networks answered, so that another combination costs no training.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.audit_truth import average_precisions, read_case, wilson
from benchmarks.machine import describe_machine, use_cores
from benchmarks.results import markdown_table, write_section
from smearlab.audit.alternatives import eliminate_noise, refine_by_kmeans
from smearlab.audit.fold_predictions import allowed_start, combine, judges
from smearlab.audit.folds import Folds, make_folds
from smearlab.audit.label_errors import LabelQuality, judge_labels
from smearlab.audit.starts import is_model
from smearlab.data.cells import BoolArray, Cells, FloatArray, IntArray
from smearlab.data.fingerprint import exact_groups, near_groups
from smearlab.data.read import read
from smearlab.inference.predictor import Predictor
from smearlab.metrics import bootstrap

LIBRARIES = ("smearlab", "cleanlab", "scikit-learn", "torch", "onnxruntime", "numpy")
CONFUSABLE = {
    "basophil": "immature_granulocyte",
    "eosinophil": "neutrophil",
    "erythroblast": "lymphocyte",
    "immature_granulocyte": "monocyte",
    "lymphocyte": "erythroblast",
    "monocyte": "immature_granulocyte",
    "neutrophil": "immature_granulocyte",
    "platelet": "erythroblast",
}
"""The class that each cell type is most easily taken for."""
HEADER = ("labels", "judge", "AP", "top", "findings", "precision", "recall", "ambiguous", "of which wrong")


@dataclass(frozen=True, eq=False)
class Problem:
    """Cells whose wrong labels are known.

    Attributes:
        name: what was done to the labels.
        cells: with the labels to judge.
        wrong: ``bool (n,)``.
        groups: ``int64 (n,)`` groups of copies.
        junk: ``bool (n,)`` rows that show no cell: nothing is learnt from them.
        judged: ``bool (n,)`` rows that count: no junk, and in no group of copies.
        seed: of the folds and networks.
    """

    name: str
    cells: Cells
    wrong: BoolArray
    groups: IntArray
    junk: BoolArray
    judged: BoolArray
    seed: int


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    use_cores(options.threads)
    rows = []
    for problem in _problems(options):
        for name, quality, seconds in _detectors(problem, options):
            rows.append(score(problem, name, quality))
            print(*rows[-1], f"{seconds:.0f} s", sep=" | ", flush=True)
    table = markdown_table(HEADER, rows, words=2)
    print(f"\n{describe_machine(LIBRARIES)}\n\n{table}")
    if options.write:
        starts = ", ".join(Path(start).name for start in options.start)
        write_section(f"Wrong labels in {options.data.name}, judged from {starts}", table, LIBRARIES)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.label_errors", description=(__doc__ or "").split("\n")[0]
    )
    sets = parser.add_subparsers(dest="set", required=True)
    planted, flipped = sets.add_parser("planted"), sets.add_parser("flipped")
    for one in (planted, flipped):
        one.add_argument("data", type=Path)
        one.add_argument("--start", action="append", required=True, help="a model, a file of weights, or scratch")
        one.add_argument("--train", action="store_true", help="train networks from models too")
        one.add_argument("--epochs", type=int, default=None)
        one.add_argument("--threads", type=int, default=2)
        one.add_argument("--keep", type=Path, default=None, help="folder for what networks answered")
        one.add_argument("--write", action="store_true", help="into RESULTS.md")
    planted.add_argument("truth", type=Path)
    planted.add_argument("--seeds", type=int, default=1, help="of the folds, as many")
    flipped.add_argument("--share", type=float, default=0.02)
    flipped.add_argument("--flips", type=int, default=3, help="seeds")
    flipped.add_argument("--confusable", action="store_true", help="flip to the class most easily taken for the right")
    flipped.add_argument("--pictures", type=int, default=None, help="use so many, drawn at random")
    return parser.parse_args(arguments)


# ---- the sets ------------------------------------------------------------------------------------------------------


def _problems(options: argparse.Namespace) -> Iterator[Problem]:
    cells = read(options.data)
    if options.set == "planted":
        case = read_case(options.data, options.truth)
        groups, junk, wrong = near_groups(cells), marked(cells, case.junk), marked(cells, case.planted("label_error"))
        judged = ~(junk | case.in_copies()[cells.rows] | in_groups(groups))
        for seed in range(options.seeds):
            yield Problem(f"planted, folds {seed}", cells, wrong, groups, junk, judged, seed)
        return
    if options.pictures is not None:
        cells = cells.take(np.sort(np.random.default_rng(0).permutation(len(cells))[: options.pictures]))
    groups, nothing = near_groups(cells), np.zeros(len(cells), dtype=np.bool_)
    judged = ~in_groups(exact_groups(cells))
    for seed in range(options.flips):
        mistaken, wrong = flip(cells, options.share, seed, confusable=options.confusable)
        kind = "confusable" if options.confusable else "random"
        yield Problem(f"{options.share:.0%} {kind}, seed {seed}", mistaken, wrong, groups, nothing, judged, seed)


def flip(cells: Cells, share: float, seed: int, *, confusable: bool = False) -> tuple[Cells, BoolArray]:
    """Put a share of the cells, drawn at random, under another class.

    Args:
        cells: with their true labels.
        share: of all cells.
        seed: of the draws.
        confusable: to the class that is most easily taken for the right one, instead of any other.

    Returns:
        The cells with the new labels, and which are wrong: ``bool (n,)``.
    """
    rng, names = np.random.default_rng(1000 + seed), cells.class_names
    rows = rng.choice(len(cells), round(share * len(cells)), replace=False)
    labels = cells.known_labels.copy()
    if confusable:
        other = np.array([names.index(CONFUSABLE[name]) for name in names])
        labels[rows] = other[labels[rows]]
    else:
        labels[rows] = (labels[rows] + rng.integers(1, len(names), len(rows))) % len(names)
    return replace(cells, labels=labels), labels != cells.known_labels


def marked(cells: Cells, rows: frozenset[int]) -> BoolArray:
    """Mark these rows of the source: ``bool (n,)``."""
    return np.isin(cells.rows, sorted(rows))


def in_groups(groups: IntArray) -> BoolArray:
    """Mark the members of groups of two or more: ``bool (n,)``."""
    _, places, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return np.asarray(counts[places] > 1)


# ---- the detectors -------------------------------------------------------------------------------------------------


def _detectors(problem: Problem, options: argparse.Namespace) -> Iterator[tuple[str, LabelQuality, float]]:
    """Yield each detector's name, its judgement, and the seconds that it took beyond those before it."""
    cells, excluded = problem.cells, ~problem.judged
    folds = make_folds(cells, 5, problem.seed, groups=problem.groups, excluded=problem.junk)
    members: dict[str, FloatArray] = {}
    features = None
    for start in options.start:
        begun = time.monotonic()
        answers = Predictor.load(start).predict(cells.images, features=True) if is_model(start) else None
        features = features if answers is None else answers.features
        found = _kept(options, problem, start) or _asked(cells, folds, start, answers, options, problem)
        name = "" if len(options.start) == 1 else f" {Path(start).name}"
        members |= {f"{judge}{name}": chances for judge, chances in found.items()}
        for judge, chances in found.items():
            yield f"{judge}{name}", judge_labels(cells, chances, excluded), time.monotonic() - begun
            begun = time.monotonic()
    mean, begun = combine(list(members.values())), time.monotonic()
    if len(members) > 1:
        yield "mean", judge_labels(cells, mean, excluded), time.monotonic() - begun
    if features is not None:
        begun = time.monotonic()
        yield "K-means", refine_by_kmeans(cells, features, excluded, seed=problem.seed), time.monotonic() - begun
        begun = time.monotonic()
        noise = eliminate_noise(cells, features, mean, excluded, seed=problem.seed)
        yield "noise per cluster", noise, time.monotonic() - begun


def _asked(
    cells: Cells, folds: Folds, start: str, answers: object, options: argparse.Namespace, problem: Problem
) -> dict[str, FloatArray]:
    given = None if start == "scratch" else allowed_start(start, cells, options.data)
    found = judges(
        cells,
        folds,
        start=given,
        answers=answers,  # type: ignore[arg-type]
        train=options.train or None,
        epochs=options.epochs,
        seed=problem.seed,
    )
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
        np.savez(_kept_path(options, problem, start), **found)  # type: ignore[arg-type]
    return found


def _kept(options: argparse.Namespace, problem: Problem, start: str) -> dict[str, FloatArray]:
    path = None if options.keep is None else _kept_path(options, problem, start)
    if path is None or not path.is_file():
        return {}
    with np.load(path) as arrays:
        return dict(arrays)


def _kept_path(options: argparse.Namespace, problem: Problem, start: str) -> Path:
    words = [options.data.stem, problem.name, *Path(start).parts[-2:], str(options.epochs), str(len(problem.cells))]
    folder: Path = options.keep
    return folder / ("-".join(word.replace(" ", "_").strip("/") for word in words) + ".npz")


# ---- the figures ---------------------------------------------------------------------------------------------------


def score(problem: Problem, name: str, quality: LabelQuality) -> tuple[str, ...]:
    """Return one row of the table: average precision with its interval, hits at the top, and what the findings are."""
    order = quality.order[problem.judged[quality.order]]
    hits = problem.wrong[order].astype(np.float64)
    planted = int(hits.sum())
    precision = bootstrap(len(hits), lambda weights: average_precisions(hits, weights))
    flagged, doubted = quality.is_error & problem.judged, quality.is_ambiguous & problem.judged
    right = int((flagged & problem.wrong).sum())
    return (
        problem.name,
        name,
        f"{precision.value:.3f} ({precision.low:.3f}–{precision.high:.3f})",
        f"{int(hits[:planted].sum())} of {planted}",
        str(int(flagged.sum())),
        _share(right, int(flagged.sum())),
        _share(right, planted),
        str(int(doubted.sum())),
        str(int((doubted & problem.wrong).sum())),
    )


def _share(hits: int, trials: int) -> str:
    if not trials:
        return "–"
    interval = wilson(hits, trials)
    return f"{interval.value:.3f} ({interval.low:.3f}–{interval.high:.3f})"


if __name__ == "__main__":
    main()
