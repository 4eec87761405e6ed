"""Augmented copies of pictures, made once: how many of which, what is mixed with what, and the pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from smearlab.augment.mixing import cutmix, mixup
from smearlab.augment.policy import augment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smearlab.augment.config import AugmentConfig
    from smearlab.data.cells import BoolArray, FloatArray, IntArray, StrArray, UInt8Array

    LookUp = Callable[[list[int]], list[UInt8Array]]

BATCH = 64
"""Pictures made at a time; a part of what decides the draws, so never changed for speed."""
BUNDLE = 8
"""About so many pictures, or one larger group, are a bundle: partners for mixing are drawn within it alone."""


@dataclass(frozen=True)
class Made:
    """One picture of an augmented set.

    Attributes:
        position: of the picture it was made from.
        number: 0 for the picture itself, 1 and more for its copies.
        picture: ``uint8 (h, w, 3)``.
        partner: position of the picture mixed into it, or -1.
        share: of the picture itself in the mixture, 0.5–1.
    """

    position: int
    number: int
    picture: UInt8Array
    partner: int = -1
    share: float = 1.0


def copies_per_class(labels: IntArray, eligible: IntArray, wanted: int, seed: int, *, originals: bool) -> IntArray:
    """Spread copies evenly over the pictures of each class, until it has as many as wanted.

    Args:
        labels: ``int64 (n,)``.
        eligible: positions ``int64 (m,)`` that may be copied, and that count.
        wanted: pictures of each class in the end; a class that has more stays as it is.
        seed: of who gets one copy more than others.
        originals: whether the pictures themselves are among those wanted.

    Returns:
        Copies of each picture, ``int64 (n,)``.
    """
    counts = np.zeros(len(labels), np.int64)
    for label in np.unique(labels[eligible]).tolist():
        members = eligible[labels[eligible] == label]
        missing = max(0, wanted - len(members) * originals)
        counts[members], more = divmod(missing, len(members))
        counts[np.random.default_rng((seed, 11, label)).permutation(members)[:more]] += 1
    return counts


def bundles(eligible: IntArray, units: StrArray, seed: int) -> IntArray:
    """Put pictures at random into small bundles, within which they may be mixed.

    Were partners drawn from all pictures, then every picture would be in part in copies of others, and no split could
    keep training and test apart.

    Args:
        eligible: positions ``int64 (m,)``.
        units: ``str (n,)`` what is kept together anyway: patients, slides, or each picture by itself.
        seed: of the bundles.

    Returns:
        ``int64 (n,)`` the bundle of each picture, -1 where it is not eligible.
    """
    found = np.full(len(units), -1, np.int64)
    if not len(eligible):
        return found
    _, unit, sizes = np.unique(units[eligible], return_inverse=True, return_counts=True)
    order = np.random.default_rng((seed, 12)).permutation(len(sizes))
    number = np.empty(len(sizes), np.int64)
    # A unit goes where the pictures before it leave room; a large one fills bundles of its own.
    number[order] = (np.cumsum(sizes[order]) - sizes[order]) // BUNDLE
    found[eligible] = number[unit]
    return found


@dataclass(frozen=True)
class Mixing:
    """What is mixed into each copy.

    Attributes:
        partners: ``int64 (m,)`` positions, -1 where nothing is.
        cuts: ``bool (m,)`` whether a window of the partner is pasted (CutMix) or both are blended (MixUp).
        shares: ``float64 (m,)`` of the picture itself; for a window, before it is cut off at the border.
        centres: ``float64 (m, 2)`` of the window, in shares of the sides.
    """

    partners: IntArray
    cuts: BoolArray
    shares: FloatArray
    centres: FloatArray

    def take(self, some: slice) -> Mixing:
        """Return what is mixed into some of the copies."""
        return Mixing(self.partners[some], self.cuts[some], self.shares[some], self.centres[some])


def no_mixing(count: int) -> Mixing:
    """Mix nothing into any of `count` copies."""
    return Mixing(np.full(count, -1, np.int64), np.zeros(count, np.bool_), np.ones(count), np.zeros((count, 2)))


def draw_mixing(sources: IntArray, bundle: IntArray, config: AugmentConfig, seed: int) -> Mixing:
    """Draw partners and shares for copies of the pictures at `sources` ``int64 (m,)``.

    The share of the picture itself is at least a half, so that its label is always that of the larger share; as
    (a, b, share) and (b, a, 1 - share) are one mixture, this takes nothing away from MixUp or CutMix.
    """
    rng, count = np.random.default_rng((seed, 13)), len(sources)
    kinds = [alpha > 0 for alpha in (config.mixup, config.cutmix)]
    mixed = (rng.random(count) < config.mix_share) & any(kinds)
    choice, cuts = rng.random(count), rng.random(count) < 0.5
    cuts = cuts if all(kinds) else np.full(count, kinds[1])
    shares = np.where(cuts, *(rng.beta(alpha or 1.0, alpha or 1.0, count) for alpha in (config.cutmix, config.mixup)))
    members = {number: np.flatnonzero(bundle == number) for number in np.unique(bundle[sources]).tolist()}
    partners = np.full(count, -1, np.int64)
    for place in np.flatnonzero(mixed).tolist():
        others = members[int(bundle[sources[place]])]
        others = others[others != sources[place]]
        if len(others):
            partners[place] = others[int(choice[place] * len(others))]
    return Mixing(partners, cuts, np.maximum(shares, 1 - shares), rng.random((count, 2)))


def make_pictures(
    look_up: LookUp,
    counts: IntArray,
    config: AugmentConfig,
    seed: int,
    *,
    originals: bool = True,
    mixing: Mixing | None = None,
) -> Iterator[Made]:
    """Make a set, picture after picture with its copies behind it, some dozens at a time.

    Args:
        look_up: gives the pictures ``uint8 (h, w, 3)`` at some positions; of one size where any are mixed.
        counts: copies of each picture, ``int64 (n,)``.
        config: what is done to each copy, by a draw of its own.
        seed: of the draws.
        originals: whether the pictures themselves come too.
        mixing: of the copies in their order; None mixes none.
    """
    mixing, first = mixing or no_mixing(int(counts.sum())), 0 if originals else 1
    wanted = [(place, number) for place, count in enumerate(counts.tolist()) for number in range(first, count + 1)]
    done = 0
    for batch, start in enumerate(range(0, len(wanted), BATCH)):
        some = wanted[start : start + BATCH]
        generator = torch.Generator().manual_seed(int(np.random.SeedSequence((seed, 14, batch)).generate_state(1)[0]))
        copies = sum(number > 0 for _, number in some)
        yield from _make_batch(look_up, some, config, generator, mixing.take(slice(done, done + copies)))
        done += copies


def _make_batch(
    look_up: LookUp, wanted: list[tuple[int, int]], config: AugmentConfig, generator: torch.Generator, mixing: Mixing
) -> Iterator[Made]:
    places = [place for place, number in wanted if number]
    partners: list[int] = mixing.partners.tolist()
    altered = _altered(look_up([*places, *(one for one in partners if one >= 0)]), config, generator)
    copies, others = iter(altered[: len(places)]), iter(altered[len(places) :])
    results = (
        (partner, *(_mixed(own, next(others), mixing, place) if partner >= 0 else (own, 1.0)))
        for place, (own, partner) in enumerate(zip(copies, partners, strict=True))
    )
    for place, number in wanted:
        if not number:
            yield Made(place, 0, look_up([place])[0])
            continue
        partner, unit, share = next(results)
        yield Made(place, number, _bytes(unit), partner, share)


def _altered(pictures: list[UInt8Array], config: AugmentConfig, generator: torch.Generator) -> list[torch.Tensor]:
    """Change each picture by its own draw; neighbours of one size go together: ``float32 (3, h, w)`` in 0–1 each."""
    results: list[torch.Tensor] = []
    start = 0
    while start < len(pictures):
        end = start + 1
        while end < len(pictures) and pictures[end].shape == pictures[start].shape:
            end += 1
        results += augment(torch.from_numpy(np.stack(pictures[start:end])), config, generator).unbind(0)
        start = end
    return results


def _mixed(own: torch.Tensor, partner: torch.Tensor, mixing: Mixing, place: int) -> tuple[torch.Tensor, float]:
    """Mix one pair; return the mixture and the share of the picture itself."""
    pair, labels, turned = torch.stack([own, partner]), torch.eye(2, dtype=torch.float64), torch.tensor([1, 0])
    share = float(mixing.shares[place])
    if mixing.cuts[place]:
        pictures, targets = cutmix(pair, labels, turned, share, mixing.centres[place])
    else:
        pictures, targets = mixup(pair, labels, turned, torch.tensor([share, share]))
    return pictures[0], float(targets[0, 0])


def _bytes(unit: torch.Tensor) -> UInt8Array:
    array: UInt8Array = (unit * 255).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()
    return array
