"""What the service answers: the shape of each JSON object, and how predictions become rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, create_model

from smearlab.deploy import differential as counting
from smearlab.deploy.server.upload import Fault, Upload
from smearlab.inference.predictor import Predictions

Row: TypeAlias = dict[str, Any]
DIGITS = 6
"""Decimals of a probability, as in a predictions file."""


class ErrorDetail(BaseModel):
    """Why a request was refused."""

    code: str = Field(description="A short name that programs can rely on.")
    message: str = Field(description="The reason in words, and what to do.")


class ErrorAnswer(BaseModel):
    """A request that was refused."""

    error: ErrorDetail


class Line(BaseModel):
    """One class in a differential count, as a laboratory reports it."""

    model_config = ConfigDict(extra="forbid")

    name: str
    title: str
    group: str = Field(description="What it is counted against: leukocyte, erythroblast, platelet or other.")
    count: int
    value: float | None = Field(description="In the unit; null where there is nothing to count against.")
    low: float | None = Field(description="Lower end of its 95 % interval; null for platelets, which are counted.")
    high: float | None = Field(description="Upper end.")
    unit: str


class Differential(BaseModel):
    """The differential count: what ``smearlab differential`` reports of the same cells."""

    model_config = ConfigDict(extra="forbid")

    cells: int
    leukocytes: int
    lines: list[Line]


class HeatMap(BaseModel):
    """Where a picture shows what its label rests on."""

    source: str
    label: str
    confidence: float
    lowest_confidence: float = Field(description="The label's probability with the most telling place covered.")
    grid: list[list[float]] = Field(
        description="Row by row, 0 to 1: how much covering a place speaks against the label."
    )
    picture: str = Field(description="What the network saw, as a PNG in a data: URL.")
    overlay: str = Field(description="The heat map in colours on nothing, of the same size, as a PNG in a data: URL.")


def answer_model(class_names: Sequence[str]) -> type[BaseModel]:
    """Describe the answer to ``POST /predict`` for a model with these classes."""
    chances: dict[str, Any] = {f"p_{name}": (float | None, ...) for name in class_names}
    row = create_model(
        "Prediction",
        row=(int, Field(description="Position in the request, from 0.")),
        source=(str, Field(description="The file name, without any folder.")),
        label=(str, Field(description="The most probable class; empty where the picture cannot be read.")),
        confidence=(float | None, Field(description="Calibrated probability of the label.")),
        is_cell=(bool, Field(description="Whether it looks like a cell that the model knows.")),
        **chances,
        prediction_set=(
            list[str] | None,
            Field(description="Classes it may be, at the coverage that /model tells, or null."),
        ),
        error=(str, Field(description="Why the picture cannot be read, else empty.")),
        thumbnail=(str | None, Field(None, description="A small PNG in a data: URL, where it was asked for.")),
    )
    return create_model(
        "Answer",
        model=(str, Field(description="Name of the model.")),
        predictions=(list[row], Field(description="One per picture, in order.")),  # type: ignore[valid-type]
        differential=(Differential, ...),
    )


def rows_of(
    uploads: Sequence[Upload],
    faults: Sequence[Fault | None],
    predictions: Predictions,
    sets: Sequence[Sequence[str]] | None,
) -> list[Row]:
    """Return one row per picture, in order.

    Args:
        uploads: the ``n`` pictures.
        faults: why each cannot be used; None where it can.
        predictions: of the usable pictures alone, in order.
        sets: the prediction set of each usable picture; None where the model has none.
    """
    columns = [f"p_{name}" for name in predictions.class_names]
    found = (predictions.labels, predictions.confidence, predictions.is_cell, predictions.probabilities)
    all_sets: Sequence[Sequence[str] | None] = [None] * len(predictions) if sets is None else sets
    known = zip(*(values.tolist() for values in found), all_sets, strict=True)
    rows = []
    for number, (upload, fault) in enumerate(zip(uploads, faults, strict=True)):
        label, confidence, is_cell, chances, one_set = next(known) if fault is None else ("", None, False, None, None)
        rounded = [None] * len(columns) if chances is None else [round(chance, DIGITS) for chance in chances]
        rows.append(
            {
                "row": number,
                "source": upload.source,
                "label": label,
                "confidence": None if confidence is None else round(confidence, DIGITS),
                "is_cell": is_cell,
                **dict(zip(columns, rounded, strict=True)),
                "prediction_set": None if one_set is None else list(one_set),
                "error": "" if fault is None else fault.message,
            }
        )
    return rows


def differential(counts: dict[str, int]) -> Differential:
    """Return the line of each class, the groups in their order."""
    count = counting.Differential("", counts)
    lines = [Line.model_validate(one) for one in count.as_dict()["differential"]]
    return Differential(cells=count.cells, leukocytes=count.leukocytes, lines=[_rounded(line) for line in lines])


def _rounded(line: Line) -> Line:
    ends = {name: getattr(line, name) for name in ("value", "low", "high")}
    return line.model_copy(update={name: None if end is None else round(end, DIGITS) for name, end in ends.items()})


def label_counts(rows: Sequence[Row], class_names: Sequence[str]) -> dict[str, int]:
    """Count the labels of the pictures that are cells."""
    found = Counter(row["label"] for row in rows if row["is_cell"])
    return {name: found[name] for name in class_names}
