"""Compares ways to tell "this is no cell" on pictures that none of them was fitted or tuned on.

    python -m benchmarks.rejection runs/robust pbc96.parquet

A run whose split has a test part: every way is fitted on its validation cells, and judged on its test cells against
drawings, photographs, textures, noise and pictures of other specimens. Where the run has no test part, on half of its
validation cells, against the other half. Writes the section "Rejection" of RESULTS.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import roc_auc_score

from benchmarks.planted_hard import HARD, HARD_PHOTOS
from benchmarks.planted_junk import MEASURING, TUNING, Drawing, drawn
from benchmarks.planted_photos import MEASURING_PHOTOS, TUNING_PHOTOS, photograph
from benchmarks.results import markdown_table, write_section
from smearlab.corruptions.suites import SUITES, corrupt
from smearlab.data.cells import Cells, UInt8Array
from smearlab.data.read import read
from smearlab.inference.predictor import Predictions, Predictor
from smearlab.inference.spread import fit_spread, to_unit
from smearlab.inference.trust import softmax

Doubles: TypeAlias = NDArray[np.float64]
Detector: TypeAlias = Callable[[Doubles, Doubles], Doubles]
"""Features and logits in, how strange each picture is out."""
SIDE = 96
EACH = 10
"""Crops of each photograph and pictures of each family of drawings."""
_VIM_DIRECTIONS = 64
_SHOWN_PER_CONDITION = 60


@dataclass(frozen=True)
class Answers:
    """What a network gives for some pictures: features ``(n, d)`` and logits ``(n, k)``."""

    features: Doubles
    logits: Doubles

    @classmethod
    def of(cls, predictions: Predictions) -> Answers:
        """Take what was predicted with features."""
        assert predictions.features is not None
        return cls(predictions.features.astype(np.float64), predictions.logits.astype(np.float64))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("data")
    options = parser.parse_args(arguments)
    predictor = Predictor.load(options.run, threads=1)
    cells = read(options.data)
    known, judged = _parts(cells, Path(options.run))

    def see(pictures: UInt8Array | list[UInt8Array]) -> Answers:
        return Answers.of(predictor.predict(pictures, features=True))

    ways = detectors(see(list(known.images)), known.known_labels)
    usual = see(list(judged.images))
    strange = {name: see(pictures) for name, pictures in no_cells().items()}
    few = judged.take(np.random.default_rng(0).permutation(len(judged))[:300])
    altered = {"stain shifted": see(stain_shifted(np.asarray(few.images), 0)), **_microscope(few, see)}
    rows = [[name, *_figures(way, usual, strange, altered)] for name, way in ways.items()]
    count = sum(len(answers.logits) for answers in strange.values())
    head = [
        "way",
        "AUROC",
        "accepted at 95 %",
        *(f"{name}" for name in strange),
        "at 99 %",
        *(f"{n} kept" for n in altered),
    ]
    table = markdown_table(head, sorted(rows, key=lambda row: row[1], reverse=True))
    words = (
        f"{count} pictures of no cell against {len(judged)} held-out cells; statistics from {len(known)} others."
        " Accepted: share of no-cells that pass at the limit that keeps 95 % (99 %) of cells; kept: share of altered"
        " cells that pass at the limit of 99 %.\n"
    )
    write_section("Rejection", f"{words}\n{table}", ["numpy", "onnxruntime", "scikit-image"])
    print(table)


def detectors(known: Answers, labels: NDArray[np.int64]) -> dict[str, Detector]:
    """Fit every way on known cells."""
    spread, unit = fit_spread(known.features, labels), fit_spread(to_unit(known.features), labels)
    bank, mean = to_unit(known.features), known.features.mean(0)
    axes = np.linalg.eigh(np.cov((known.features - mean).T))[1][:, :-_VIM_DIRECTIONS]
    scale = known.logits.max(1).mean() / np.linalg.norm((known.features - mean) @ axes, axis=1).mean()

    def neighbour(k: int) -> Detector:
        return lambda features, _: np.partition(1 - to_unit(features) @ bank.T, k - 1, axis=1)[:, k - 1]

    return {
        "maximum softmax (Hendrycks & Gimpel 2017)": lambda _, logits: -softmax(logits).max(1),
        "energy (Liu et al. 2020)": lambda _, logits: -_energy(logits),
        "Mahalanobis (Lee et al. 2018)": lambda features, _: spread.distances(features),
        "Mahalanobis++ (Mueller & Hein 2025)": lambda features, _: unit.distances(to_unit(features)),
        "nearest neighbour (Sun et al. 2022)": neighbour(1),
        "tenth neighbour": neighbour(10),
        "ViM (Wang et al. 2022)": lambda features, logits: (
            scale * np.linalg.norm((features - mean) @ axes, axis=1) - _energy(logits)
        ),
    }


def no_cells() -> dict[str, UInt8Array]:
    """Make pictures of no cell, all distinct: ``uint8 (n, 96, 96, 3)`` by kind."""
    textures = {name: MEASURING_PHOTOS[name] for name in ("brick wall", "grass")} | {"gravel": TUNING_PHOTOS["gravel"]}
    photos = {name: place for name, place in (TUNING_PHOTOS | MEASURING_PHOTOS).items() if name not in textures}
    return {
        "drawings": _drawings(TUNING | MEASURING),
        "photographs": _photographs(photos),
        "textures": _photographs(textures),
        "other specimens": _photographs(HARD_PHOTOS),
        "in a stain's colours": _drawings(HARD),
        "noise": _noise(),
    }


def stain_shifted(pictures: UInt8Array, seed: int) -> UInt8Array:
    """Shift and scale the dyes in HED space (Tellez et al. 2018): every channel ×0.85–1.15, ±0.03."""
    from skimage.color import hed2rgb, rgb2hed

    rng = np.random.default_rng(seed)
    dyes = rgb2hed(pictures)
    shape = (len(pictures), 1, 1, 3)
    shifted = np.clip(hed2rgb(dyes * rng.uniform(0.85, 1.15, shape) + rng.uniform(-0.03, 0.03, shape)), 0, 1)
    return np.asarray(np.round(255 * shifted), np.uint8)


def _photographs(places: dict[str, str]) -> UInt8Array:
    return np.stack(
        [
            photograph(place, SIDE, np.random.default_rng([1, number, turn]))
            for number, place in enumerate(places.values())
            for turn in range(EACH)
        ]
    )


def _drawings(families: dict[str, Drawing]) -> UInt8Array:
    return np.stack(
        [
            drawn(draw, SIDE, np.random.default_rng([2, number, turn]))
            for number, draw in enumerate(families.values())
            for turn in range(EACH)
        ]
    )


def _noise() -> UInt8Array:
    """Noise in colour and in grey, blank fields, ramps and soft blobs of chance."""
    rng = np.random.default_rng(3)
    made: list[NDArray[np.generic]] = []
    for _ in range(EACH):
        made.append(rng.integers(0, 256, (SIDE, SIDE, 3)))
        made.append(rng.normal(rng.uniform(60, 200), rng.uniform(3, 60), (SIDE, SIDE, 3)))
        made.append(np.repeat(rng.integers(0, 256, (SIDE, SIDE, 1)), 3, 2))
        made.append(np.broadcast_to(rng.integers(0, 256, 3), (SIDE, SIDE, 3)))
        ramp = np.linspace(0, 1, SIDE)[:, None, None] * rng.uniform(-90, 90, 3) + rng.uniform(90, 160, 3)
        made.append(np.broadcast_to(ramp, (SIDE, SIDE, 3)))
        blobs = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        made.append(np.asarray(blobs.resize((SIDE, SIDE), Image.Resampling.BICUBIC)))
    return np.stack([np.clip(np.asarray(picture, np.float64), 0, 255).astype(np.uint8) for picture in made])


def _parts(cells: Cells, run: Path) -> tuple[Cells, Cells]:
    split = json.loads((run / "split.json").read_text(encoding="utf-8"))
    known = np.flatnonzero(np.isin(cells.rows, split["validation"]))
    judged = np.flatnonzero(np.isin(cells.rows, split["test"]))
    if not len(judged):
        shuffled = np.random.default_rng(0).permutation(known)
        known, judged = shuffled[: len(shuffled) // 2], shuffled[len(shuffled) // 2 :]
    return cells.take(known), cells.take(judged)


def _microscope(cells: Cells, see: Callable[[UInt8Array], Answers]) -> dict[str, Answers]:
    few = np.asarray(cells.images)[:_SHOWN_PER_CONDITION]
    found = {}
    for severity in (1, 3, 5):
        seen = [see(corrupt(few, "microscope", one.name, severity)) for one in SUITES["microscope"].corruptions]
        joined = (np.concatenate([getattr(one, name) for one in seen]) for name in ("features", "logits"))
        found[f"microscope {severity}"] = Answers(*joined)
    return found


def _figures(way: Detector, usual: Answers, strange: dict[str, Answers], altered: dict[str, Answers]) -> list[str]:
    cells = way(usual.features, usual.logits)
    limit, wide = np.quantile(cells, 0.95), np.quantile(cells, 0.99)
    kinds = {name: way(answers.features, answers.logits) for name, answers in strange.items()}
    junk = np.concatenate(list(kinds.values()))
    area = roc_auc_score(np.r_[np.zeros(len(cells)), np.ones(len(junk))], np.r_[cells, junk])
    kept = [np.mean(way(answers.features, answers.logits) <= wide) for answers in altered.values()]
    shares = [np.mean(junk <= limit), *(np.mean(scores <= limit) for scores in kinds.values()), np.mean(junk <= wide)]
    return [f"{area:.4f}", *(f"{100 * share:.1f}" for share in (*shares, *kept))]


def _energy(logits: Doubles) -> Doubles:
    top = logits.max(1)
    energy: Doubles = top + np.log(np.exp(logits - top[:, None]).sum(1))
    return energy


if __name__ == "__main__":
    main()
