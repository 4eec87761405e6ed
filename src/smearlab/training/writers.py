"""What is written after every epoch: history.jsonl, and TensorBoard's files where they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from smearlab.errors import MissingExtraError

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.training.run_folder import Run

OnEpoch: TypeAlias = Callable[[list[dict[str, Any]]], None]
"""Takes all finished epochs' rows, the newest last."""


@contextmanager
def epoch_writer(run: Run, *, tensorboard: bool = False) -> Iterator[OnEpoch]:
    """Open the writers of a run.

    Raises:
        MissingExtraError: TensorBoard is wanted but not installed.
    """
    if not tensorboard:
        yield run.write_history
        return
    with _board(run.board) as write:

        def both(rows: list[dict[str, Any]]) -> None:
            run.write_history(rows)
            write(rows)

        yield both


@contextmanager
def _board(folder: Path) -> Iterator[OnEpoch]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingExtraError("tensorboard", "Writing for TensorBoard") from error
    writer = SummaryWriter(str(folder))

    def write(rows: list[dict[str, Any]]) -> None:
        for row in rows[-1:]:
            for name, value in row.items():
                if isinstance(value, float):
                    writer.add_scalar(name.replace("_", "/", 1), value, row["epoch"])
        writer.flush()

    try:
        yield write
    finally:
        writer.close()
