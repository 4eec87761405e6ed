"""Fit the estimate of a picture's field width, and print how well it does.

    python benchmarks/fit_field_width.py PBC_ORIGINAL PBC96.parquet

Whole frames in class folders give crops of known width; framed cells give width 1. Every figure is of frames and cells
that the fit had not seen (five folds). The coefficients printed at the end belong into smearlab/data/field.py.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from smearlab.data.cells import FloatArray, IntArray, UInt8Array
from smearlab.data.field import field_features

FRAMED = 200
"""Pixels of a whole frame that a framed cell shows."""
SIDES = (160, 180, 200, 225, 250, 280, 320, 360, 420)
FOLDS = 5
EVERY = 4
"""Share of the framed cells used is one in so many."""


def read_frames(folder: Path) -> list[UInt8Array]:
    """Read whole frames, made larger by reflection so that fields wider than a frame can be had."""
    frames = (np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.glob("*/*.jpg")))
    return [np.pad(frame, ((40, 40), (40, 40), (0, 0)), "reflect") for frame in frames]


def read_cells(parquet: Path) -> list[UInt8Array]:
    """Read every so-manieth framed cell."""
    import pyarrow.parquet as pq

    column = pq.read_table(parquet, columns=["image"]).column("image").to_pylist()[::EVERY]
    return [np.asarray(Image.open(io.BytesIO(image["bytes"])).convert("RGB")) for image in column]


def crop(frame: UInt8Array, side: int, shift: IntArray) -> UInt8Array:
    """Cut a square of this side about the centre, moved a little, and resize it as users' crops are."""
    top, left = ((np.array(frame.shape[:2]) - side) // 2 + shift).clip(0)
    part = Image.fromarray(frame[top : top + side, left : left + side])
    return np.asarray(part.resize((128, 128), Image.Resampling.BICUBIC))


def recolour(image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Change white balance, exposure, contrast and gamma at random."""
    level = image * rng.uniform(0.8, 1.2, 3) * rng.uniform(0.75, 1.15)
    level = (level - 128) * rng.uniform(0.7, 1.2) + 128
    return (255 * np.clip(level / 255, 0, 1) ** rng.uniform(0.75, 1.3)).astype(np.uint8)


def measure(frames: list[UInt8Array], cells: list[UInt8Array]) -> tuple[FloatArray, FloatArray, IntArray, IntArray]:
    """Return features, width, fold, and side in pixels of the frame (0 for a framed cell) of every example."""
    rng = np.random.default_rng(0)
    rows: list[tuple[FloatArray, float, int, int]] = []
    for number, frame in enumerate(frames):
        for side in SIDES:
            plain = field_features(crop(frame, side, np.zeros(2, np.int64)))
            altered = field_features(recolour(crop(frame, side, rng.integers(-10, 11, 2)), rng))
            rows += [(features, side / FRAMED, number % FOLDS, side) for features in (plain, altered)]
    rows += [(field_features(cell), 1.0, number % FOLDS, 0) for number, cell in enumerate(cells)]
    features, widths, folds, sides = zip(*rows, strict=True)
    return np.stack(features), np.array(widths), np.array(folds), np.array(sides)


def fit(features: FloatArray, widths: FloatArray, sides: IntArray) -> tuple[FloatArray, float]:
    """Fit log2 of the width; the framed cells together weigh as much as the crops of their width."""
    weights = np.where(sides == 0, 2 * np.mean(sides == FRAMED) / np.mean(sides == 0), 1.0)
    model = make_pipeline(StandardScaler(), Ridge(3.0))
    model.fit(features, np.log2(widths), ridge__sample_weight=weights)
    scaler, ridge = model[0], model[1]
    coefficients = ridge.coef_ / scaler.scale_
    return coefficients, float(ridge.intercept_ - coefficients @ scaler.mean_)


def main(originals: str, parquet: str) -> None:
    """Fit, print the figures of the held-out folds, then the coefficients of all."""
    features, widths, folds, sides = measure(read_frames(Path(originals)), read_cells(Path(parquet)))
    estimate = np.empty(len(widths))
    for fold in range(FOLDS):
        out = folds == fold
        coefficients, intercept = fit(features[~out], widths[~out], sides[~out])
        estimate[out] = 2 ** (intercept + features[out] @ coefficients)
    for side in sorted(set(sides.tolist())):
        these = estimate[sides == side]
        shares = ", ".join(f">{limit}: {np.mean(these > limit):.3f}" for limit in (1.3, 1.35, 1.4, 1.45, 1.5))
        quantiles = np.quantile(these, [0.01, 0.05, 0.5, 0.95, 0.99]).round(2).tolist()
        print(f"width {side / FRAMED if side else 1:.2f}{'' if side else ' (framed cells)'}: {quantiles}  {shares}")
    coefficients, intercept = fit(features, widths, sides)
    print("_COEFFICIENTS =", tuple(coefficients.round(4).tolist()))
    print("_INTERCEPT =", round(intercept, 4))


if __name__ == "__main__":
    main(*sys.argv[1:])
