"""`ModelInfo`: what ``model.json`` says about a model."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from smearlab.data.framing import Framing
from smearlab.errors import ModelError, did_you_mean

FORMAT_VERSION: Literal[1] = 1
"""Version of the model folder that this smearlab writes; it reads this one and no newer."""

_STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
Positive = Annotated[float, Field(gt=0.0)]


class Scaling(BaseModel):
    """What the network does to pixel values on the 0 to 1 scale: ``(value - mean) / std`` per RGB channel.

    For information: the ONNX graph itself contains it.
    """

    model_config = _STRICT

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[Positive, Positive, Positive] = (1.0, 1.0, 1.0)


class NetworkInfo(BaseModel):
    """The network's name and its number of parameters."""

    model_config = _STRICT

    name: str
    parameters: int = Field(default=0, ge=0)


class IsCell(BaseModel):
    """How "is this a cell at all" is decided: a picture whose score is at most `threshold` is one.

    Attributes:
        method: ``mahalanobis``: the least distance of the features to a class (Lee et al. 2018);
            ``unit_mahalanobis``: the same for features scaled to length 1 (Mueller & Hein 2025).
        threshold: the largest score that still passes, in the unit of the method.
    """

    model_config = _STRICT

    method: Literal["mahalanobis", "unit_mahalanobis"] = "mahalanobis"
    threshold: float


class Provenance(BaseModel):
    """Where a model comes from.

    Attributes:
        data: name of the data it was trained on.
        rows: number of pictures it was trained on.
        class_counts: pictures per class.
        recipe: name of the recipe.
        operations: what its augmentation could draw, so that a stress test can tell the seen from the unseen; None
            where that was not recorded.
        seed: seed of the run.
        created: ISO 8601 date and time.
        versions: versions of the libraries that made it.
        figures: its measured figures, such as ``test_balanced_accuracy``.
        licence: licence of the weights.
        credit: whom the data's licence asks to be named.
    """

    model_config = _STRICT

    data: str = ""
    rows: int = Field(default=0, ge=0)
    class_counts: dict[str, int] = Field(default_factory=dict)
    recipe: str = ""
    operations: tuple[str, ...] | None = None
    seed: int = 0
    created: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    figures: dict[str, float] = Field(default_factory=dict)
    licence: str = ""
    credit: str = ""


class ModelInfo(BaseModel):
    """The contents of ``model.json``; unknown keys are refused.

    Attributes:
        files: SHA-256 in hexadecimal digits of each other file of the folder, which tells a damaged file, or one of
            another model; filled in when the folder is written.
    """

    model_config = _STRICT

    format_version: Literal[1] = FORMAT_VERSION
    name: str
    class_names: Annotated[tuple[str, ...], Field(min_length=2)]
    framing: Framing = Framing()
    scaling: Scaling = Scaling()
    network: NetworkInfo
    is_cell: IsCell
    provenance: Provenance = Provenance()
    files: dict[str, str] = Field(default_factory=dict)

    @field_validator("class_names")
    @classmethod
    def _distinct(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names) or not all(names):
            raise ValueError("class names must be distinct and not empty")
        return names


def parse_info(text: str, where: str) -> ModelInfo:
    """Read the text of a ``model.json``.

    Args:
        text: the JSON text.
        where: the file's name for the error message.

    Raises:
        ModelError: not JSON, an unknown or missing key, a wrong value, or a newer format.
    """
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise ModelError(f"{where} is not JSON ({error}). Copy the model folder again, whole.") from None
    if not isinstance(fields, dict):
        raise ModelError(f"{where} does not hold a JSON object. Copy the model folder again, whole.")
    _check_version(fields.get("format_version"), where)
    try:
        return ModelInfo.model_validate(fields)
    except ValidationError as error:
        raise ModelError(f"{where}: {_first_fault(error)}") from None


def _check_version(version: Any, where: str) -> None:  # noqa: ANN401 - whatever the file holds
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ModelError(
            f"{where} has format version {version}, but this smearlab reads up to {FORMAT_VERSION}."
            " Install a newer smearlab: pip install --upgrade smearlab"
        )


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        hint = did_you_mean(str(fault["loc"][-1]), _known_keys())
        return f"unknown key '{place}'.{hint} It was written by another program or a newer smearlab."
    return f"'{place}': {fault['msg']}. Export the model again."


def _known_keys() -> set[str]:
    models = (ModelInfo, Provenance, IsCell, NetworkInfo, Scaling, Framing)
    return {key for model in models for key in model.model_fields}
