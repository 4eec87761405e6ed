"""The page about a cross-validation: mean and spread of every figure, the folds side by side, all mistakes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from smearlab.report import sections
from smearlab.report.blocks import Block, Cell, ClassCell, Code, Columns, EstimateCell, Figure, Figures, Note, Table
from smearlab.report.contents import DataFacts, Machine, Mistake, PartResult
from smearlab.report.curves import History
from smearlab.report.estimates import METRIC_TITLES, Estimate, known_metrics, metric
from smearlab.report.kfold_plots import fold_curves, fold_dots
from smearlab.report.page import Page
from smearlab.report.plots import per_class_intervals
from smearlab.report.tables import write_figures
from smearlab.report.text import NBSP, THIN, count, duration, plural

TITLES = {
    **METRIC_TITLES,
    "brier": "Brier score",
    "nll": "Negative log-likelihood",
    "clean_balanced_accuracy": "Balanced accuracy, a sample as it is",
    "altered_seen_balanced_accuracy": "Balanced accuracy, altered as trained",
    "altered_unseen_balanced_accuracy": "Balanced accuracy, altered otherwise",
}
_DECIMAL = ("macro_auc", "brier", "nll")
_TILES = ("balanced_accuracy", "accuracy", "macro_f1", "ece")
_PER_FOLD = ("balanced_accuracy", "accuracy", "macro_f1")
_TOGETHER = "out-of-fold"


@dataclass(frozen=True)
class OverFolds:
    """A figure over the folds.

    Attributes:
        mean: with its interval.
        sd: standard deviation over the folds.
        folds: of each fold; NaN where it has none.
    """

    mean: Estimate
    sd: float
    folds: Sequence[float]

    def text(self, *, as_percent: bool = True) -> str:
        """Return mean ± standard deviation in words."""
        if not self.mean.known:
            return "–"
        spread = "" if math.isnan(self.sd) else f"{THIN}±{THIN}{self.sd:.3f}"
        if not as_percent:
            return f"{self.mean.value:.3f}{spread}"
        spread = "" if math.isnan(self.sd) else f"{THIN}±{THIN}{100 * self.sd:.1f}"
        return f"{100 * self.mean.value:.1f}{spread}{THIN}%"


@dataclass(frozen=True, eq=False)
class FoldFacts:
    """One fold.

    Attributes:
        name: of its folder.
        pictures: part to how many.
        result: how its model did on the fold's test part.
        history: of its training.
        best_epoch: whose weights were kept.
        leakage: what the leakage check found, in words.
        seconds: of training and measuring.
    """

    name: str
    pictures: Mapping[str, int]
    result: PartResult
    history: History
    best_epoch: int
    leakage: str
    seconds: float


@dataclass(frozen=True, eq=False)
class KFoldReport:
    """What the page shows.

    Attributes:
        data: the data; its counts are the test parts of the folds.
        network: that every fold trained.
        figures: name to the figure over the folds.
        by_class: class to figure to the same.
        folds: each of them.
        together: the figures of all out-of-fold answers.
        untested: pictures that no fold tests.
        mistakes: wrongly named pictures, the most confident first.
        mistake_count: how many there are.
        machine: what it was done with.
        recipe_name: of all folds.
        recipe_toml: as text.
        notes: what the reader should know.
    """

    data: DataFacts
    network: str
    figures: Mapping[str, OverFolds]
    by_class: Mapping[str, Mapping[str, OverFolds]]
    folds: Sequence[FoldFacts]
    together: PartResult
    untested: int
    mistakes: Sequence[Mistake]
    mistake_count: int
    machine: Machine
    recipe_name: str
    recipe_toml: str
    notes: Sequence[str] = ()


def write_kfold_report(path: Path, report: KFoldReport) -> None:
    """Write the page and, beside it, the figures of each fold and of all answers together as CSV.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    kfold_page(report).write(path)
    parts = {fold.name: fold.result for fold in report.folds}
    write_figures(path.parent, {"out_of_fold": report.together, **parts}, report.data.class_names)


