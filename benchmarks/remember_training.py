"""Gives a model that was trained before models kept outlines those of the pictures it was trained on.

    python -m benchmarks.remember_training src/smearlab/inference/default pbc96.parquet \
        --set split.train=0.92 split.validation=0.08 split.test=0

The recipe that ``model.json`` names, with the overrides that were given to its training, says which pictures these are;
where their numbers in each class are not those that ``model.json`` gives, nothing is written.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from smearlab.data.read import read
from smearlab.inference.outlines import outlines
from smearlab.inference.predictor import Predictor
from smearlab.inference.refit import remember
from smearlab.training.preparation import prepare
from smearlab.training.recipe_io import load_recipe


def main(arguments: Sequence[str] | None = None) -> None:
    """Split as the training did, check, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="the model folder to write to")
    parser.add_argument("data", help="the cells that it was trained on")
    parser.add_argument("--set", nargs="*", default=[], help="overrides of the recipe, as its training was given them")
    options = parser.parse_args(arguments)
    predictor, cells = Predictor.load(options.model), read(options.data)
    told = predictor.info.provenance
    split = prepare(cells, load_recipe(told.recipe, options.set)).split
    counts = np.bincount(cells.known_labels[split.train], minlength=len(cells.class_names)).tolist()
    found = dict(zip(cells.class_names, counts, strict=True))
    if found != told.class_counts:
        parser.error(f"{options.model} was trained on {told.class_counts}, but this split gives {found}.")
    remember(options.model, outlines(cells.take(split.train).images, predictor.framing))
    print(f"{options.model} knows {len(split.train):,} pictures again.")


if __name__ == "__main__":
    main()
