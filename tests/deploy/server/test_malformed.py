"""No upload, however damaged, makes the service fail."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from tests.deploy.server.malformed import KINDS, uploads
from tests.deploy.server.samples import files, picture

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:PIL", "ignore:.*:DeprecationWarning:PIL")


@pytest.mark.parametrize("kind", KINDS)
def test_a_malformed_upload_is_answered_in_words(client: TestClient, kind: str) -> None:
    statuses = set()
    for upload in uploads(kind):
        answer = client.post("/predict", files=files(upload))
        statuses.add(answer.status_code)
        assert answer.status_code < 500, answer.text
        if answer.status_code != 200:
            assert answer.status_code in (413, 415, 422)
            assert answer.json()["error"]["message"]
        (row,) = answer.json()["predictions"]
        assert bool(row["label"]) != bool(row["error"])
    assert client.post("/predict", files=files(picture())).status_code == 200
    assert statuses  # some damage leaves a picture whole, and is then named


def test_the_corpus_is_large_and_mostly_unreadable(client: TestClient) -> None:
    made = {kind: list(uploads(kind)) for kind in KINDS}
    everything = [upload for some in made.values() for upload in some]
    assert len(made) >= 20
    assert len(set(everything)) >= 500
    errors = []
    for start in range(0, len(everything), 200):
        answer = client.post("/predict", files=files(picture(), *everything[start : start + 200]))
        assert answer.status_code == 200
        errors += [bool(row["error"]) for row in answer.json()["predictions"][1:]]
    print(f"{len(everything)} uploads of {len(made)} kinds, {sum(errors)} of them refused")
    assert sum(errors) >= 300
