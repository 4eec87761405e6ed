"""What each route answers when all is well."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from tests.deploy.server.samples import COLOURS, FORMATS, files, noisy, picture

from smearlab.deploy.server.answers import rows_of
from smearlab.deploy.server.upload import Fault, Upload
from smearlab.inference.predictor import Predictor
from smearlab.inference.writer import prediction_columns


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("colour", COLOURS)
def test_a_picture_is_named_in_every_format(client: TestClient, form: str, colour: str) -> None:
    answer = client.post("/predict", files=files(picture(colour, form)))
    assert answer.status_code == 200
    (row,) = answer.json()["predictions"]
    assert (row["label"], row["is_cell"], row["error"], row["source"]) == (colour, True, "", "cell.png")
    assert row["confidence"] == row[f"p_{colour}"] > 0.9
    assert sum(row[f"p_{name}"] for name in COLOURS) == pytest.approx(1, abs=1e-5)


def test_rows_hold_the_columns_of_a_predictions_file(client: TestClient, predictor: Predictor) -> None:
    (row,) = client.post("/predict", files=files(picture())).json()["predictions"]
    columns = prediction_columns(predictor.class_names)
    assert [name for name in row if name in columns] == columns
    assert set(row) - set(columns) == {"prediction_set"}


def test_many_pictures_keep_their_order_and_a_bad_one_is_a_row(client: TestClient) -> None:
    colours = [*COLOURS] * 30
    sent = [picture(colour) for colour in colours]
    sent[7] = b"no picture at all"
    answer = client.post("/predict", files=files(*sent))
    rows = answer.json()["predictions"]
    assert answer.status_code == 200
    assert [row["row"] for row in rows] == list(range(90))
    assert [row["label"] for row in rows] == [*colours[:7], "", *colours[8:]]
    assert rows[7]["error"].startswith("not a picture")
    assert (rows[7]["confidence"], rows[7]["p_red"], rows[7]["is_cell"]) == (None, None, False)
    assert [row["row"] for row in rows if row["error"]] == [7]


def test_json_says_the_same_as_files(client: TestClient) -> None:
    sent = [noisy(seed, form) for seed, form in enumerate(FORMATS)]
    texts = [base64.b64encode(one).decode() for one in sent]
    texts[1] = f"data:image/jpeg;base64,{texts[1]}"
    texts[2] = base64.encodebytes(sent[2]).decode()  # with line breaks
    pictures = [{"data": text, "source": "cell.png"} for text in texts]
    as_json = client.post("/predict", json={"pictures": pictures}).json()
    assert as_json == client.post("/predict", files=files(*sent)).json()


def test_the_service_says_what_the_predictor_says(client: TestClient, predictor: Predictor) -> None:
    sent = [noisy(seed, size=(30 + seed, 25)) for seed in range(20)]
    rows = client.post("/predict", files=files(*sent)).json()["predictions"]
    images = [np.asarray(Image.open(io.BytesIO(one))) for one in sent]
    expected = predictor.predict(images)
    found = [[row[f"p_{name}"] for name in predictor.class_names] for row in rows]
    assert np.abs(np.array(found) - expected.probabilities).max() <= 1e-5
    assert [row["is_cell"] for row in rows] == expected.is_cell.tolist()


def test_prediction_sets_stand_beside_the_pictures_that_have_one(predictor: Predictor) -> None:
    predictions = predictor.predict(np.zeros((2, 16, 16, 3), np.uint8))
    uploads = [Upload(f"{number}.png", b"") for number in range(3)]
    faults = [None, Fault(422, "unreadable", "the file is empty"), None]
    rows = rows_of(uploads, faults, predictions, [("red", "blue"), ("green",)])
    assert [row["prediction_set"] for row in rows] == [["red", "blue"], None, ["green"]]
    assert [row["prediction_set"] for row in rows_of(uploads, faults, predictions, None)] == [None] * 3


def test_only_cells_are_counted(client: TestClient) -> None:
    grey = io.BytesIO()
    Image.new("RGB", (16, 16), (128, 255, 255)).save(grey, "PNG")
    sent = [picture("red"), picture("red"), picture("blue"), grey.getvalue(), b"junk"]
    answer = client.post("/predict", files=files(*sent)).json()
    assert [row["is_cell"] for row in answer["predictions"]] == [True, True, True, False, False]
    count = answer["differential"]
    assert count["cells"] == 3
    lines = {line["name"]: line for line in count["lines"]}
    assert {name: line["count"] for name, line in lines.items()} == {"red": 2, "green": 0, "blue": 1}
    assert lines["red"]["value"] == pytest.approx(200 / 3, abs=1e-5)
    assert 20 < lines["red"]["low"] < 60 < 90 < lines["red"]["high"] < 100


def test_a_differential_count_is_wilsons(client: TestClient) -> None:
    answer = client.post("/differential", json={"counts": {"red": 5, "blue": 5, "green": 0}}).json()
    red, _, green = answer["lines"]
    assert answer["cells"] == 10
    assert (red["value"], red["low"], red["high"]) == (50.0, 23.659309, 76.340691)  # Wilson 1927, by hand
    assert (green["value"], green["low"], green["high"]) == (0.0, 0.0, 27.75328)
    assert red["unit"] == "% of all cells"


def test_the_service_counts_as_the_command_does(client: TestClient) -> None:
    counts = {"erythroblast": 5, "neutrophil": 61, "lymphocyte": 39, "platelet": 3}
    answer = client.post("/differential", json={"counts": counts}).json()
    assert (answer["cells"], answer["leukocytes"]) == (108, 100)
    told = {line["name"]: (line["value"], line["unit"]) for line in answer["lines"]}
    assert told == {
        "neutrophil": (61.0, "% of leukocytes"),
        "lymphocyte": (39.0, "% of leukocytes"),
        "erythroblast": (5.0, "per 100 leukocytes"),
        "platelet": (3.0, "counted"),
    }
    assert [line["name"] for line in answer["lines"]][-2:] == ["erythroblast", "platelet"]


def test_thumbnails_are_what_the_network_sees(client: TestClient, predictor: Predictor) -> None:
    answer = client.post("/predict?thumbnails=true", files=files(noisy(1, "TIFF"), b"junk")).json()
    first, second = answer["predictions"]
    assert second["thumbnail"] is None
    shown = Image.open(io.BytesIO(base64.b64decode(first["thumbnail"].partition(",")[2])))
    assert shown.size == (predictor.framing.size, predictor.framing.size)


def test_a_heat_map_marks_what_the_label_rests_on(client: TestClient) -> None:
    pixels = np.full((16, 16, 3), 100, np.uint8)
    pixels[0:5, 10:15] = (255, 0, 0)  # the one place that speaks for red
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    answer = client.post("/explain", files=files(file.getvalue())).json()
    grid = np.array(answer["grid"])
    assert answer["label"] == "red"
    assert grid.shape == (12, 12)
    assert grid[:4, 8:].mean() > 5 * grid[6:, :6].mean()
    assert answer["lowest_confidence"] < answer["confidence"]
    for name, mode in (("picture", "RGB"), ("overlay", "RGBA")):
        shown = Image.open(io.BytesIO(base64.b64decode(answer[name].partition(",")[2])))
        assert (shown.size, shown.mode) == ((16, 16), mode)


def test_the_model_is_described_without_a_path(client: TestClient, predictor: Predictor) -> None:
    answer = client.get("/model")
    about = answer.json()
    assert [one["name"] for one in about["classes"]] == ["red", "green", "blue"]
    assert about["framing"]["size"] == 16
    assert about["limits"]["pictures"] == 256
    assert str(predictor.folder.path) not in answer.text
    assert str(predictor.folder.path.parent) not in answer.text


def test_health_and_metrics(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    before = _counters(client)
    client.post("/predict", files=files(picture("green"), b"junk"))
    after = _counters(client)
    grown = {name for name, value in after.items() if value - before.get(name, 0) == 1}
    assert {
        'smearlab_labels_total{label="green"}',
        'smearlab_pictures_total{outcome="cell"}',
        'smearlab_pictures_total{outcome="unreadable"}',
        'smearlab_requests_total{method="POST",path="/predict",status="200"}',
        'smearlab_request_seconds_count{path="/predict"}',
    } <= grown
    assert after["smearlab_held_bytes"] == after["smearlab_requests_in_work"] == 0


def _counters(client: TestClient) -> dict[str, float]:
    lines = client.get("/metrics").text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}
