"""From read cells to cells that can be trained on: copies set aside, and a split that does not leak."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.atomic import write_json
from smearlab.data.fingerprint import DuplicatePair, conflicting_rows, exact_groups, find_duplicates
from smearlab.data.split import Split, split_cells
from smearlab.errors import TrainingError

if TYPE_CHECKING:
    from smearlab.data.cells import Cells, IntArray, StrArray
    from smearlab.training.recipe import Recipe
    from smearlab.training.run_folder import Run


@dataclass(frozen=True, eq=False)
class Prepared:
    """Cells ready for training.

    Attributes:
        cells: all readable cells, copies included.
        split: parts as positions into `cells`.
        duplicates: pairs of copies, as positions into `cells`.
        dropped: ``int64`` positions that are in no part, because an identical picture is, or because the same picture
            stands under several labels.
        notes: what was done, in words.
    """

    cells: Cells
    split: Split
    duplicates: list[DuplicatePair]
    dropped: IntArray
    notes: list[str] = field(default_factory=list)

    @property
    def parts(self) -> StrArray:
        """``str (N,)``: train, validation, test, dropped, or empty where the fractions leave it out."""
        names = self.split.part_names(len(self.cells))
        names[self.dropped] = "dropped"
        return names

    def save(self, run: Run) -> None:
        """Write split and copies into a run's folder, so that a resumed run finds them as they were."""
        self.split.save(run.split)
        content = {
            "pictures": len(self.cells),
            "duplicates": [asdict(pair) for pair in self.duplicates],
            "dropped": self.dropped.tolist(),
            "notes": self.notes,
        }
        write_json(run.copies, content)

    @classmethod
    def load(cls, cells: Cells, run: Run) -> Prepared | None:
        """Read what `save` wrote, or return None where there is nothing yet.

        Raises:
            TrainingError: the run was started with another number of pictures, or a file is damaged.
        """
        if not (run.split.is_file() and run.copies.is_file()):
            return None
        try:
            content = json.loads(run.copies.read_text(encoding="utf-8"))
            count, pairs = content["pictures"], [DuplicatePair(**pair) for pair in content["duplicates"]]
            dropped, notes = np.array(content["dropped"], dtype=np.int64), list(content["notes"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(f"{run.copies} is damaged ({error}). Start anew in another folder.") from error
        if count != len(cells):
            raise TrainingError(
                f"This run was started with {count:,} pictures, but {cells.name} has {len(cells):,}. "
                "Give the same data, or start anew in another folder."
            )
        return cls(cells, Split.load(run.split), pairs, dropped, notes)


@dataclass(frozen=True, eq=False)
class Copies:
    """Which pictures are copies of which.

    Attributes:
        exact: ``int64 (N,)`` groups of identical pictures, each numbered by its first.
        near: ``int64 (N,)`` groups of near copies, the identical ones among them.
        pairs: the pairs that make up the groups.
    """

    exact: IntArray
    near: IntArray
    pairs: list[DuplicatePair]


def prepare(cells: Cells, recipe: Recipe, copies: Copies | None = None) -> Prepared:
    """Find copies, set aside those that teach nothing, and split the rest.

    Of identical pictures with one label the first is kept; of identical pictures with several labels none is, since
    nobody can say which is right. A split that the data brings is left whole and only checked.

    Args:
        cells: labelled pictures.
        recipe: what to do with copies, and the split.
        copies: from `find_copies` if they are known; searched otherwise.

    Raises:
        SplitError: the split that was asked for cannot be made.
    """
    copies = copies or find_copies(cells, recipe)
    exact, near = copies.exact, copies.near
    dropped = _redundant(cells, exact) if recipe.data.drop_duplicates and cells.parts is None else _nothing()
    kept = np.setdiff1d(np.arange(len(cells)), dropped)
    config = recipe.split.model_copy(update={"seed": recipe.split.seed or recipe.seed})
    split = _positions_in(split_cells(cells.take(kept), config, near[kept]), kept)
    return Prepared(cells, split, copies.pairs, dropped, [*cells.notes, *_notes(cells, exact, dropped)])


def _positions_in(split: Split, kept: IntArray) -> Split:
    """Express a split of some cells as positions into all of them."""
    leaks = [
        leak.model_copy(update={"row": int(kept[leak.row]), "partner": int(kept[leak.partner])})
        for leak in split.report.leaks
    ]
    report = split.report.model_copy(update={"leaks": tuple(leaks)})
    return replace(
        split, train=kept[split.train], validation=kept[split.validation], test=kept[split.test], report=report
    )


def find_copies(cells: Cells, recipe: Recipe) -> Copies:
    """Find identical pictures and, where the recipe asks for it, near copies."""
    if not recipe.data.near_duplicates:
        exact = exact_groups(cells)
        return Copies(exact, exact, [])
    found = find_duplicates(cells)
    return Copies(found.exact, found.near, list(found.pairs))


def _redundant(cells: Cells, exact: IntArray) -> IntArray:
    conflicting = conflicting_rows(cells, exact)
    later = exact != np.arange(len(cells))
    return np.flatnonzero(conflicting | later).astype(np.int64)


def _nothing() -> IntArray:
    return np.zeros(0, dtype=np.int64)


def _notes(cells: Cells, exact: IntArray, dropped: IntArray) -> list[str]:
    if not len(dropped):
        return []
    conflicting = int(conflicting_rows(cells, exact).sum())
    notes = []
    if len(dropped) - conflicting:
        notes.append(f"{len(dropped) - conflicting} exact copies were left out; the first of each was kept.")
    if conflicting:
        notes.append(
            f"{conflicting} identical pictures that stand under several labels were left out: they need a person's eye."
        )
    return notes
