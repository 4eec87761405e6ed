"""Predictions of models that never saw the label they judge, which is what confident learning needs.

Several judges see every picture, each cheap or dear. Each is made as sure as it may be (`noisy_calibration`), and their
probabilities are averaged:

``model``
    the start model's own answers, where it knows the classes: it was trained on other cells;
``probe``
    logistic regression on the start model's features, fitted on the other folds: it learns what these data call a
    class, and knows nothing of the start model's own borders;
``network``
    a network per fold, trained briefly on the other folds: where there is no model that may judge, or it does not know
    the classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from smearlab.audit.folds import make_folds
from smearlab.audit.label_errors import shares
from smearlab.audit.noisy_calibration import calibrated, fit_noise
from smearlab.audit.probing import probe
from smearlab.audit.starts import has_seen, is_model, match_columns, untaught_start
from smearlab.errors import DataError, require
from smearlab.inference.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smearlab.audit.folds import Folds
    from smearlab.data.cells import BoolArray, Cells, FloatArray, IntArray
    from smearlab.inference.spread import Floats

_FEWEST_CLASSES = 2


class Answers(Protocol):
    """What a model says of pictures: a `Predictions` with features, or a description made of one."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the model's ``k`` classes."""

    @property
    def probabilities(self) -> Floats:
        """``float32 (n, k)``."""

    @property
    def features(self) -> Floats | None:
        """``float32 (n, d)``."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """What judges say who never saw the labels.

    Attributes:
        chances: ``float32 (n, classes)``, the mean of the judges' probabilities; each row adds up to 1.
        judges: who they are, in words.
    """

    chances: Floats
    judges: str


def out_of_sample(
    cells: Cells,
    *,
    folds: int = 5,
    seed: int = 0,
    start: str | Path | None = "default",
    answers: Answers | None = None,
    groups: IntArray | None = None,
    excluded: BoolArray | None = None,
    train: bool | None = None,
    epochs: int | None = None,
    data: object = None,
) -> Judgement:
    """Predict every picture's class without having seen its label.

    Args:
        cells: labelled pictures, of two classes or more.
        folds: in how many parts they are shared out; each is judged by what the others teach.
        seed: of the folds and of training.
        start: a model (folder, run or ``default``), a file of MobileNetV2 weights, or None: networks from scratch. A
            model that was trained on these pictures judges nothing (`starts.has_seen`); networks are trained instead,
            from the pretrained weights of the shipped recipes where they are at hand, or else from scratch.
        answers: what the start model says of the pictures, with features; computed where it is None.
        groups: ``int64 (n,)`` groups of exact and near copies, which no fold separates; computed where it is None.
        excluded: ``bool (n,)`` rows that nothing is learnt from: junk. They are predicted all the same.
        train: whether to train networks too; None does so only where there is no model that may judge and knows the
            classes.
        epochs: of the networks; None takes what a fixed budget affords, see `smearlab.audit.fold_training.BUDGET`.
        data: where the cells come from; pretrained weights are looked for beside it too.

    Raises:
        DataError: no labels, of one class only, or too few pictures for so many folds.
        ModelError: there is no such model.
        RecipeError: the file of weights is missing or does not fit.
        MissingExtraError: scikit-learn or torch is not installed.
        TrainingError: a network's loss is no number.
        TrainingInterrupted: the user stopped the training.
    """
    if len(np.unique(cells.known_labels)) < _FEWEST_CLASSES:
        raise DataError("all pictures have the same label, so there is no class to mistake one for.")
    shares = make_folds(cells, folds, seed, groups=groups, excluded=excluded)
    allowed = allowed_start(start, cells, data)
    members = judges(cells, shares, start=allowed, answers=answers, train=train, epochs=epochs, seed=seed)
    return Judgement(combine(list(members.values())), _words(members, start, allowed, shares.count))


def allowed_start(start: str | Path | None, cells: Cells, data: object = None) -> str | Path | None:
    """Return what judges may start from: `start`, or what never saw a cell where it is a model that saw these."""
    if not is_model(start) or not has_seen(Predictor.load(str(start)), cells):
        return start
    return untaught_start(data)


def judges(
    cells: Cells,
    folds: Folds,
    *,
    start: str | Path | None = "default",
    answers: Answers | None = None,
    train: bool | None = None,
    epochs: int | None = None,
    seed: int = 0,
) -> dict[str, FloatArray]:
    """Let every judge predict by itself, calibrated: ``float64 (n, classes)`` by its name; see `out_of_sample`.

    Whether a model may judge is not asked here; see `allowed_start`.
    """
    members: dict[str, FloatArray] = {}
    if is_model(start):
        answers = answers or Predictor.load(str(start), second_look=False).predict(cells.images, features=True)
        members = _judged_by_model(cells, folds, answers)
    if train or (train is None and "model" not in members):
        members["network"] = _judged_by_networks(cells, folds, start, epochs, seed)
    if not members:
        raise DataError("Nothing is left to judge the labels: give a model to start from, or let networks be trained.")
    return {name: _calibrated(chances, cells, folds) for name, chances in members.items()}


def _words(members: Mapping[str, object], asked: str | Path | None, start: str | Path | None, folds: int) -> str:
    """Say who judged."""
    source = "from scratch" if start is None else f"from {Path(start).name}"
    said = {
        "model": f"the model {asked}, which knows none of these pictures as its own",
        "probe": f"what its features teach in {folds} folds" if "model" in members else f"the features of {asked}",
        "network": f"{folds} networks trained here {source}, each on the other folds",
    }
    words = ", and ".join(text for name, text in said.items() if name in members)
    refused = is_model(asked) and asked != start
    return f"{words}. The model {asked} was trained on these pictures and may not judge them" if refused else words


def _calibrated(chances: FloatArray, cells: Cells, folds: Folds) -> FloatArray:
    taught = folds.teaches
    return calibrated(chances, fit_noise(chances[taught], cells.known_labels[taught]))


def combine(members: list[FloatArray]) -> Floats:
    """Average probabilities ``(n, k)`` of several judges into ``float32 (n, k)``; each row adds up to 1."""
    return shares(np.mean(members, axis=0)).astype(np.float32)


def _judged_by_model(cells: Cells, folds: Folds, answers: Answers) -> dict[str, FloatArray]:
    if answers.features is None:
        raise DataError("The start model's answers come without features; ask for them with features=True.")
    members = {"probe": probe(answers.features, cells.known_labels, folds, len(cells.class_names))}
    columns = match_columns(answers.class_names, cells)
    if columns is not None:
        own = answers.probabilities.astype(np.float64)[:, columns]
        own[:, columns < 0] = 0
        members["model"] = shares(own)
    return members


def _judged_by_networks(
    cells: Cells, folds: Folds, start: str | Path | None, epochs: int | None, seed: int
) -> FloatArray:
    require("torch", "train", "Judging labels by networks")
    from smearlab.audit.fold_training import epochs_within, train_folds
    from smearlab.audit.starts import start_of_folds

    count = epochs or epochs_within(int(folds.teaches.sum()), folds.count, scratch=start is None)
    return train_folds(cells, folds, start_of_folds(start, count, seed))
