"""Altered copies of training pictures, made once before training, that fill small classes up."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from smearlab.augment.config import AugmentConfig
from smearlab.augment.policy import augment
from smearlab.data.atomic import atomic_path
from smearlab.training.devices import on_main
from smearlab.training.sampling import draw_evenly, filled_up, seed_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from smearlab.data.cells import IntArray, UInt8Array
    from smearlab.training.job import TrainingData
    from smearlab.training.recipe import BalanceConfig, Recipe

COPIES = "copies.npy"
IN_MEMORY = 2**29
"""Bytes of copies above which they are kept in a file."""
_TOGETHER = 64  # pictures altered at once; part of what decides the draws


def with_copies(data: TrainingData, recipe: Recipe, folder: Path) -> TrainingData:
    """Fill small classes of the training part up with altered copies where the recipe asks for it.

    The copies are a function of the pictures, the recipe and its seed, so that a resumed run makes the same.

    Args:
        data: pictures, labels and parts; validation and test are left alone.
        recipe: its balance and its seed.
        folder: for the copies where they are many.

    Returns:
        The data itself, or with copies whose positions follow those of the pictures.
    """
    if recipe.balance.kind != "synthetic":
        return data
    sources = copied(data.labels[data.train], recipe.balance, recipe.seed)
    if not len(sources):
        return data
    originals = data.train[sources]
    positions = np.arange(len(data.labels), len(data.labels) + len(originals))
    return replace(
        data,
        labels=np.concatenate([data.labels, data.labels[originals]]),
        train=np.concatenate([data.train, positions]),
        copies=altered_copies(data.images, originals, recipe, folder),
    )


def copied(labels: IntArray, balance: BalanceConfig, seed: int) -> IntArray:
    """Choose the pictures to copy: of every class as many as it lacks, each as often as the others, give or take one.

    Args:
        labels: ``int64 (n,)`` of the training pictures.
        balance: how many pictures each class is to have, as for oversampling.
        seed: of the choice.

    Returns:
        ``int64 (m,)`` positions into `labels`, class after class.
    """
    rng = np.random.default_rng((seed, 12))
    chosen = [np.zeros(0, dtype=np.int64)]
    for group, wanted in filled_up(labels, balance):
        chosen.append(draw_evenly(group, wanted - len(group), rng))
    return np.concatenate(chosen)


def altered_copies(images: UInt8Array, originals: IntArray, recipe: Recipe, folder: Path) -> UInt8Array:
    """Alter pictures by the balance's policy.

    Args:
        images: ``uint8 (N, h, w, 3)``.
        originals: ``int64 (m,)`` which of them to copy, again and again where they stand there several times.
        recipe: policy and seed.
        folder: where the copies are kept in `COPIES` if they take more than `IN_MEMORY` bytes.

    Returns:
        ``uint8 (m, h, w, 3)``, an array or a memory map.
    """
    shape = (len(originals), *images.shape[1:])
    if int(np.prod(shape)) <= IN_MEMORY:
        copies = np.empty(shape, np.uint8)
        _fill(copies, images, originals, recipe)
        return copies
    path = folder / COPIES

    def write() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with _array_file(path, shape) as file:
            _fill(file, images, originals, recipe)

    on_main(write)  # the other processes read what this one wrote
    loaded: UInt8Array = np.load(path, mmap_mode="r")
    return loaded


def _fill(copies: UInt8Array, images: UInt8Array, originals: IntArray, recipe: Recipe) -> None:
    policy = AugmentConfig(policy=recipe.balance.policy, steps=recipe.balance.steps)
    for start in range(0, len(originals), _TOGETHER):
        # Always on the CPU, so that a run that goes on elsewhere has the same copies.
        raw = torch.from_numpy(np.asarray(images[originals[start : start + _TOGETHER]]))
        generator = torch.Generator().manual_seed(seed_of(13, recipe.seed, start))
        changed = augment(raw, policy, generator).mul(255).round_().clamp_(0, 255).to(torch.uint8)
        copies[start : start + len(raw)] = changed.permute(0, 2, 3, 1).numpy()


@contextmanager
def _array_file(path: Path, shape: tuple[int, ...]) -> Iterator[UInt8Array]:
    """Open an ``.npy`` file to fill; it appears under its name when it is complete."""
    with atomic_path(path) as temporary:
        file = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        yield file
        file.flush()
        del file
