"""Augmentation alone, side by side in one run: smearlab, kornia, torchvision v2 and Keras layers.

    pip install 'smearlab[bench]'
    python -m venv .venv-peers && .venv-peers/bin/pip install -r benchmarks/requirements-peers.txt
    python -m benchmarks.augmentation --pictures path/to/pbc96.parquet

All do the same thirteen alterations (see alterations.py) to 96×96 pictures, with a draw for every picture, each in the
fastest of its documented forms. Then smearlab's own policies, the share of a MobileNetV3-small training step that they
take, torchvision's RandAugment and AugMix beside ours, and each operation alone. Every contender lives in a process of
its own; all take turns, round by round, so that a change of the machine's speed meets all alike.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.machine import describe_machine, load, spread, use_cores
from benchmarks.results import markdown_table, write_section
from benchmarks.training_step import PEERS, chosen_precision, fastest, keras_version, prepare_pictures
from benchmarks.turns import Contender, Job, Turn
from smearlab.augment.operations import ENGINE

LIBRARIES = ("smearlab", "torch", "torchvision", "kornia", "numpy")
NETWORK = "mobilenetv3_small_100"
POLICIES = (
    "ours",
    "ours, density 1",
    "randaugment",
    "trivialaugment",
    "augmix",
    "pixmix",
    "pipeline",
    "traditional",
    "light",
    "flips",
)
OPERATION_ROUNDS, LARGE_BATCH = 3, 256
RATE_TARGET, SHARE_TARGET, RATIO_TARGET = 5000, 0.15, 3.0


@dataclass(frozen=True)
class Entry:
    """A contender in the form in which it competes, and the group in which it is compared; the first leads it."""

    group: str
    name: str
    process: Contender
    job: Job


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    use_cores(options.threads)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="smearlab-augmentation-") as folder, ExitStack() as stack:
        source = prepare_pictures(Path(folder), options.pictures)
        print(f"{source} · batch 64 · {options.threads} threads · {describe_machine(LIBRARIES)}", flush=True)
        job = Job(folder, NETWORK, "alterations", "float32", 6 if options.quick else 24, 64, options.threads)
        entries, peers = line_up(job, stack, options)
        turns = take_turns(entries, 2 if options.quick else options.repeats, begun + 60 * options.minutes)
    body = _section(source, peers, entries, turns, options.threads)
    print(f"\n{body}\n\n{(time.monotonic() - begun) / 60:.1f} minutes, load {load():.1f}")
    if options.write:
        write_section("Augmentation", body, LIBRARIES)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.augmentation", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--pictures", default=os.environ.get("PBC", "demo"), help="cells in any form (PBC, else demo)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=9.0, help="begin no round that would end later than this")
    parser.add_argument("--quick", action="store_true", help="two short rounds, to see that it works")
    parser.add_argument(
        "--keras-python", type=Path, default=PEERS, help="Python of the peers' environment (PEERS_PYTHON)"
    )
    parser.add_argument("--no-keras", dest="keras", action="store_false")
    parser.add_argument("--no-operations", dest="operations", action="store_false", help="no operation by itself")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave RESULTS.md as it is")
    return parser.parse_args(arguments)


def line_up(job: Job, stack: ExitStack, options: argparse.Namespace) -> tuple[list[Entry], str]:
    """Start the contenders, choose the peers' fastest forms, and say in words which peers there are."""
    own = stack.enter_context(Contender("augment_own"))
    entries = [_own(own, replace(job, policy="alterations"), "alterations", "smearlab")]
    words = []
    if importlib.util.find_spec("kornia") is not None:
        kornia = stack.enter_context(Contender("augment_kornia"))
        entries.append(Entry("alterations", "kornia", kornia, shorter(job, 3)))
    else:
        words.append("kornia is not installed and not measured (pip install 'smearlab[bench]')")
    torchvision = stack.enter_context(Contender("augment_torchvision"))
    entries.append(_torchvision(torchvision, job, "alterations", "alterations"))
    version = keras_version(options.keras_python) if options.keras else None
    if version:
        keras = stack.enter_context(Contender("augment_keras", str(options.keras_python)))
        forms = [replace(shorter(job, 6), precision=form) for form in ("eager", "compiled")]
        best = fastest(keras, forms, "Keras layers")
        entries.append(Entry("alterations", f"Keras layers, {best.precision}", keras, best))
    words.append(version or "Keras is not measured")
    entries += _policies(job, own, torchvision, stack, options.threads)
    if options.operations:
        names = [operation.name for operation in ENGINE if operation.stage != "batch"]
        entries += [Entry("operations", name, own, replace(job, policy=f"operation:{name}")) for name in names]
    return entries, "; ".join(words)


