"""Alters pictures with the original MedMNIST-C package; runs where that is installed and smearlab is not.

    python medmnistc_original.py PICTURES.npz OUT.npz

Every picture of every corruption and severity has a seed, its position, so that what was drawn for it is known.
"""

from __future__ import annotations

import random
import sys
import types

import numpy as np
from PIL import Image


def prepare() -> None:
    """Make the package run on today's libraries without PyTorch."""
    # Its motion blur reads bytes with a function that NumPy 2 dropped, and only corruptions of other data sets use
    # torchvision: an empty module in its place spares two gigabytes.
    vars(np)["fromstring"] = np.frombuffer
    for name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torchvision"].__dict__["transforms"] = sys.modules["torchvision.transforms"]
    sys.modules["torchvision.transforms"].__dict__["functional"] = sys.modules["torchvision.transforms.functional"]


def main(source: str, target: str) -> None:
    prepare()
    from medmnistc.corruptions.registry import (  # type: ignore[import-not-found, unused-ignore]
        CORRUPTIONS_DS,
    )

    altered = {}
    with np.load(source) as held:
        sizes = {name: held[name] for name in held.files}
    for size, pictures in sizes.items():
        for name, corruption in CORRUPTIONS_DS["bloodmnist"].items():
            for severity in range(5):
                results = []
                for position, picture in enumerate(pictures):
                    np.random.seed(position)  # noqa: NPY002 - the package draws from the global generator
                    random.seed(position)
                    results.append(corruption.apply(Image.fromarray(picture), severity=severity))
                altered[f"{size}/{name}/{severity + 1}"] = np.stack(results).astype(np.uint8)
    np.savez_compressed(target, **altered)  # type: ignore[arg-type, unused-ignore]


if __name__ == "__main__":
    main(*sys.argv[1:])
