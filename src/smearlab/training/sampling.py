"""Which pictures an epoch shows, and in which order: a function of the seed and the epoch alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from smearlab.data.cells import IntArray
    from smearlab.training.recipe import BalanceConfig, Recipe


def seed_of(*entropy: int) -> int:
    """Mix a purpose, a seed and counters into one 63-bit seed; neighbouring counters give unrelated ones."""
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> np.uint64(1))


def epoch_order(labels: IntArray, balance: BalanceConfig, seed: int, epoch: int) -> IntArray:
    """Return the positions of an epoch's pictures in training order.

    Args:
        labels: ``int64 (n,)`` of the training pictures.
        balance: ``oversample`` repeats pictures of small classes until each class has (wanted / own) ** power times
            its number, where it lacks any, and wanted is `per_class` or the number of the largest; ``batches``
            interleaves the classes so that every batch holds them equally; otherwise every picture comes once.
        seed: the recipe's.
        epoch: 0-based, counted over all phases.

    Returns:
        ``int64 (m,)`` positions into `labels`.
    """
    rng = np.random.default_rng((seed, 1, epoch))
    if balance.kind == "oversample":
        groups = [draw_evenly(group, wanted, rng) for group, wanted in filled_up(labels, balance)]
        return rng.permutation(np.concatenate(groups))
    if balance.kind == "batches":
        return _interleaved(labels, rng)
    return rng.permutation(len(labels)).astype(np.int64)


def _by_class(labels: IntArray) -> list[IntArray]:
    return [np.flatnonzero(labels == label).astype(np.int64) for label in np.unique(labels)]


def filled_up(labels: IntArray, balance: BalanceConfig) -> list[tuple[IntArray, int]]:
    """Return the positions of each class, and how many pictures of it the balance wants; never fewer than there are."""
    groups = _by_class(labels)
    full = balance.per_class or max(len(group) for group in groups)
    return [(group, max(len(group), round(len(group) * (full / len(group)) ** balance.power))) for group in groups]


def draw_evenly(positions: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """Draw `count` positions, each as often as the others give or take one."""
    whole, rest = divmod(count, len(positions))
    return np.concatenate([np.tile(positions, whole), rng.permutation(positions)[:rest]])


def _interleaved(labels: IntArray, rng: np.random.Generator) -> IntArray:
    groups = _by_class(labels)
    rounds = -(-len(labels) // len(groups))
    columns = [rng.permutation(draw_evenly(group, rounds, rng)) for group in groups]
    return np.stack(columns, axis=1).reshape(-1)[: len(labels)]


def fill_epoch(order: IntArray, batch_size: int, min_steps: int) -> IntArray:
    """Show a small set several times, so that an epoch has at least `min_steps` steps of `batch_size`."""
    repeats = -(-min_steps * batch_size // max(1, len(order)))
    return np.tile(order, max(1, repeats))[: max(len(order), min_steps * batch_size)]


def step_batches(order: IntArray, batch_size: int) -> list[IntArray]:
    """Cut an epoch into batches of one size; the rest is left for another epoch's shuffle.

    Batches of one size keep batch statistics and step counts alike; a set smaller than one batch is one batch.
    """
    size = min(batch_size, len(order))
    return [order[start : start + size] for start in range(0, len(order) - size + 1, size)]


def planned_steps(labels: IntArray, recipe: Recipe) -> list[int]:
    """Return the steps that one epoch of each phase has; early stopping may leave some of the epochs out.

    Args:
        labels: ``int64 (n,)`` of the training pictures.
        recipe: its balance and its phases.
    """
    pictures = epoch_order(labels, recipe.balance, recipe.seed, 0)
    return [
        len(step_batches(fill_epoch(pictures, phase.batch_size, phase.min_steps_per_epoch), phase.batch_size))
        for phase in recipe.phases
    ]


def share_done(steps_per_epoch: list[int], epochs: list[int], phase: int, epoch: int, step: int) -> float:
    """Return the share, 0 to 1, of all planned steps that lie before this one.

    What an early stop left out counts as done, so that a phase always begins at the same share.

    Args:
        steps_per_epoch: of each phase.
        epochs: planned of each phase.
        phase: 0-based.
        epoch: 0-based within the phase.
        step: 0-based within the epoch.
    """
    planned = [steps * count for steps, count in zip(steps_per_epoch, epochs, strict=True)]
    done = sum(planned[:phase]) + epoch * steps_per_epoch[phase] + step
    return min(1.0, done / max(1, sum(planned)))
