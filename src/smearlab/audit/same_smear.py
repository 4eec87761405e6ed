"""Pictures that are likely from one smear, told by the colour of the empty slide, and what neighbouring numbers tell.

Most collections name neither patient nor slide, and a split that puts one smear on both sides flatters. What is left
is the light: lamp, glass and white balance are one smear's, or one session's. This tells sessions apart, seldom single
smears: of two smears taken under one light it knows nothing, and an analyser that corrects its white balance (as the
CellaVision DM96 does) removes most of what there was to see. Use the groups as a hint, never as patient ids.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from smearlab.audit.measurements import Measurements
from smearlab.data.cells import Cells, FloatArray, IntArray
from smearlab.errors import require
from smearlab.metrics.projection import sample_of
from smearlab.report.audit_contents import LikelySmear

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

MOST_SMEARS = 16
"""Groups of light that are looked for, at most."""
LEAST_SILHOUETTE = 0.4
"""Mean silhouette from which a group stands apart enough to be named.

On six drawn sets of twelve slides (60 cells per class), 54 to 73 % of the pairs within named groups are of one slide,
of those within other groups 24 to 48 %; by chance 8 % would be. Real smears are likely to be told less well."""
LEAST_DIFFERENCE = 1.0
"""Grey levels, in some channel, between a named group's background and that of any other."""
LEAST_MEMBERS = 5
TELLING = 0.6
"""Share of neighbouring numbers nearer in colour than strangers from which numbers are said to tell smears; 0.5 is
chance."""

_FARTHEST = 6.0  # robust standard deviations; one odd picture must not set the scale
_LEAST_VARIANCE = 1e-3  # in the same units; a group narrower than that is one picture and its copies
_SAMPLE = 3000  # pictures that the mixture is fitted to and silhouettes are measured on
_SHOWN = 12
_NUMBERED = re.compile(r"(.*?)(\d+)$")


@dataclass(frozen=True)
class NumberTest:
    """Whether files with neighbouring numbers look as if they came from one smear.

    Attributes:
        pairs: pairs of neighbours compared: same folder, same letters before the number, consecutive among those.
        nearer: share of them whose light is more alike than that of a random pair of the same folder and letters;
            0.5 where numbers tell nothing.
        error: standard error of that share.
    """

    pairs: int
    nearer: float
    error: float

    @property
    def tells(self) -> bool:
        """Whether neighbouring numbers are alike beyond chance, and by enough to matter."""
        return self.nearer >= TELLING and self.nearer - 0.5 > 3 * self.error

    def sentence(self) -> str:
        """Say in words what numbers tell."""
        found = f"{self.nearer:.0%} of {self.pairs:,} neighbours by file number are closer in background than strangers"
        if self.tells:
            return f"{found}: cells of one smear seem to be numbered in a row, so split them in blocks."
        return f"{found} (chance: 50%): file numbers do not tell which pictures share a smear."


@dataclass(frozen=True, eq=False)
class SmearGroups:
    """Pictures grouped by the light they were taken in.

    Attributes:
        numbers: ``int64 (N,)`` group of each picture; the largest group is 0.
        silhouettes: ``float64 (groups,)`` mean silhouette of each in [-1, 1]: how far it stands apart from the others.
        colours: ``float64 (groups, 3)`` median background, RGB 0–255.
    """

    numbers: IntArray
    silhouettes: FloatArray
    colours: FloatArray

    def __len__(self) -> int:
        return len(self.silhouettes)

    def named(self) -> tuple[int, ...]:
        """Return the groups that stand apart and hold few enough pictures, less than half of all, to be one smear's."""
        sizes = np.bincount(self.numbers, minlength=len(self))
        between = np.abs(self.colours[:, None] - self.colours).max(2) + np.diag(np.full(len(self), np.inf))
        fit = (sizes >= LEAST_MEMBERS) & (2 * sizes < len(self.numbers))
        fit &= (self.silhouettes >= LEAST_SILHOUETTE) & (between.min(1, initial=np.inf) >= LEAST_DIFFERENCE)
        return tuple(np.flatnonzero(fit).tolist())


def light_of(measurements: Measurements) -> FloatArray:
    """Return hue (two log ratios) and level of the background, robustly scaled: ``float64 (N, 3)``."""
    logs = np.log(measurements.background.astype(np.float64) + 1)
    light = np.stack([logs[:, 0] - logs[:, 1], logs[:, 2] - logs[:, 1], logs[:, 1]], axis=1)
    light -= np.median(light, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(light), axis=0), 1e-3)  # a quarter of a grey level
    return np.asarray(np.clip(light / spread, -_FARTHEST, _FARTHEST), dtype=np.float64)


