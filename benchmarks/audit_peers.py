"""The quick audit beside cleanvision and imagededup: the same folder of pictures, the same planted defects, one run.

    python -m venv .venv-peers && .venv-peers/bin/pip install -r benchmarks/requirements-peers.txt
    python -m benchmarks.audit_peers path/to/pbc96.parquet [--cells 2000] [--repeats 3]

Defects are planted among clean cells (see benchmarks/planted.py) and written as a folder of PNG files in class folders.
All contenders take turns, each in a fresh process with nothing cached, on the same cores. cleanvision runs all its
checks with its own thresholds. imagededup finds copies by perceptual hash, judged at its own threshold and at the best
one here, which no user could know. Neither looks for pictures of other things or for wrong labels.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from benchmarks.audit_challenge import in_words
from benchmarks.audit_truth import Case, Found, judge, wilson
from benchmarks.children import run_measured
from benchmarks.machine import describe_machine, load, spread, use_cores
from benchmarks.memory import Cost
from benchmarks.pairs import PairScore, judge_pairs
from benchmarks.planted import Amounts, Planted, chosen_cells, plant
from benchmarks.results import markdown_table, write_section
from benchmarks.training_step import PEERS

LIBRARIES = ("smearlab", "numpy", "pillow", "onnxruntime")
PEER_LIBRARIES = ("cleanvision", "imagededup", "ImageHash", "torch")
FARTHEST, HASH = 14, "PHash"
OWN_THRESHOLD = 10
"""imagededup's default: bits of 64 in which two hashes may differ."""
_COPIES = ("exact_duplicate", "conflicting_duplicate", "near_duplicate")


@dataclass(frozen=True)
class Entry:
    """A contender: its name, and its command up to the folder, the output, and what follows."""

    name: str
    command: tuple[str, ...]
    after: tuple[str, ...] = ()


@dataclass
class Result:
    """What a contender found (in its last turn) and what its turns cost."""

    found: list[list[str | int]] | dict[str, list[list[str]]]
    costs: list[Cost]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    use_cores(options.threads)
    cells = chosen_cells(options.data, options.cells, options.seed)
    planted = plant(cells, Amounts().times(options.times), options.seed)
    peers = peer_versions(options.peers_python)
    with tempfile.TemporaryDirectory(prefix="smearlab-peers-") as temporary:
        folder = Path(temporary) / "pictures"
        write_pictures(planted, folder)
        results = take_turns(line_up(options.peers_python if peers else None), folder, options.repeats)
    body = section(planted, results, peers or _how_to_install(options.peers_python))
    print(f"{describe_machine(LIBRARIES)}\n\n{body}\n\nload {load():.1f}")
    if options.write:
        write_section("Quick audit beside cleanvision and imagededup", body, LIBRARIES)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.audit_peers", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("data", nargs="?", default=os.environ.get("PBC", "demo"), help="clean cells of one size")
    parser.add_argument("--cells", type=int, default=2000, help="clean cells to choose")
    parser.add_argument("--times", type=float, default=1.0, help="so many times the usual number of defects")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peers-python", type=Path, default=PEERS, help="Python of the peers' environment")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave RESULTS.md as it is")
    return parser.parse_args(arguments)


def write_pictures(planted: Planted, folder: Path) -> None:
    """Write ``<class>/<row>.png``."""
    for row, (picture, label) in enumerate(zip(planted.images, planted.labels, strict=True)):
        path = folder / planted.class_names[label] / f"{row:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)


