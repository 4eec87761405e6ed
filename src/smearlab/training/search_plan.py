"""`Plan`: what a search is, written into its folder, so that it is gone on with by the same one only."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from smearlab.data.atomic import write_json
from smearlab.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from smearlab.training.search_study import PrunerName


@dataclass(frozen=True)
class Plan:
    """What decides which trials are done, beside recipe and data.

    Attributes:
        space: as plain values.
        metric: that trials are compared by.
        pruner: that stops them early.
        seed: of the draws.
    """

    space: Mapping[str, Any]
    metric: str
    pruner: PrunerName
    seed: int

    @staticmethod
    def path(folder: Path) -> Path:
        """Return the file; where it is, a search has begun."""
        return folder / "search.json"

    def write(self, folder: Path) -> None:
        """Write it, atomically."""
        write_json(self.path(folder), asdict(self))

    def check(self, folder: Path) -> None:
        """Check that a folder's search, if one has begun, is this one.

        Raises:
            TrainingError: something differs, and the message names what; or the file is damaged.
        """
        if not self.path(folder).is_file():
            return
        try:
            begun = json.loads(self.path(folder).read_text(encoding="utf-8"))
            different = [name for name, value in asdict(self).items() if begun[name] != json.loads(json.dumps(value))]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(f"{self.path(folder)} cannot be read ({error}). Choose another --out.") from error
        if different:
            raise TrainingError(
                f"The search in {folder} was begun with another {', '.join(different)}. Give the same to go on with "
                "it, or choose another --out."
            )
