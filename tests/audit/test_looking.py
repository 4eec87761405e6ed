"""Looks at a collection that go on while other work is done."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from tests.inference.tiny_model import write_tiny_folder

from smearlab.audit.appearance import appearance
from smearlab.audit.looking import Begun, looking
from smearlab.data.cells import Cells
from smearlab.inference.predictor import Predictor


def _cells(count: int) -> Cells:
    images = np.random.default_rng(0).integers(0, 256, (count, 16, 16, 3)).astype(np.uint8)
    return Cells(images, None, np.array([f"{row}.png" for row in range(count)]), (), np.arange(count))


def test_they_say_what_the_model_says_in_the_order_of_the_pictures(tmp_path: Path) -> None:
    cells, model, done = _cells(150), write_tiny_folder(tmp_path), list[int]()
    with looking(cells, model) as looks:
        answers, pixels = looks.end(looks.collection, done.append)
    expected = Predictor.load(model, second_look=False).predict(cells.images, features=True)
    np.testing.assert_allclose(answers.probabilities, expected.probabilities, atol=1e-5)
    assert answers.features is not None
    assert pixels.shape == (150, appearance([]).shape[1])
    assert sum(done) == 150


def test_nothing_goes_on_where_the_work_beside_it_fails(tmp_path: Path) -> None:
    cells, model, before = _cells(3_000), write_tiny_folder(tmp_path), threading.active_count()
    begun: Begun = []

    def interrupted() -> None:
        with looking(cells, model) as looks:
            begun.extend(looks.collection)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert threading.active_count() == before
    assert any(one.cancelled() for one in begun)
    assert all(one.done() for one in begun)
