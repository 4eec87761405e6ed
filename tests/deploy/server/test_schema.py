"""The server keeps what its own description promises, for requests that nobody thought of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.deploy.server.conftest import run_in_thread

from smearlab.deploy.server.settings import Settings, Token
from smearlab.inference.predictor import Predictor

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed: pip install schemathesis")
# All its checks but one: random bytes fit the description of a picture file, and are yet refused for being none.
EXCEPT = [schemathesis.checks.positive_data_acceptance]


@pytest.fixture(scope="module")
def description(predictor: Predictor) -> Iterator[Any]:
    server = run_in_thread(predictor, Settings(token=Token(SECRET)))
    yield schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    server.stop()


SECRET = "a-secret-of-some-length"
ROUTES = (
    ("POST", "/predict"),
    ("POST", "/explain"),
    ("POST", "/differential"),
    ("GET", "/model"),
    ("GET", "/health"),
    ("GET", "/metrics"),
)


def test_all_routes_are_tried(description: Any) -> None:
    described = {(one.ok().method.upper(), one.ok().path) for one in description.get_all_operations()}
    assert described == set(ROUTES)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_request_is_answered_as_described(description: Any, method: str, path: str) -> None:
    examples = 40 if method == "POST" else 8

    @settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=description[path][method].as_strategy())
    def tried(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {SECRET}"}, excluded_checks=EXCEPT)

    tried()