def peer_versions(python: Path) -> str:
    """Name the peers' versions; empty where they are not installed."""
    program = f"import importlib.metadata as m; print(', '.join(n + ' ' + m.version(n) for n in {PEER_LIBRARIES!r}))"
    try:
        return subprocess.run([str(python), "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _how_to_install(python: Path) -> str:
    return (
        f"cleanvision and imagededup are not installed for {python.name} and were not measured "
        "(see benchmarks/requirements-peers.txt)"
    )


def line_up(peers: Path | None) -> list[Entry]:
    """List the contenders, smearlab first."""
    own = (sys.executable, "-m", "benchmarks.audit_own")
    entries = [
        Entry("smearlab, copies only", (*own, "copies")),
        Entry("smearlab audit --quick", (*own, "quick")),
    ]
    if peers is not None:
        theirs = (str(peers), "-m")
        entries.append(Entry("cleanvision", (*theirs, "benchmarks.audit_cleanvision")))
        entries.append(Entry("imagededup", (*theirs, "benchmarks.audit_imagededup", HASH), (str(FARTHEST),)))
    return entries


def take_turns(entries: Sequence[Entry], folder: Path, repeats: int) -> dict[str, Result]:
    """Let every contender take one turn, then all again; what is found is kept from the last."""
    results: dict[str, Result] = {}
    for _ in range(repeats):
        for entry in entries:
            with tempfile.TemporaryDirectory(prefix="smearlab-turn-") as temporary:
                out, cache = Path(temporary) / "found.json", Path(temporary) / "cache"
                command = [*entry.command, str(folder), str(out), *entry.after]
                cost = run_measured(command, {"SMEARLAB_CACHE": str(cache)})
                if cost.status:
                    sys.exit(f"{entry.name} failed with status {cost.status}")
                found = json.loads(out.read_text(encoding="utf-8"))
            costs = results[entry.name].costs if entry.name in results else []
            results[entry.name] = Result(found, [*costs, cost])
            print(f"{entry.name}: {cost.seconds:.1f} s", flush=True)
    return results


def section(planted: Planted, results: dict[str, Result], peers: str) -> str:
    """Lay out what every contender found and what it cost."""
    case = Case(planted.images, planted.labels, planted.truth)
    rows = [row for name, result in results.items() for row in _rows(case, name, result)]
    header = [
        *("contender", "seconds", "processor seconds", "GiB"),
        *("exact copies: recall", "precision", "near copies: recall", "all copies: pairs that are right"),
        *("unreadable: recall", "precision", "off topic: recall", "precision"),
    ]
    counts = ", ".join(f"{len(pairs)} {kind.replace('_', ' ')}" for kind, pairs in planted.truth.items())
    text = (
        f"{len(planted.labels):,} PNG files, among them {counts}; {peers}. Median of turns (least–greatest); "
        "shares with Wilson's 95 % intervals. Pairs of junk count neither way; natural copies are right."
    )
    return f"{text}\n\n{markdown_table(header, rows)}"


def _rows(case: Case, name: str, result: Result) -> list[list[str]]:
    """Lay out one contender; imagededup twice, at its own threshold and at the best one here."""
    if isinstance(result.found, dict):
        return [[name, *_cost(result.costs), *_figures(case, result.found)]]
    found = result.found
    scores = {limit: judge_pairs(case, _pairs(found, limit)) for limit in range(FARTHEST + 1)}
    best = max(scores, key=lambda limit: scores[limit].f1)
    chosen = {f"at its own threshold, {OWN_THRESHOLD}": OWN_THRESHOLD, f"at the best one here, {best}": best}
    return [
        [f"{name} {HASH}, {words}", *_cost(result.costs), "–", "–", *_pair_figures(scores[limit]), *4 * ["–"]]
        for words, limit in chosen.items()
    ]


def _figures(case: Case, found: dict[str, list[list[str]]]) -> list[str]:
    links = [(row_of(link[0]), row_of(link[1])) for kind in _COPIES for link in found.get(kind, [])]
    return [
        *_exact(case, {row_of(link[0]) for kind in _COPIES[:2] for link in found.get(kind, [])}),
        *_pair_figures(judge_pairs(case, links)),
        *_shares(case, found, "unreadable"),
        *_shares(case, found, "off_topic"),
    ]


def _exact(case: Case, rows: set[int]) -> list[str]:
    """Recall and precision of rows with the same pixels, whatever their labels."""
    planted = case.planted("exact_duplicate") | case.planted("conflicting_duplicate")
    right = sum(case.has_copy(row, same_label=True) or case.has_copy(row, same_label=False) for row in rows)
    return [in_words(wilson(len(planted & rows), len(planted))), in_words(wilson(right, len(rows)))]


def _pair_figures(score: PairScore) -> list[str]:
    return [in_words(score.near_recall), in_words(score.precision)]


def _shares(case: Case, found: dict[str, list[list[str]]], kind: str) -> list[str]:
    if kind not in found:  # a contender that does not look for it
        return ["–", "–"]
    named = next(known for known in ("unreadable", "off_topic") if known == kind)
    (score,) = judge(case, [Found(row_of(link[0]), named, 1.0, None) for link in found.get(kind, [])], [named])
    return [in_words(score.recall), in_words(score.precision)]


def _pairs(found: list[list[str | int]], limit: int) -> list[tuple[int, int]]:
    return [(row_of(str(one)), row_of(str(two))) for one, two, distance in found if int(distance) <= limit]


def row_of(file: str) -> int:
    """Return the row that a file was written from."""
    return int(Path(file).stem)


def _cost(costs: Sequence[Cost]) -> list[str]:
    return [
        spread([cost.seconds for cost in costs], 1),
        spread([cost.processor for cost in costs], 1),
        f"{statistics.median(cost.peak for cost in costs):.2f}",
    ]


if __name__ == "__main__":
    main()
