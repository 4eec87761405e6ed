"""What a study is: a table of cells that differ in one thing each, and how large each of them is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from smearlab.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

ScaleName = Literal["smoke", "small", "full"]
How = Literal[
    "plain", "distilled", "refined", "flipped", "adapted", "ensemble", "soup", "high_pass", "nucleus", "clustered"
]
_ORDER: tuple[ScaleName, ...] = ("smoke", "small", "full")
CLEAN = "clean"


@dataclass(frozen=True)
class Scale:
    """How large the cells of a study are; within one study all are alike.

    Attributes:
        name: ``smoke``, ``small`` or ``full``.
        pictures: to train on.
        epochs: passes over them.
        seeds: trainings of each cell.
        pool: test pictures of each class, all of which are shown unaltered.
        shown: of these, pictures of each class that each condition is shown; every condition has its own share.
        severities: of the corruptions.
        overrides: of the recipe, beside the budget.
        suites: the test pictures are altered by.
        batch: pictures per step at most, in a study of systems; 0 leaves the recipes'.
        work: of a study of systems: networks of more than so many 10⁹ multiply-adds a picture are trained for fewer
            epochs in proportion, but at least five; 0 leaves the recipes' epochs.
        minutes: of a study of systems: a row that would take longer on this machine is left out; 0 for no limit.
    """

    name: ScaleName
    pictures: int
    epochs: int
    seeds: int
    pool: int
    shown: int
    severities: tuple[int, ...]
    overrides: tuple[str, ...] = ()
    suites: tuple[str, ...] = ("bloodmnist-c", "imagenet-c", "microscope", "chain")
    batch: int = 0
    work: float = 0.0
    minutes: float = 0.0

    def budget(self) -> tuple[str, ...]:
        """Return the recipe's overrides that give every cell the same budget; the last epoch is what is measured."""
        first = "phases.0"
        return (
            *(f"{first}.epochs={self.epochs}", f"{first}.min_steps_per_epoch=1"),
            f"{first}.warmup_epochs={0.25 * self.epochs:g}",
            *("selection.keep=last", *self.overrides),
        )


SCALES: dict[ScaleName, Scale] = {
    # 24 px and few channels: not to learn anything, but to see that every cell runs.
    "smoke": Scale(
        *("smoke", 240, 2, 1, 8, 2, (3,)),
        overrides=("framing.size=24", "network.options.channels=[8, 8, 8, 8]", "phases.0.batch_size=16"),
    ),
    "small": Scale("small", 3000, 10, 2, 60, 12, (3, 5), overrides=("phases.0.batch_size=64",)),
    "full": Scale("full", 4000, 10, 3, 100, 20, (3, 5), overrides=("phases.0.batch_size=64",)),
}
EVERY = 10**9
"""As many as there are."""
_TWO_SUITES = ("bloodmnist-c", "chain")
SYSTEM_SCALES: dict[ScaleName, Scale] = {
    # One picture of each class, and two steps in each phase of the networks as they are.
    "smoke": Scale("smoke", 8, 1, 1, 1, 1, (3,), suites=("chain",), batch=4, work=1e6),
    "small": Scale("small", 2000, 10, 1, 100, 20, (3,), suites=_TWO_SUITES, batch=64, work=0.3, minutes=45),
    "full": Scale("full", EVERY, EVERY, 1, EVERY, 100, (1, 3, 5), suites=_TWO_SUITES, minutes=24 * 60),
}
"""Of studies whose rows are systems with recipes of their own."""