def shorter(job: Job, times: int) -> Job:
    """Return a job with a shorter turn, for a slower contender; two steps at least."""
    return replace(job, steps=max(2, job.steps // times))


def _policies(job: Job, own: Contender, torchvision: Contender, stack: ExitStack, threads: int) -> list[Entry]:
    bare = stack.enter_context(Contender("bare_step"))
    step = replace(shorter(job, 2), policy="flips", precision=chosen_precision(NETWORK, threads))
    entries = [Entry("policies", "MobileNetV3-small, bare training step", bare, step)]
    entries += [Entry("policies", name, own, replace(job, policy=name)) for name in POLICIES]
    large = replace(job, policy="ours", batch_size=LARGE_BATCH, steps=max(2, job.steps * job.batch_size // LARGE_BATCH))
    entries += [_own(own, one, "policies", f"ours, batches of {one.batch_size}") for one in (entries[1].job, large)]
    peers = [_torchvision(torchvision, job, name, "policies") for name in ("randaugment", "trivialaugment", "augmix")]
    return [*entries, *peers]


def _own(contender: Contender, job: Job, group: str, name: str) -> Entry:
    """Let smearlab choose between one process with all threads and a process for each core, as torchvision may."""
    best = fastest(contender, [job, replace(job, workers=job.threads, threads=1)], "smearlab")
    return Entry(group, f"{name}, {best.workers} workers", contender, best)


def _torchvision(contender: Contender, job: Job, policy: str, group: str) -> Entry:
    forms = [replace(shorter(job, 3), policy=policy, workers=workers) for workers in (0, 2)]
    # Each worker has a core of its own, as a DataLoader's workers have one thread each.
    forms = [replace(form, threads=1) if form.workers else form for form in forms]
    best = fastest(contender, forms, "torchvision v2")
    name = "" if policy == "alterations" else f" {policy}"
    return Entry(group, f"torchvision v2{name}, {best.workers} workers", contender, best)


def take_turns(entries: Sequence[Entry], repeats: int, deadline: float) -> dict[tuple[str, str], list[Turn]]:
    """Let every contender measure one turn, then all again, until it is too late for another round.

    Args:
        entries: who takes part.
        repeats: rounds at most.
        deadline: by the clock of `time.monotonic`; the first round is always run.
    """
    turns: dict[tuple[str, str], list[Turn]] = defaultdict(list)
    for number in range(repeats):
        begun = time.monotonic()
        for entry in entries:
            # What single operations cost is told by processor time, which differs little from round to round.
            if entry.group != "operations" or number < OPERATION_ROUNDS:
                turns[entry.group, entry.name].append(entry.process.measure(entry.job))
        now = time.monotonic()
        print(f"  round {number + 1} of {repeats} took {now - begun:.0f} s", flush=True)
        # The first round holds every contender's warm-up, a turn as long as the one that counts.
        if now + (now - begun) / (2 if number == 0 else 1) > deadline:
            break
    return turns


def peers_table(entries: Sequence[Entry], turns: dict[tuple[str, str], list[Turn]]) -> str:
    """Lay out the rates of the thirteen alterations, and how many times as fast smearlab is in the same round."""
    mine = [entry for entry in entries if entry.group == "alterations"]
    own = turns["alterations", mine[0].name]
    rows = []
    for entry in mine:
        theirs = turns["alterations", entry.name]
        ratios = [a.rate / b.rate for a, b in zip(own, theirs, strict=True)]
        rows.append([entry.name, spread([turn.rate for turn in theirs]), f"{spread(ratios, 2)} ×"])
    return markdown_table(["contender", "pictures/s", "smearlab is faster by"], rows)


def policies_table(entries: Sequence[Entry], turns: dict[tuple[str, str], list[Turn]]) -> str:
    """Lay out whole policies, and which share of a training step's time each of them takes on top."""
    mine = [entry for entry in entries if entry.group == "policies"]
    step = turns["policies", mine[0].name]
    rows = []
    for entry in mine:
        own = turns["policies", entry.name]
        share = statistics.median(a.rate / b.rate for a, b in zip(step, own, strict=True))
        rows.append([entry.name, spread([turn.rate for turn in own]), f"{share:.3f}" if entry is not mine[0] else "–"])
    return markdown_table(["policy", "pictures/s", "share of the step's time"], rows)


def operations_table(entries: Sequence[Entry], turns: dict[tuple[str, str], list[Turn]]) -> str:
    """Lay out what each operation costs a picture on which it is used, the costliest first."""
    rows = []
    for entry in entries:
        if entry.group == "operations":
            own = turns["operations", entry.name]
            rows.append((statistics.median(turn.processor for turn in own), entry.name, own))
    return markdown_table(
        ["operation alone", "pictures/s", "ms of one core a picture"],
        [[name, spread([turn.rate for turn in own]), f"{cost:.3f}"] for cost, name, own in sorted(rows, reverse=True)],
    )


def _section(
    source: str, peers: str, entries: Sequence[Entry], turns: dict[tuple[str, str], list[Turn]], threads: int
) -> str:
    parts = [
        f"{source}, 96×96, batch 64, {threads} threads; {peers}. Medians of rounds in turn (least–greatest).",
        f"**The same thirteen alterations, a draw for every picture** (to reach: ≥ {RATIO_TARGET:g} ×)",
        peers_table(entries, turns),
        f"**Whole policies** (to reach, ours: ≥ {RATE_TARGET:,} pictures/s, ≤ {SHARE_TARGET:.2f} of the step)",
        policies_table(entries, turns),
    ]
    if any(entry.group == "operations" for entry in entries):
        about = "**Each operation alone, on every picture**, conversion from bytes included"
        parts += [about, operations_table(entries, turns)]
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
