"""Clients that count what a server answers, and what is said about its memory."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from benchmarks.load_client import FAILED, Answers, prepared, send_all, send_for
from benchmarks.serving import load_table, memory_table
from tests.deploy.server.conftest import run_in_thread
from tests.deploy.server.samples import picture
from tests.inference.tiny_model import write_tiny_folder

from smearlab.deploy.server.settings import Limits, Settings
from smearlab.inference.predictor import Predictor


def test_every_answer_is_counted_by_its_status(tmp_path: Path) -> None:
    server = run_in_thread(Predictor.load(write_tiny_folder(tmp_path), threads=1), Settings(Limits()))
    place = ("127.0.0.1", server.port)
    good, bad = prepared(*place, [picture()] * 3), prepared(*place, [b"junk"])
    answers = send_all(*place, [good, bad] * 10, clients=4)
    assert answers.statuses == {200: 10, 415: 10}
    assert len(answers.seconds) == 10
    assert answers.faults == 10
    assert send_for(*place, [good], clients=2, seconds=0.2).statuses[200] >= 2
    server.stop()


def test_requests_without_an_answer_and_those_told_to_come_again_are_told_apart() -> None:
    answers = Answers(Counter({200: 5, 429: 3, 500: 2, FAILED: 1}), [0.01] * 5, 1.0)
    assert answers.faults == 3
    row = load_table([(32, answers)]).splitlines()[-1]
    assert [word.strip() for word in row.strip("|").split("|")] == ["32", "1", "5", "10.0", "10.0", "1.0", "3", "3"]


@pytest.mark.parametrize(("slope", "flat"), [(0.0, "yes"), (0.02, "no")])
def test_memory_that_grows_is_told(slope: float, flat: str) -> None:
    grown = [(sent, 200 + slope * sent) for sent in np.arange(50, 1_001, 50).tolist()]
    assert memory_table(grown, 1_000).splitlines()[-1].rstrip(" |").endswith(flat)