def group_by_light(measurements: Measurements, *, most: int = MOST_SMEARS, seed: int = 0) -> SmearGroups:
    """Group pictures by their background: a mixture of Gaussians, of the number with the lowest BIC (Schwarz 1978).

    Args:
        measurements: of the pictures.
        most: groups, at most.
        seed: of the sample and the mixture.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    require("sklearn", "train", "Grouping pictures by smear")
    if not len(measurements):
        return SmearGroups(np.zeros(0, np.int64), np.zeros(0), np.zeros((0, 3)))
    light = light_of(measurements)
    sample = light[sample_of(len(light), _SAMPLE, seed=seed)]
    mixture = _best_mixture(sample, most, seed)
    found, numbers = np.unique(mixture.predict(light), return_inverse=True)
    order = np.argsort(-np.bincount(numbers), kind="stable")
    numbers = np.argsort(order)[numbers].astype(np.int64)
    background = measurements.background.astype(np.float64)
    colours = np.stack([np.median(background[numbers == number], axis=0) for number in range(len(found))])
    return SmearGroups(numbers, _silhouettes(light, numbers, seed), colours)


def _best_mixture(light: FloatArray, most: int, seed: int) -> GaussianMixture:
    from sklearn.mixture import GaussianMixture

    # Each component has nine parameters of its own: fewer pictures than that cannot tell it from chance.
    numbers = range(1, max(2, min(most, len(light) // 9, len(np.unique(light, axis=0))) + 1))
    fitted = [GaussianMixture(number, reg_covar=_LEAST_VARIANCE, random_state=seed) for number in numbers]
    if len(light) < 2:
        return fitted[0].fit(np.repeat(light, 2, axis=0))
    return min((mixture.fit(light) for mixture in fitted), key=lambda mixture: mixture.bic(light))


def _silhouettes(light: FloatArray, numbers: IntArray, seed: int) -> FloatArray:
    """Return each group's mean silhouette, measured on a sample; -1 for a group that the sample misses."""
    groups = int(numbers.max()) + 1
    chosen = sample_of(len(light), _SAMPLE, seed=seed)
    present = len(np.unique(numbers[chosen]))
    if not 1 < present < len(chosen):
        return np.full(groups, -1.0)
    from sklearn.metrics import silhouette_samples

    values = silhouette_samples(light[chosen], numbers[chosen])
    counts = np.bincount(numbers[chosen], minlength=groups)
    totals = np.bincount(numbers[chosen], weights=values, minlength=groups)
    return np.where(counts > 0, totals / np.maximum(counts, 1), -1.0)


def likely_smears(groups: SmearGroups, cells: Cells, positions: IntArray | None = None) -> tuple[LikelySmear, ...]:
    """Name the groups that stand apart, the surest first.

    Args:
        groups: of pictures of `cells`.
        cells: the collection that positions and rows are of.
        positions: ``int64 (n,)`` which of them were grouped; None: all.
    """
    grouped = np.arange(len(cells)) if positions is None else positions
    smears: list[LikelySmear] = []
    for number in sorted(groups.named(), key=lambda number: -groups.silhouettes[number]):
        members = grouped[groups.numbers == number]
        red, green, blue = groups.colours[number].round().astype(int).tolist()
        note = f"{len(members):,} pictures with a background of about RGB ({red}, {green}, {blue})"
        rows, shown = cells.rows[members].tolist(), members[:: max(1, len(members) // _SHOWN)][:_SHOWN].tolist()
        score = float(np.clip(groups.silhouettes[number], 0, 1))
        smears.append(LikelySmear(f"light {len(smears) + 1}", rows, shown, score, note))
    return tuple(smears)


def number_test(cells: Cells, measurements: Measurements, seed: int = 0) -> NumberTest | None:
    """Test whether files with neighbouring numbers share their light; None where no files are numbered.

    Each neighbour is compared with one random pair of the same folder and letters; ties count half.
    """
    light = light_of(measurements)
    rng = np.random.default_rng(seed)
    wins: list[NDArray[np.float64]] = []
    for members in _series(cells.sources.tolist()):
        here, following, stranger = members[:-1], members[1:], rng.permutation(members)[:-1]
        other = stranger != here
        near = np.linalg.norm(light[here] - light[following], axis=1)[other]
        far = np.linalg.norm(light[here] - light[stranger], axis=1)[other]
        wins.append((near < far) + 0.5 * (near == far))
    outcomes = np.concatenate(wins) if wins else np.zeros(0)
    if len(outcomes) < 2:
        return None
    error = max(float(outcomes.std(ddof=1)), 0.1) / float(np.sqrt(len(outcomes)))
    return NumberTest(len(outcomes), float(outcomes.mean()), error)


def _series(sources: Sequence[str]) -> list[IntArray]:
    """Return positions of files that differ in their number alone, in the order of the numbers."""
    series: dict[str, list[tuple[int, int]]] = {}
    for position, source in enumerate(sources):
        match = _NUMBERED.fullmatch(PurePosixPath(source).with_suffix("").as_posix()) if source else None
        if match and "#" not in source:  # rows of an array have no number of their own
            series.setdefault(match[1], []).append((int(match[2]), position))
    return [np.array([at for _, at in sorted(pairs)], dtype=np.int64) for pairs in series.values() if len(pairs) > 2]
