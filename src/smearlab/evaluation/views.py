"""Test-time augmentation: a model looks at several views of a picture, and their probabilities are averaged.

The views are made of the framed ``uint8`` picture, so that they need no torch, and no view is framed anew.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image

from smearlab.corruptions.geometry import magnify
from smearlab.errors import DataError, did_you_mean
from smearlab.inference.predictor import Predictions, Predictor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smearlab.data.cells import UInt8Array
    from smearlab.inference.spread import Floats

    View: TypeAlias = Callable[[UInt8Array], UInt8Array]

SCALES = (0.85, 1.2)
CROP = 0.9
"""Side of the crops at centre and corners as a share of the picture's."""
NAMES = ("flips", "rotations", "scales", "crops")
MOST = 24


class ViewedPredictor(Predictor):
    """A predictor that answers with the mean of the probabilities over several views of each picture.

    Attributes:
        inner: the predictor that sees the views.
        views: what it sees.
    """

    def __init__(self, inner: Predictor, views: Sequence[View]) -> None:
        super().__init__(inner.folder, second_look=inner.second_look)
        self.inner = inner
        self.views = tuple(views)

    def predict_framed(self, framed: UInt8Array, *, features: bool = False) -> Predictions:
        """Classify one batch of framed pictures; logits, distances and features are averaged as well.

        The views are the looks from other sides, so none of them is looked around once more.
        """
        if not len(framed):
            return self.inner.predict_framed(framed, features=features)
        seen = [self.inner.upright_look(view(framed), features=features) for view in self.views]
        distances, strange = (_mean([getattr(view, name) for view in seen]) for name in ("distances", "strangeness"))
        kept = [view.features for view in seen if view.features is not None]
        return Predictions(
            class_names=self.class_names,
            probabilities=_mean([view.probabilities for view in seen]),
            is_cell=np.asarray(strange <= self.info.is_cell.threshold),
            distances=distances,
            logits=_mean([view.logits for view in seen]),
            features=_mean(kept) if kept else None,
            strangeness=strange,
            looked_again=np.any([view.looked_again for view in seen], axis=0),
            unsure=np.any([view.unsure for view in seen], axis=0),
            trust=self.folder.trust,
        )


def views_of(wanted: str) -> tuple[View, ...]:
    """Return the views that ``--tta`` names.

    Args:
        wanted: ``flips`` (4: as it is, mirrored, upside down, both); ``rotations`` (8: quarter turns, each mirrored
            too); ``scales`` (3: as it is, smaller, larger); ``crops`` (5: centre and corners); or how many, 2 to 24,
            of the 8 rotations, then the same smaller, then the same larger.

    Raises:
        DataError: it is none of these.
    """
    turned: list[partial[UInt8Array]] = [
        partial(_turn, quarters=quarters, mirrored=mirrored) for quarters in range(4) for mirrored in (0, 1)
    ]
    scaled: list[View] = [partial(_scaled, factor=factor) for factor in SCALES]
    match wanted:
        case "flips":
            return tuple(view for view in turned if not view.keywords["quarters"] % 2)
        case "rotations":
            return tuple(turned)
        case "scales":
            return (_same, *scaled)
        case "crops":
            return tuple(partial(_crop, down=down, right=right) for down, right in _CORNERS)
    if wanted.isdecimal() and 2 <= int(wanted) <= MOST:
        both: list[View] = [*turned, *(_chain(first, then) for first in scaled for then in turned)]
        return tuple(both[: int(wanted)])
    raise DataError(
        f"--tta {wanted}: give the number of views, 2 to {MOST}, or one of {', '.join(NAMES)}."
        f"{did_you_mean(wanted, NAMES)}"
    )


_CORNERS = ((0.5, 0.5), (0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))


def _mean(arrays: Sequence[Floats]) -> Floats:
    return np.asarray(np.mean(arrays, axis=0), np.float32)


def _same(framed: UInt8Array) -> UInt8Array:
    return framed


def _turn(framed: UInt8Array, quarters: int, mirrored: int) -> UInt8Array:
    turned = np.rot90(framed, quarters, axes=(1, 2))
    return np.ascontiguousarray(turned[:, :, ::-1] if mirrored else turned)


def _scaled(framed: UInt8Array, factor: float) -> UInt8Array:
    return magnify(np.ascontiguousarray(framed), factor)


def _chain(first: View, second: View) -> View:
    return lambda framed: second(first(framed))


def _crop(framed: UInt8Array, down: float, right: float) -> UInt8Array:
    """Cut out a square and bring it back to size: ``down`` and ``right`` from 0 (border) to 1 (other border)."""
    side = framed.shape[1]
    cut = max(1, round(CROP * side))
    top, left = round(down * (side - cut)), round(right * (side - cut))
    box = (left, top, left + cut, top + cut)
    resized = [Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC, box) for picture in framed]
    return np.stack([np.asarray(picture, np.uint8) for picture in resized])
