"""Prediction sets, where the model has them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from fastapi.testclient import TestClient
from tests.deploy.server.samples import files, picture
from tests.inference.tiny_model import tiny_info, tiny_network, tiny_trust

from smearlab.deploy.server.app import create_app
from smearlab.deploy.server.settings import Settings
from smearlab.errors import DataError, ServiceError
from smearlab.inference.model_folder import write_model_folder
from smearlab.inference.predictor import Predictor


@pytest.fixture(scope="module")
def sure(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A model whose sets hold green by little, red and blue by much."""
    sets = {
        "conformal_coverages": np.array([0.9, 0.95], np.float32),
        "conformal_quantiles": np.array([[0.5, 0.5, 0.5], [0.5, 1.0, 0.5]], np.float32),
    }
    folder = tmp_path_factory.mktemp("sets") / "tiny"
    weights = {"w": np.eye(3, dtype=np.float32)}
    write_model_folder(folder, onnx=tiny_network(), weights=weights, trust=tiny_trust() | sets, info=tiny_info())
    return Predictor.load(folder, threads=1)


@pytest.mark.parametrize(("coverage", "expected"), [(0.95, ["red", "green"]), (0.9, ["red"])])
def test_a_row_has_the_set_of_the_coverage(sure: Predictor, coverage: float, expected: list[str]) -> None:
    with TestClient(create_app(sure, Settings(coverage=coverage))) as client:
        rows = client.post("/predict", files=files(picture("red"), b"junk")).json()["predictions"]
        assert [row["prediction_set"] for row in rows] == [expected, None]
        assert client.get("/model").json()["coverage"] == coverage


def test_a_coverage_the_model_does_not_know_is_told_at_the_start(sure: Predictor) -> None:
    with pytest.raises(DataError, match=r"not 0\.7"):
        create_app(sure, Settings(coverage=0.7))


def test_a_model_without_sets_gives_none(client_with: Callable[..., TestClient]) -> None:
    client = client_with(Settings(coverage=0.7))
    assert client.get("/model").json()["coverage"] is None
    (row,) = client.post("/predict", files=files(picture())).json()["predictions"]
    assert row["prediction_set"] is None


def test_a_batch_of_nothing() -> None:
    with pytest.raises(ServiceError, match="batch size"):
        Settings(batch_size=0)
