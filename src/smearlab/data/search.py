"""The search for near copies, in rounds.

The first round compares each picture with its few nearest ones: enough where copies are rare, as they mostly are. Of
many copies of one picture it finds pieces, because each member's nearest ones are members of its own piece. So the
members of whatever was joined look again, outside their own group, until a round joins nothing. Each round joins
pieces with pieces, as in Borůvka's spanning tree: their number at least halves where a link is found, and the pairs
verified grow with the number of pictures, never with the square of a group's size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smearlab.data.alignment import Turns, align_pairs, turn_pairs
from smearlab.data.groups import join_pairs
from smearlab.data.neighbours import Candidates, CandidateSearch, Reach, search_vectors

if TYPE_CHECKING:
    from collections.abc import Callable

    from smearlab.data.cells import BoolArray, IntArray
    from smearlab.data.signatures import Float32Array, Signatures

_VECTOR_RADIUS = 0.4
_LEAST_TURN_SCORE = 0.8
_PER_GROUP = 2  # pairs of one picture with the members of one other group
_PER_BORDER = 16  # pairs of two groups
_CHUNK = 2048  # pictures whose candidates are held at a time


class _Breadth(NamedTuple):
    """How far a round looks: nearest vectors of each picture, and how many of them are verified."""

    reach: Reach
    verified: int


_FIRST = _Breadth(Reach(_VECTOR_RADIUS, 8), 2)
_LATER = _Breadth(Reach(_VECTOR_RADIUS, 64), 4)


class NearPairs(NamedTuple):
    """Verified pairs of pictures: two positions ``int64 (P,)`` and the correlation ``float32 (P,)``."""

    first: IntArray
    second: IntArray
    score: Float32Array


@dataclass
class _State:
    """What is known so far: the groups ``int64 (N,)``, and the keys of all pairs that were verified or refused."""

    groups: IntArray
    tried: IntArray


def find_near_pairs(signatures: Signatures, threshold: float, advance: Callable[[int], None]) -> NearPairs:
    """Find pairs of near copies that join each group of copies into one.

    Args:
        signatures: of N pictures, none of them blank; N may be 0.
        threshold: correlation on 0 to 1 from which two aligned pictures count as the same cell.
        advance: told of the pictures that the first round is done with.

    Returns:
        The pairs found. Two copies in one group need not be a pair, but are linked by a chain of pairs.
    """
    count = len(signatures.contrast)
    if not count:
        nothing = np.zeros(0, dtype=np.int64)
        return NearPairs(nothing, nothing, np.zeros(0, dtype=np.float32))
    search = CandidateSearch(search_vectors(signatures))
    state = _State(np.arange(count), np.zeros(0, dtype=np.int64))
    rows, breadth, found = state.groups, _FIRST, []
    while len(rows):
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            found.append(_verify(signatures, *_promising(signatures, search, chunk, breadth, state), threshold))
            advance(len(chunk) if breadth is _FIRST else 0)
        rows, breadth = _join(state, found), _LATER
    return NearPairs(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _verify(signatures: Signatures, pairs: Candidates, turns: Turns, threshold: float) -> NearPairs:
    scores = align_pairs(signatures, pairs, turns)
    alike = scores >= threshold
    return NearPairs(pairs.first[alike], pairs.second[alike], scores[alike])


def _join(state: _State, found: list[NearPairs]) -> IntArray:
    """Join what was found and return the members of the groups that grew, group by group."""
    count = len(state.groups)
    first = np.concatenate([pairs.first for pairs in found])
    second = np.concatenate([pairs.second for pairs in found])
    fresh = state.groups[first] != state.groups[second]
    if not fresh.any():
        return np.zeros(0, dtype=np.int64)
    first, second = first[fresh], second[fresh]
    state.groups = join_pairs(count, np.concatenate([np.arange(count), first]), np.concatenate([state.groups, second]))
    members = np.flatnonzero(np.isin(state.groups, state.groups[first]))
    return members[np.argsort(state.groups[members], kind="stable")]


def _promising(
    signatures: Signatures, search: CandidateSearch, rows: IntArray, breadth: _Breadth, state: _State
) -> tuple[Candidates, Turns]:
    """Keep for each of the rows the few pictures of other groups whose rings agree best, if not tried before."""
    count, groups = len(state.groups), state.groups
    pairs = search.find(rows, groups, breadth.reach)
    turns = turn_pairs(signatures, pairs)
    chosen = np.flatnonzero(turns.score >= _LEAST_TURN_SCORE)
    others = groups[pairs.second]
    limits = [
        (pairs.first * count + others, _PER_GROUP),
        (pairs.first, breadth.verified),
        (groups[pairs.first] * count + others, _PER_BORDER),
    ]
    for key, most in limits:
        chosen = chosen[_leading(turns.score[chosen], key[chosen], most)]
    keys = _pair_keys(pairs.take(chosen), count)
    new, places = np.unique(keys, return_index=True)
    places = places[~np.isin(new, state.tried)]
    state.tried = np.concatenate([state.tried, keys[places]])
    chosen = np.sort(chosen[places])
    return pairs.take(chosen), turns.take(chosen)


def _leading(scores: Float32Array, keys: IntArray, most: int) -> BoolArray:
    """Mark the entries whose score is among the `most` highest of their key."""
    order = np.lexsort((-scores, keys))
    ordered = keys[order]
    kept = np.empty(len(keys), dtype=np.bool_)
    kept[order] = np.arange(len(keys)) - np.searchsorted(ordered, ordered) < most
    return kept


def _pair_keys(pairs: Candidates, count: int) -> IntArray:
    """Number each pair and zoom; a pair of equal zoom has the same number from either side."""
    swapped = (pairs.zoom == 0) & (pairs.first > pairs.second)
    first = np.where(swapped, pairs.second, pairs.first)
    second = np.where(swapped, pairs.first, pairs.second)
    keys: IntArray = (pairs.zoom * count + first) * count + second
    return keys
