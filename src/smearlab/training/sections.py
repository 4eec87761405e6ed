"""Sections of a recipe about choosing, averaging, teaching and testing a network's weights."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Severity = Annotated[int, Field(ge=1, le=5)]
SuiteName = Literal["none", "bloodmnist-c", "imagenet-c", "microscope", "chain", "laboratories"]
AlterationSuite = Literal["bloodmnist-c", "imagenet-c", "microscope", "scale"]
MetricName = Literal[
    "balanced_accuracy", "accuracy", "loss", "corrupted_balanced_accuracy", "corrupted_accuracy", "corrupted_loss"
]


class Section(BaseModel):
    """A part of a recipe: frozen, and refusing unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SelectionConfig(Section):
    """Which epoch's weights become the model, and what early stopping looks at.

    With a suite, the validation pictures are also judged altered, by a seeded copy made once per run. It takes families
    of alterations that the policy does not train on, so that the choice favours what carries over to the unseen.

    Attributes:
        metric: measured on validation after every epoch; ``corrupted_…`` looks at the altered pictures alone, the
            others at both where there is a suite.
        keep: ``best`` by that metric, or ``last``.
        suite: the stress suite that alters the validation pictures; ``none`` for clean ones alone.
        families: the suite's families to use; empty for all that the policy does not train on.
        groups: the suite's groups to use; empty for all.
        severities: of each alteration.
        pictures: validation pictures per alteration and severity, drawn anew for each.
        weight: of the altered pictures in the score, against the clean ones.
        allow_seen: let families be chosen by that the policy trains on.
        noise: standard deviation of Gaussian noise, as a share of the full range, put on the validation pictures once.
    """

    metric: MetricName = "balanced_accuracy"
    keep: Literal["best", "last"] = "best"
    suite: SuiteName = "none"
    families: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    severities: Annotated[tuple[Severity, ...], Field(min_length=1)] = (2, 4)
    pictures: Annotated[int, Field(ge=1)] = 200
    weight: Share = 0.5
    allow_seen: bool = False
    noise: Share = 0.0

    @model_validator(mode="after")
    def _metric_is_measured(self) -> Self:
        if self.metric.startswith("corrupted_") and self.suite == "none":
            raise ValueError(f"metric '{self.metric}' needs a suite; set selection.suite, such as 'bloodmnist-c'")
        return self


class RobustnessConfig(Section):
    """The look at altered pictures in a run's report: clean, families the policy trains on, families it does not.

    Attributes:
        pictures: of the test part that are altered; 0 leaves the look out.
        suites: stress suites that the alterations are taken from.
        conditions: alterations per group (geometry, colour, …) of seen and of unseen families each.
        severity: of every alteration.
    """

    pictures: Annotated[int, Field(ge=0)] = 500
    suites: Annotated[tuple[AlterationSuite, ...], Field(min_length=1)] = ("bloodmnist-c", "microscope")
    conditions: Annotated[int, Field(ge=1)] = 2
    severity: Severity = 3


class DistillationConfig(Section):
    """Learning from the answers of trained models (Hinton et al. 2015).

    Teachers see the very pictures that the student sees, altered alike (consistent teaching, Beyer et al. 2022); where
    there are several, their probabilities are averaged.

    Attributes:
        teachers: run folders (run by torch) or model folders (run by ONNX Runtime, slower), or ``default``; empty turns
            it off. They must know the data's classes, and must not have been trained on its test pictures.
        weight: of the teachers' answers in the loss, against the labels.
        temperature: softens the answers of both sides, so that small probabilities count too.
    """

    teachers: tuple[str, ...] = ()
    weight: Share = 0.9
    temperature: Positive = 2.0


class WarmUpConfig(Section):
    """Learning without labels before the first phase: SimSiam (Chen & He 2021) with the recipe's policy.

    Attributes:
        epochs: passes over the pictures; 0 turns it off.
        data: unlabelled pictures in any form; empty for the training part.
        batch_size: pictures per step, each in two alterations.
        learning_rate: the highest, after a rise over the first epoch; it falls along a cosine.
        weight_decay: of AdamW.
        width: of the projection in which alterations are compared.
    """

    epochs: Annotated[int, Field(ge=0)] = 0
    data: str = ""
    batch_size: Annotated[int, Field(ge=8)] = 64
    learning_rate: Positive = 1e-3
    weight_decay: NonNegative = 1e-4
    width: Annotated[int, Field(ge=16)] = 256


class AveragingConfig(Section):
    """Weights beside those of single epochs; the best on validation ships, and the report says which.

    Attributes:
        swa_start: share of the training after which weights are averaged (stochastic weight averaging, Izmailov et al.
            2018); 1 turns it off.
        swa_every: steps between the weights that are averaged; 0 takes those at the end of every epoch.
        swa_learning_rate: constant rate that the schedule's turns into after the start; 0 keeps the schedule's.
        swa_anneal_epochs: over which it turns, along a cosine.
        ema_batch_norm: also try the exponential average with batch normalisation's statistics measured anew.
        batch_norm_pictures: training pictures that statistics are measured on.
        wise_ft: shares of the way from the starting weights to the trained ones to try as well (WiSE-FT, Wortsman et
            al. 2022), such as ``[0.5, 0.7, 0.9]``. The start is where the backbone begins to learn.
    """

    swa_start: Share = 1.0
    swa_every: Annotated[int, Field(ge=0)] = 0
    swa_learning_rate: NonNegative = 0.0
    swa_anneal_epochs: NonNegative = 1.0
    ema_batch_norm: bool = False
    batch_norm_pictures: Annotated[int, Field(ge=2)] = 2048
    wise_ft: tuple[Share, ...] = ()
