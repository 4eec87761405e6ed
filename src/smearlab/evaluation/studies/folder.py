"""`StudyFolder`: where the files of a study lie, and which of its tasks are done."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smearlab.data.atomic import TEMPORARY_PREFIX, atomic_folder, atomic_path, remove_leftovers, write_json
from smearlab.errors import DataError
from smearlab.training.run_folder import Run

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.evaluation.studies.plan import Scale, Study, Task

PLAN = "plan.json"


@dataclass(frozen=True)
class StudyFolder:
    """A study's folder.

    Attributes:
        path: the folder.
        base: the recipe that all cells start from.
        precision: of all of them.
        data: path of the data, beside which starting weights are looked for; empty where it has none.
        store: where rows are kept that several studies have in common; None for nowhere.
    """

    path: Path
    base: str
    precision: str
    data: str = ""
    store: Path | None = None

    @property
    def material(self) -> Path:
        """The pictures; removed when the study is finished."""
        return self.path / "material"

    @property
    def cells(self) -> Path:
        """The results of the tasks."""
        return self.path / "cells"

    def answers(self, task: Task) -> Path:
        """Which pictures a task's network named rightly."""
        return self.cells / f"{task.stem}.npz"

    def facts(self, task: Task) -> Path:
        """What a task was and how long it took; written last."""
        return self.cells / f"{task.stem}.json"

    def work(self, task: Task) -> Path:
        """The state of a training that is under way, apart for every recipe."""
        digest = hashlib.blake2b(repr(task.overrides).encode() + task.digest.encode(), digest_size=4).hexdigest()
        return self.path / "work" / f"{task.stem}.{digest}"

    def network(self, cell: str, seed: int) -> Run:
        """The run folder of a network that other cells rest on."""
        return Run(self.path / "networks" / f"{cell}.{seed}")

    def read_facts(self, task: Task) -> dict[str, Any]:
        """Read what a task left behind; empty where it is not done, or was done by another recipe."""
        path = self.facts(task)
        if not (path.is_file() and self.answers(task).is_file()):
            return {}
        try:
            facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            return {}
        known = (facts.get("overrides"), facts.get("digest", ""))
        return facts if known == (list(task.overrides), task.digest) and "failed" not in facts else {}

    def write_failure(self, task: Task, reason: str) -> None:
        """Write down why a row of systems came to nothing; given again, the command tries it again."""
        write_json(self.facts(task), {"cell": task.cell.name, "seed": task.seed, "failed": reason})
        self.answers(task).unlink(missing_ok=True)

    def read_failure(self, task: Task) -> str:
        """Return why a row came to nothing; empty where it did not."""
        path = self.facts(task)
        if not path.is_file():
            return ""
        try:
            return str(json.loads(path.read_text(encoding="utf-8")).get("failed", ""))
        except ValueError:
            return ""

    def take_from_store(self, task: Task) -> bool:
        """Copy a row's files from those that other studies left, where one trained the very same; say whether."""
        place = self._stored(task)
        if place is None or not (place / "facts.json").is_file():
            return False
        facts = json.loads((place / "facts.json").read_text(encoding="utf-8"))
        with atomic_path(self.answers(task)) as temporary:
            shutil.copyfile(place / "answers.npz", temporary)
        own = {"cell": task.cell.name, "overrides": list(task.overrides)}
        write_json(self.facts(task), facts | own)
        return True

    def put_into_store(self, task: Task) -> None:
        """Leave a row's files for the other studies of the same call."""
        place = self._stored(task)
        if place is None or place.exists():
            return
        with atomic_folder(place) as temporary:
            shutil.copyfile(self.answers(task), temporary / "answers.npz")
            shutil.copyfile(self.facts(task), temporary / "facts.json")

    def _stored(self, task: Task) -> Path | None:
        plain = task.system and task.cell.how == "plain"
        return self.store / task.digest if self.store is not None and plain else None

    def is_done(self, task: Task, *, keep_model: bool = False) -> bool:
        """Whether a task's files are there, its model too where others rest on it."""
        return bool(self.read_facts(task)) and (
            not keep_model or self.network(task.cell.name, task.seed).model.is_dir()
        )


def check_folder(path: Path, study: Study, scale: Scale, base: str) -> str:
    """Make sure that a study may begin or go on here; nothing is written.

    Returns:
        The precision that was decided when the study began; empty where it has not.

    Raises:
        DataError: the folder holds another study, other files, or is a file.
    """
    choose = "Choose another --out."
    if not path.exists():
        return ""
    if not path.is_dir():
        raise DataError(f"{path} is a file. {choose}")
    plan = path / PLAN
    if not plan.is_file():
        strangers = [entry.name for entry in path.iterdir() if not entry.name.startswith(TEMPORARY_PREFIX)]
        if strangers:
            raise DataError(f"{path} holds '{min(strangers)}', which no study has written. {choose}")
        return ""
    try:
        begun = json.loads(plan.read_text(encoding="utf-8"))
        known = (begun["study"], begun["scale"], begun["recipe"])
        precision = str(begun["precision"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{plan} cannot be read ({error}). {choose}") from error
    if known != (study.name, scale.name, base):
        raise DataError(
            f"{path} holds the study '{known[0]}' at scale {known[1]} from the recipe {known[2]}. Give the same to go "
            f"on with it, or choose another --out."
        )
    return precision


def begin_folder(
    path: Path, study: Study, scale: Scale, base: str, precision: str, data: str, store: Path | None = None
) -> StudyFolder:
    """Make the folder, write down what it is for, and clear up after a kill."""
    folder = StudyFolder(path, base, precision, data, store)
    folder.cells.mkdir(parents=True, exist_ok=True)
    for place in (path, folder.cells):
        remove_leftovers(place)
    write_json(path / PLAN, {"study": study.name, "scale": scale.name, "recipe": base, "precision": precision})
    return folder


def tidy(folder: Path) -> None:
    """Remove what only unfinished studies need: it can be built anew, and is larger than all the rest together."""
    for name in ("material", "work"):
        shutil.rmtree(folder / name, ignore_errors=True)