def kfold_page(report: KFoldReport) -> Page:
    """Build the page.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    page = Page(report.data.name, "Cross-validation", _lead(report))
    page.headline = _headline(report)
    page.remarks = [Note(text, "warn") for text in report.notes]
    page.section("Figures", *_figures_blocks(report))
    page.section("What is taken for what", *sections.confusion_blocks({_TOGETHER: report.together}, _names(report))[1:])
    page.section("Class by class", *_class_blocks(report))
    page.section("Fold by fold", *_fold_blocks(report))
    page.section("Training", Columns([plot.block() for plot in fold_curves([fold.history for fold in report.folds])]))
    mistakes = sections.mistakes_blocks(report.mistakes, report.mistake_count, report.together, _TOGETHER)
    page.section("Mistakes", *mistakes)
    page.section("Data", *sections.data_blocks(report.data))
    recipe = Code(report.recipe_toml.strip(), f"The recipe: {report.recipe_name}", folded=True)
    page.section("To repeat it", *sections.machine_blocks(report.machine), recipe)
    return page


def _names(report: KFoldReport) -> Sequence[str]:
    return report.data.class_names


def _lead(report: KFoldReport) -> str:
    tested = count(int(report.data.total))
    rest = f" {plural(report.untested, 'picture')} could not be tested." if report.untested else ""
    return (
        f"{report.network} was trained {len(report.folds)} times by the recipe “{report.recipe_name}”, each time "
        f"without one fold of the pictures, and measured on that fold: {tested} pictures, each tested once by a "
        f"network that had never seen it, nor a copy of it.{rest}"
    )


def _headline(report: KFoldReport) -> Figures:
    tiles: list[Figure] = []
    for name in _TILES:
        figure = report.figures.get(name)
        if figure is not None:
            interval = figure.mean.interval()
            note = f"95{THIN}% interval of the mean {interval}" if interval and not tiles else interval
            tiles.append(Figure(TITLES[name], figure.text(), note, figure.mean))
    seconds = sum(fold.seconds for fold in report.folds)
    tiles += [Figure("Folds", str(len(report.folds))), Figure("Time of all folds", duration(seconds))]
    return Figures(tiles)


def _figures_blocks(report: KFoldReport) -> list[Block]:
    rows: list[list[Cell]] = []
    for name, figure in report.figures.items():
        as_percent = name not in _DECIMAL
        values = [value for value in figure.folds if math.isfinite(value)]
        ends = f"{_short(min(values), as_percent)} – {_short(max(values), as_percent)}"
        interval = figure.mean.interval(as_percent=as_percent) or "–"
        together = EstimateCell(metric(report.together.metrics, name), as_percent)
        rows.append([TITLES.get(name, name), figure.text(as_percent=as_percent), interval, ends, together])
    heads = ("Figure", "Mean ± standard deviation", "95 % interval of the mean", "Worst – best fold", "All together")
    table = Table(heads, rows, f"All figures over {plural(len(report.folds), 'fold')}")
    dots = {
        TITLES[name]: report.figures[name].folds
        for name in ("balanced_accuracy", "accuracy", "macro_precision", "macro_f1")
    }
    explained = Note(
        "The interval of the mean is over folds, widened because their training pictures overlap (Nadeau & Bengio "
        "2003). “All together” measures the answers of all folds at once, with a bootstrap interval over pictures."
    )
    plot = fold_dots(dots, "How far the folds lie apart", "A dot for each fold, a stroke for their mean.")
    return [table, Columns([plot.block(), explained])]


def _short(value: float, as_percent: bool) -> str:
    return f"{100 * value:.1f}" if as_percent else f"{value:.3f}"


def _class_blocks(report: KFoldReport) -> list[Block]:
    supports = {name: report.together.metrics["per_class"][name]["support"] for name in _names(report)}
    rows: list[list[Cell]] = [
        [
            ClassCell(name, position),
            *(report.by_class[name][key].text() for key in ("precision", "recall", "f1")),
            int(supports[name]),
        ]
        for position, name in enumerate(_names(report))
    ]
    heads = ("Class", "Precision", "Recall", "F1", "Pictures tested")
    present = [name for name in _names(report) if report.by_class[name]["recall"].mean.known]
    figures = {key: [report.by_class[name][key].mean for name in present] for key in ("precision", "recall")}
    plots: list[Block] = [per_class_intervals(present, figures).block()] if present else []
    reliability = sections.reliability_plot(report.together)
    plots += [reliability.block()] if reliability is not None else []
    return [Table(heads, rows, "Mean ± standard deviation over the folds"), Columns(plots)]


def _fold_blocks(report: KFoldReport) -> list[Block]:
    names = [name for name in known_metrics(report.together.metrics) if name in _PER_FOLD]
    rows: list[list[Cell]] = [
        [
            fold.name.replace("-", NBSP),
            *(int(fold.pictures[part]) for part in ("train", "validation", "test")),
            *(EstimateCell(metric(fold.result.metrics, name), name not in _DECIMAL) for name in names),
            f"{fold.best_epoch}{NBSP}of{NBSP}{len(fold.history)}",
            duration(fold.seconds).replace(" ", NBSP),
        ]
        for fold in report.folds
    ]
    heads = ("Fold", "Train", "Validation", "Test", *(TITLES[name] for name in names), "Kept epoch", "Time")
    leakage = sorted({fold.leakage for fold in report.folds})
    return [Table(heads, rows, "Each fold, with 95 % intervals"), *(Note(text, "good") for text in leakage)]
