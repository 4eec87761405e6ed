"""What a person sees while a network trains: a live bar in a terminal, a line per epoch elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from types import TracebackType


class Display:
    """Shows epoch, loss, validation figures, pictures per second and the time left.

    Args:
        epochs: planned over all phases, for the time left.
        console: where to write; a new one on standard error by default, so that standard output stays clean.
        shown: False for the helper processes of a distributed run.
    """

    def __init__(self, epochs: int, console: Console | None = None, *, shown: bool = True) -> None:
        self.console = console or Console(stderr=True)
        self.epochs = epochs
        self.live = shown and self.console.is_terminal
        self.lines = shown and not self.live
        columns: list[ProgressColumn] = [
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("loss {task.fields[loss]:.3f} · {task.fields[speed]:.0f} pictures/s ·"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        ]
        self.bar = Progress(*columns, console=self.console, transient=True, disable=not self.live)
        self.task = self.bar.add_task("training", total=float(epochs), loss=0.0, speed=0.0)
        self._shown_at = 0.0

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def step(self, epochs_done: float, loss: float, pictures_per_second: float) -> None:
        """Move the bar; at most ten times a second, so that drawing costs nothing beside a step."""
        now = time.monotonic()
        if self.live and now - self._shown_at > 0.1:
            self._shown_at = now
            name = f"epoch {int(epochs_done) + 1}/{self.epochs}"
            self.bar.update(self.task, completed=epochs_done, description=name, loss=loss, speed=pictures_per_second)

    def epoch(self, row: dict[str, Any], planned_seconds_left: float) -> None:
        """Print a finished epoch's figures."""
        if not (self.live or self.lines):
            return
        speed = f"{row['pictures_per_second']:.0f} pictures/s"
        left = f" · {planned_seconds_left / 60:.1f} min left" if self.lines else ""
        line = (
            f"epoch {row['epoch']:>3}/{self.epochs} {row['phase']} · loss {row['train_loss']:.4f} · "
            f"accuracy {row['train_accuracy']:.4f}{_validation(row)} · {speed}{left}"
        )
        self.bar.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _validation(row: dict[str, Any]) -> str:
    if row.get("validation_loss") is None:
        return ""
    altered = row.get("validation_corrupted_balanced_accuracy")
    return (
        f" · validation loss {row['validation_loss']:.4f} accuracy {row['validation_accuracy']:.4f} "
        f"balanced {row['validation_balanced_accuracy']:.4f}{'' if altered is None else f' altered {altered:.4f}'}"
    )
