"""An exported file beside the network it was made from, on the same pictures in one run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.data.framing import frame_pictures
from smearlab.deploy.timing import BATCH, Speed, cores_at_hand, speed_of
from smearlab.errors import ModelError
from smearlab.inference.session import INPUT, LOGITS, open_session
from smearlab.metrics import balanced_accuracy, confusion_matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from smearlab.data.cells import IntArray, UInt8Array
    from smearlab.data.framing import Framing
    from smearlab.deploy.material import Material
    from smearlab.inference.predictor import Predictor
    from smearlab.inference.spread import Floats

TORCH, FLOAT32 = "PyTorch", "float32 ONNX"


@dataclass(frozen=True, eq=False)
class Contender:
    """A network that can be compared and timed.

    Attributes:
        name: in tables.
        megabytes: size of its file, in 10⁶ bytes.
        load: returns a function of pictures as they are, that computes their logits with so many threads.
    """

    name: str
    megabytes: float
    load: Callable[[int], Callable[[Sequence[UInt8Array]], Floats]]


@dataclass(frozen=True)
class Side:
    """What was measured of one of the two.

    Attributes:
        name: of the network.
        megabytes: size of its file, in 10⁶ bytes.
        accuracy: share of right answers; None without labels.
        balanced_accuracy: mean over the classes of the share of right answers; None without labels.
        speeds: with one core and with two; framing is part of the time.
    """

    name: str
    megabytes: float
    accuracy: float | None
    balanced_accuracy: float | None
    speeds: tuple[Speed, ...]


@dataclass(frozen=True)
class Comparison:
    """An exported file beside its reference.

    Attributes:
        data: whose pictures they were.
        pictures: how many.
        largest_difference: of any logit.
        relative_difference: the same, relative to the largest logit of the reference (at least 1).
        same_label: share of the pictures to which both give the same class.
        exported: figures of the file.
        reference: figures of what it was made from.
    """

    data: str
    pictures: int
    largest_difference: float
    relative_difference: float
    same_label: float
    exported: Side
    reference: Side

    def to_json(self) -> dict[str, Any]:
        """Return all figures."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Say it in lines of text, the last ones a table."""
        words = [
            f"Compared with {self.reference.name} on {self.pictures:,} pictures of {self.data}: logits differ by at "
            f"most {self.largest_difference:.2g} ({self.relative_difference:.2g} of the largest), "
            f"{self.same_label:.2%} get the same label.",
            f"  {'':<16} {'MB':>8} {'balanced accuracy':>18} {'ms a picture':>18} {'pictures/s':>18}",
        ]
        return words + [_row(side) for side in (self.exported, self.reference)]


def _row(side: Side) -> str:
    accuracy = "no labels" if side.balanced_accuracy is None else f"{side.balanced_accuracy:.2%}"
    latency = " / ".join(f"{speed.latency_ms:.1f}" for speed in side.speeds)
    rate = " / ".join(f"{speed.pictures_per_second:,.0f}" for speed in side.speeds)
    cores = " / ".join(str(speed.cores) for speed in side.speeds)
    return f"  {side.name:<16} {side.megabytes:>8.1f} {accuracy:>18} {latency:>18} {rate:>18}  on {cores} cores"


def compare(exported: Contender, reference: Contender, material: Material, *, seconds: float = 1.0) -> Comparison:
    """Run two networks over the same pictures, and time them.

    Args:
        exported: the file.
        reference: what it was made from.
        material: the pictures.
        seconds: about how long each timing takes; there are up to eight.

    Raises:
        ModelError: the exported file gives values that are not finite.
    """
    found = exported.load(1)(material.pictures)
    if not np.isfinite(found).all():
        raise ModelError(
            f"The {exported.name} network gives values that are not finite. Export it as float32, which holds more."
        )
    expected = reference.load(1)(material.pictures)
    difference = float(np.abs(found - expected).max())
    return Comparison(
        data=material.name,
        pictures=len(found),
        largest_difference=difference,
        relative_difference=difference / max(1.0, float(np.abs(expected).max())),
        same_label=float((found.argmax(1) == expected.argmax(1)).mean()),
        exported=_side(exported, found, material, seconds),
        reference=_side(reference, expected, material, seconds),
    )


def _side(contender: Contender, logits: Floats, material: Material, seconds: float) -> Side:
    accuracy, balanced = _accuracies(logits, material.labels)
    return Side(contender.name, contender.megabytes, accuracy, balanced, _speeds(contender, material, seconds))


def _accuracies(logits: Floats, labels: IntArray | None) -> tuple[float | None, float | None]:
    known = np.flatnonzero(labels >= 0) if labels is not None else np.zeros(0, np.int64)
    if labels is None or not len(known):
        return None, None
    named = logits[known].argmax(1).astype(np.int64)
    counts = confusion_matrix(labels[known], named, logits.shape[1])
    return float((named == labels[known]).mean()), float(balanced_accuracy(counts))


def _speeds(contender: Contender, material: Material, seconds: float) -> tuple[Speed, ...]:
    batch = [material.pictures[place % len(material.pictures)] for place in range(BATCH)]
    speeds = []
    for cores in cores_at_hand():
        run = contender.load(cores)
        speeds.append(speed_of(cores, lambda run=run: run(batch[:1]), lambda run=run: run(batch), seconds))  # type: ignore[misc]
    return tuple(speeds)


def file_contender(name: str, network: bytes, framing: Framing, *, inside: bool) -> Contender:
    """Prepare an ONNX file.

    Args:
        name: in tables.
        network: its bytes.
        framing: of the model.
        inside: whether the file frames pictures itself.
    """

    def load(threads: int) -> Callable[[Sequence[UInt8Array]], Floats]:
        session = open_session(network, f"The {name} file", threads)

        def run(pictures: Sequence[UInt8Array]) -> Floats:
            ready = list(pictures) if inside else list(frame_pictures(pictures, framing))
            return np.concatenate([session.run([LOGITS], {INPUT: batch})[0] for batch in _batches(ready)])

        return run

    return Contender(name, len(network) / 1e6, load)


def reference_of(predictor: Predictor, model: str | Path) -> tuple[Contender, str]:
    """Return the PyTorch network of a model, or its own ONNX file where that cannot be had, and why (else empty)."""
    folder = predictor.folder
    own = file_contender(FLOAT32, (folder.path / "model.onnx").read_bytes(), predictor.framing, inside=False)
    if find_spec("torch") is None or find_spec("timm") is None:
        return own, "PyTorch is not installed"
    from smearlab.deploy.torch_reference import torch_contender

    try:
        return torch_contender(TORCH, predictor, model), ""
    except ModelError as error:
        return own, str(error)


def _batches(pictures: Sequence[UInt8Array]) -> list[UInt8Array]:
    """Stack neighbours of one size, up to `BATCH` of them."""
    groups: list[list[UInt8Array]] = []
    for picture in pictures:
        if not groups or len(groups[-1]) == BATCH or groups[-1][0].shape != picture.shape:
            groups.append([])
        groups[-1].append(picture)
    return [np.stack(group) for group in groups]
