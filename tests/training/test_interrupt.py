"""The first Ctrl-C asks, the second insists."""

from __future__ import annotations

import signal
import threading

import pytest

from smearlab.training.interrupt import stop_on_signal


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_raises_the_flag_and_the_handlers_come_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_on_signal() as stop:
        assert not stop
        signal.raise_signal(number)
        assert stop
    assert signal.getsignal(number) is before


def test_a_second_signal_stops_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_on_signal():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_another_signal_does_not_insist() -> None:
    with stop_on_signal() as stop:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        assert stop


def test_another_thread_trains_without_handlers() -> None:
    flags: list[bool] = []

    def train() -> None:
        with stop_on_signal() as stop:
            flags.append(bool(stop))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert flags == [False]