@dataclass(frozen=True)
class Cell:
    """One row of a study.

    Attributes:
        name: identifier, and the name of its files.
        title: as a person reads it.
        section: heading under which it stands in the tables.
        overrides: of the recipe, ``section.key=value`` each: what is different here.
        focus: the figure that this cell is about, such as ``group colour`` where that group is left out; empty for
            none.
        of: cells whose trained networks are used; empty where the cell trains its own. Of each seed, the networks of
            that seed are used.
        how: ``plain`` (a network of its own), ``distilled`` (one of its own, taught by those of others) or ``refined``
            (one of its own, trained without the pictures that K-means puts among another class); or, of the
            networks of others, ``flipped`` (answers averaged over mirrored and turned pictures), ``adapted`` (batch
            normalisation fitted to the pictures that are named), ``ensemble`` (averaged probabilities), ``soup``
            (averaged weights, batch statistics measured anew), ``high_pass`` and ``nucleus`` (pictures filtered before
            they are named) or ``clustered`` (answers of doubtful pictures drawn towards those of their cluster).
        least: the smallest scale at which it is part of the study.
        recipe: its own, which the study's base does not touch; empty for the one that all start from.
        reported: what others reported of it, as in a recipe's ``[reported]``; None takes its own recipe's.
    """

    name: str
    title: str
    section: str
    overrides: tuple[str, ...] = ()
    focus: str = ""
    of: tuple[str, ...] = ()
    how: How = "plain"
    least: ScaleName = "smoke"
    recipe: str = ""
    reported: Mapping[str, float] | None = None

    @property
    def trains(self) -> bool:
        """Whether it trains a network of its own."""
        return self.how in ("plain", "distilled", "refined")


@dataclass(frozen=True)
class Study:
    """A table of cells.

    Attributes:
        name: as on the command line.
        title: the heading of its report.
        description: in a sentence or two, what is asked.
        reference: the cell with which all are compared.
        cells: all of them.
        base: overrides that all cells share but those with recipes of their own.
        scales: how large its cells are.
        systems: its rows are systems with recipes of their own: budgets are only capped, epochs are chosen by
            validation as each recipe says, a row that cannot run here is left out with its reason, and what others
            reported stands beside our figures.
    """

    name: str
    title: str
    description: str
    reference: str
    cells: tuple[Cell, ...]
    base: tuple[str, ...] = ()
    scales: Mapping[ScaleName, Scale] = field(default_factory=lambda: SCALES)
    systems: bool = False

    def choose(self, scale: Scale, only: Sequence[str] = ()) -> list[Cell]:
        """Return the cells to run, in the table's order.

        Args:
            scale: leaves out cells that are worth their time only in a larger study.
            only: names of the cells wanted, at any scale; the reference and the cells they rest on come along.

        Raises:
            DataError: there is no cell of such a name.
        """
        by_name = {cell.name: cell for cell in self.cells}
        for name in only:
            if name not in by_name:
                raise DataError(
                    f"The study {self.name} has no cell '{name}'.{did_you_mean(name, by_name)} "
                    f"It has: {', '.join(by_name)}."
                )
        size = _ORDER.index(scale.name)
        wanted = {name for name in by_name if _ORDER.index(by_name[name].least) <= size}
        wanted = {self.reference, *(only or wanted)}
        wanted |= {name for cell in wanted for name in by_name[cell].of}
        return [cell for cell in self.cells if cell.name in wanted]


@dataclass(frozen=True)
class Task:
    """One training, or one measurement of trained networks: a cell with a seed.

    Attributes:
        cell: what is different here.
        seed: of weights, batches and augmentation; the split is the same for all.
        overrides: all of them: the study's, the budget, the cell's, the seed.
        system: a row of a study of systems: it is validated while it trains, and a failure is written down.
        digest: of a system's whole recipe, as a recipe's file may change between two calls.
    """

    cell: Cell
    seed: int
    overrides: tuple[str, ...]
    system: bool = False
    digest: str = ""

    @property
    def stem(self) -> str:
        """The name of its files."""
        return f"{self.cell.name}.{self.seed}"


def shared_overrides(study: Study, scale: Scale) -> tuple[str, ...]:
    """Return what all cells override: the budget, then what the study says, such as another network."""
    return (*scale.budget(), *study.base)


def tasks_of(study: Study, cells: Sequence[Cell], scale: Scale, seeds: int) -> list[Task]:
    """Return what is to be done, seed by seed, so that every cell has one result early.

    Cells that use the networks of others come after these.
    """
    shared = shared_overrides(study, scale)
    ordered = sorted(cells, key=lambda cell: bool(cell.of))
    return [
        Task(cell, seed, (*shared, *cell.overrides, f"seed={seed}", "split.seed=1"))
        for seed in range(1, seeds + 1)
        for cell in ordered
    ]
