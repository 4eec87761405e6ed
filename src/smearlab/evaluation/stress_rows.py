"""Which pictures a stress test is made on: a part of a run's own data, and a sample of it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from smearlab.data.cells import SPLIT_PARTS
from smearlab.errors import DataError
from smearlab.inference.model_folder import resolve_model

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.data.cells import Cells, IntArray, StrArray
    from smearlab.evaluation.matching import Matched

Part = Literal["test", "validation", "train", "all"]
PARTS: tuple[str, ...] = get_args(Part)


@dataclass(frozen=True, eq=False)
class Chosen:
    """Pictures chosen for a stress test.

    Attributes:
        positions: ``int64 (n,)`` into the matched pictures, ascending.
        part: which part they are, or ``all``.
        notes: what a reader should know, in sentences.
    """

    positions: IntArray
    part: str
    notes: list[str]


def choose_rows(
    matched: Matched, model: str | Path, part: str | None = None, limit: int | None = None, seed: int = 0
) -> Chosen:
    """Choose pictures: by default the test part where a run is tried on its own data, all pictures otherwise.

    Args:
        matched: the pictures whose classes the model knows.
        model: as the user gave it; a run's folder says what it was trained on.
        part: ``test``, ``validation``, ``train`` or ``all``; None for the default.
        limit: at most about this many pictures, each class by its share but with one picture at least.
        seed: of the sample.

    Raises:
        DataError: nobody knows the parts of these pictures, the part is empty, or the limit is not positive.
    """
    if limit is not None and limit < 1:
        raise DataError(f"--limit is {limit}; give the number of pictures to take, 1 or more.")
    own = run_parts(matched.cells, model)
    parts = own if own is not None else matched.cells.parts
    name = part or ("all" if own is None else _default_part(own))
    positions = _of_part(matched, parts, name)
    kept = positions if limit is None else positions[stratified(matched.labels[positions], limit, seed)]
    return Chosen(kept, name, [*_warnings(own, kept, name), *_sampled(kept, positions)])


def run_parts(cells: Cells, model: str | Path) -> StrArray | None:
    """Return which part of a run each picture was in: ``str (n,)``, or None where the data is not the run's own.

    A run's ``predictions.csv`` tells its pictures by row and source; pictures that it does not list are not its own.
    """
    listed = _listed(resolve_model(model).parent / "predictions.csv")
    keys = zip(cells.rows.tolist(), cells.sources.tolist(), strict=True)
    found = [listed.get(key) for key in keys] if listed else [None]
    if any(part is None for part in found):
        return None
    return np.array([part or "" for part in found], dtype=np.str_)


def _listed(path: Path) -> dict[tuple[int, str], str]:
    if not (path.is_file() and (path.parent / "recipe.toml").is_file()):
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {(int(row["row"]), row["source"]): row["split"] for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{path} is damaged ({error}). Give the run's model/ folder to go on without its parts."
        ) from None


def _default_part(own: StrArray) -> str:
    return next((name for name in ("test", "validation") if (own == name).any()), "all")


def _of_part(matched: Matched, parts: StrArray | None, name: str) -> IntArray:
    if name not in PARTS:
        raise DataError(f"There is no part '{name}'; give one of {', '.join(PARTS)}.")
    if name == "all":
        return np.arange(len(matched.labels))
    if parts is None:
        raise DataError(
            f"{matched.cells.name} has no parts, and the model is no run that was trained on it, so nobody knows its "
            f"{name} part. Leave --part out for all pictures."
        )
    positions = np.flatnonzero(parts == name)
    if not len(positions):
        filled = [part for part in SPLIT_PARTS if (parts == part).any()]
        raise DataError(f"The {name} part of {matched.cells.name} is empty; it has {', '.join(filled)}.")
    return positions


def stratified(labels: IntArray, limit: int, seed: int) -> IntArray:
    """Draw about `limit` positions, each class by its share, but at least one of each: ``int64``, ascending.

    Args:
        labels: ``int64 (n,)``.
        limit: number of positions; all where there are no more.
        seed: of the draw.
    """
    if limit >= len(labels):
        return np.arange(len(labels))
    rng = np.random.default_rng(seed)
    chosen: list[IntArray] = []
    for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
        wanted = max(1, round(limit * count / len(labels)))
        chosen.append(rng.permutation(np.flatnonzero(labels == label))[:wanted])
    return np.sort(np.concatenate(chosen))


def _warnings(own: StrArray | None, positions: IntArray, part: str) -> list[str]:
    if own is None:
        return []
    trained = int((own[positions] == "train").sum())
    if not trained:
        return []
    return [
        f"{trained:,} of the {len(positions):,} pictures were trained on ({part}): the figures are better than they "
        "would be on new pictures."
    ]


def _sampled(kept: IntArray, positions: IntArray) -> list[str]:
    if len(kept) == len(positions):
        return []
    return [f"A sample of {len(kept):,} of {len(positions):,} pictures, each class by its share."]
