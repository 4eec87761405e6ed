"""Fixtures of the tests of the figures."""

from __future__ import annotations

import pytest
from tests.metrics.predicted import Predicted, make_predictions


@pytest.fixture(scope="module")
def predicted() -> Predicted:
    return make_predictions(400, 5, seed=0)
