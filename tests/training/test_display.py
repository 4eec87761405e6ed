"""What a person sees while a network trains."""

from __future__ import annotations

import io

from rich.console import Console

from smearlab.training.display import Display

ROW = {
    **{"epoch": 3, "phase": "train", "train_loss": 0.5, "train_accuracy": 0.75, "pictures_per_second": 812.3},
    **{"validation_loss": 0.25, "validation_accuracy": 0.875, "validation_balanced_accuracy": 0.8125},
}


def shown(row: dict[str, object], *, terminal: bool, visible: bool = True) -> tuple[str, Display]:
    screen = io.StringIO()
    with Display(
        10, Console(file=screen, force_terminal=terminal, width=60, _environ={"TERM": "xterm"}), shown=visible
    ) as display:
        display.step(2.5, 0.5, 800.0)
        display.epoch(row, 90.0)
    return screen.getvalue(), display


def test_elsewhere_an_epoch_is_one_plain_line() -> None:
    text, _ = shown(ROW, terminal=False)
    assert text == (
        "epoch   3/10 train · loss 0.5000 · accuracy 0.7500 · validation loss 0.2500 accuracy 0.8750 balanced 0.8125"
        " · 812 pictures/s · 1.5 min left\n"
    )


def test_altered_pictures_are_told_where_they_are_measured() -> None:
    text, _ = shown({**ROW, "validation_corrupted_balanced_accuracy": 0.5}, terminal=False)
    assert "balanced 0.8125 altered 0.5000" in text


def test_without_validation_its_figures_are_left_away() -> None:
    text, _ = shown({**ROW, "validation_loss": None}, terminal=False)
    assert "validation" not in text
    assert text.count("\n") == 1


def test_in_a_terminal_a_bar_moves() -> None:
    text, display = shown(ROW, terminal=True)
    assert "\x1b[" in text
    assert display.bar.tasks[0].completed == 2.5
    assert display.bar.tasks[0].description == "epoch 3/10"
    assert "epoch   3/10" in text


def test_drawing_is_kept_rare() -> None:
    display = Display(10, Console(file=io.StringIO(), force_terminal=True))
    for step in range(100):
        display.step(step / 100, 0.5, 100.0)
    assert display.bar.tasks[0].completed == 0.0  # all within a tenth of a second of the first


def test_helper_processes_are_silent() -> None:
    assert shown(ROW, terminal=False, visible=False)[0] == ""


def test_it_speaks_on_standard_error() -> None:
    assert Display(1).console.stderr
