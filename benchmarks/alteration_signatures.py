"""Measures what every corruption of the stress suites does to pictures' statistics.

    python -m benchmarks.alteration_signatures pbc96.parquet

Writes ``src/smearlab/evaluation/alterations.json``, which `smearlab shift` compares another laboratory's pictures with.
Once with a draw for every picture, as the suites do it; and of the suite `microscope`, whose alterations are those of a
whole laboratory, with one draw for all, which moves the means one way. Of these draws those that differ are kept.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from smearlab.corruptions.suites import SUITES, Corruption, corrupt
from smearlab.data.atomic import write_text
from smearlab.data.cells import Cells, Pictures
from smearlab.data.framing import Framing
from smearlab.data.read import read
from smearlab.evaluation.explain import evenly
from smearlab.evaluation.shift import ALTERATIONS
from smearlab.inference.statistics import STATISTICS, picture_statistics, reference_statistics, signature

SEVERITIES = (1, 3, 5)
KNOWN = 1000
"""Cells that are the laboratory as it usually is."""
CELLS = 60
SEED = 1
FRAMING = Framing(size=96)
LABORATORY = "microscope"
DRAWS, ALIKE = 24, 0.8
"""Laboratories that are drawn for each corruption, and the likeness from which two are taken for one."""


@dataclass(frozen=True)
class Measured:
    """A corruption of a suite at a severity, and the signature of pictures altered by it."""

    suite: str
    corruption: Corruption
    severity: int
    signature: np.ndarray

    def line(self) -> str:
        """Return the row of the file."""
        name = self.corruption.name
        row = [self.suite, name, self.corruption.operation or name, self.severity]
        return json.dumps([*row, rounded(self.signature)])


@dataclass(frozen=True)
class Bench:
    """Cells of one laboratory, what their statistics usually are, and the signature of the cells themselves."""

    known: Cells
    reference: np.ndarray
    plain: np.ndarray
    rng: np.random.Generator

    def measure(self, suite: str, corruption: Corruption, severity: int, draw: int | None = None) -> Measured:
        """Alter some cells, each by a draw of its own or all by one, and measure them."""
        few = self.known.take(self.rng.permutation(len(self.known))[:CELLS])
        rows = few.rows if draw is None else np.full(len(few), draw)
        altered = corrupt(np.stack(list(few.images)), suite, corruption.name, severity, SEED, rows)
        moved = self.of(altered) - self.of(few.images)  # of the same cells, so that which ones they are matters less
        return Measured(suite, corruption, severity, self.plain + moved)

    def of(self, images: Pictures) -> np.ndarray:
        """Return the signature of pictures against all that is known."""
        return signature(picture_statistics(images, FRAMING), self.reference)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    options = parser.parse_args(arguments)
    cells = read(options.data)
    known = cells.take(evenly(len(cells), KNOWN))
    reference = reference_statistics(known.images, FRAMING)
    plain = signature(picture_statistics(known.images, FRAMING), reference)
    bench = Bench(known, reference, plain, np.random.default_rng(SEED))
    lines = [one.line() for one in (*each_its_own(bench), *all_by_one(bench))]
    head = f'{{"statistics": {json.dumps(STATISTICS)},\n"unaltered": {json.dumps(rounded(plain))},\n"alterations": [\n'
    write_text(ALTERATIONS, head + ",\n".join(lines) + "\n]}\n")
    print(f"{len(lines)} signatures in {ALTERATIONS.name}")


def each_its_own(bench: Bench) -> Iterator[Measured]:
    """Every corruption of every suite, each picture by its own draw; mixtures are no alteration to be named."""
    for suite in SUITES.values():
        for corruption in () if suite.mixed else suite.corruptions:
            yield from (bench.measure(suite.name, corruption, severity) for severity in SEVERITIES)


def all_by_one(bench: Bench) -> Iterator[Measured]:
    """The corruptions that befall a whole laboratory, all pictures by one draw; draws that come to the same once."""
    for corruption in SUITES[LABORATORY].corruptions:
        kept: list[np.ndarray] = []
        for draw in range(DRAWS):
            found = bench.measure(LABORATORY, corruption, 3, draw)
            if all(likeness(found.signature - bench.plain, other) < ALIKE for other in kept):
                kept.append(found.signature - bench.plain)
                yield found


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Return the cosine of the angle between two changes."""
    return float(one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-9))


def rounded(values: np.ndarray) -> list[float]:
    """Return numbers as they stand in the file."""
    return [round(float(value), 3) for value in values]


if __name__ == "__main__":
    main()
