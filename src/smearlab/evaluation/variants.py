"""A model used in another way than `predict` uses it: several views of each picture, adapted normalisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smearlab.data.framing import frame_pictures
from smearlab.errors import require
from smearlab.evaluation.stress_pass import sample_positions
from smearlab.evaluation.views import ViewedPredictor, views_of

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.data.cells import Cells, UInt8Array
    from smearlab.evaluation.stress_pass import Adapter
    from smearlab.inference.predictor import Predictor


@dataclass(frozen=True, eq=False)
class Variant:
    """A model, and how it is used.

    Attributes:
        predictor: sees the views asked for.
        adapter: makes a predictor for a batch of pictures, which sees the same views; None leaves the model alone.
        tta: the views, as they were asked for.
    """

    predictor: Predictor
    adapter: Adapter | None
    tta: str | None

    def fitted(self, cells: Cells) -> tuple[Predictor, list[str]]:
        """Return the predictor for a collection, adapted to a sample of it where that is wanted, and what was done."""
        if self.adapter is None:
            return self.predictor, self.words(None)
        framing = self.predictor.framing
        positions = sample_positions(len(cells), seed=0, size=framing.size)
        pictures = [cells.images[int(position)] for position in positions]
        predictor, reason = self.adapter(frame_pictures(pictures, framing))
        return predictor, self.words([reason])

    def words(self, adaptation: list[str] | None) -> list[str]:
        """Say in sentences how the model was used."""
        words = []
        if isinstance(self.predictor, ViewedPredictor):
            words.append(
                f"The probabilities are means over {len(self.predictor.views)} views of a picture (--tta {self.tta})."
            )
        if adaptation is not None:
            from smearlab.evaluation.adapt_norm import adaptation_words

            words.append(adaptation_words(adaptation))
        return words


def load_variant(
    predictor: Predictor, model: str | Path, tta: str | None = None, adapt_norm: float | None = None
) -> Variant:
    """Prepare a model to be used with several views, adapted, both or neither.

    Args:
        predictor: the model.
        model: as the user gave it.
        tta: see `views.views_of`; None takes none.
        adapt_norm: see `adapt_norm.NormAdapter.load`; None leaves the model as it is.

    Raises:
        DataError: an option is unknown.
        ModelError: the model cannot be adapted.
        MissingExtraError: adapting needs torch, which is not installed.
    """
    views = views_of(tta) if tta is not None else ()

    def seeing(inner: Predictor) -> Predictor:
        return ViewedPredictor(inner, views) if views else inner

    if adapt_norm is None:
        return Variant(seeing(predictor), None, tta)
    require("torch", "train", "--adapt-norm")
    from smearlab.evaluation.adapt_norm import NormAdapter

    adapt = NormAdapter.load(predictor, model, adapt_norm)

    def adapter(framed: UInt8Array) -> tuple[Predictor, str]:
        adapted, reason = adapt(framed)
        return seeing(adapted), reason

    return Variant(seeing(predictor), adapter, tta)
