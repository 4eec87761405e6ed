"""What the training loop costs beside the network: smearlab, the bare step, and two peers, in one run.

    PBC=path/to/pbc96.parquet python -m benchmarks.training_step [--quick] [--threads 2]

For MobileNetV3-small and ResNet-18 at 96×96, batch 64, with flips and with rotations, on real cells (without PBC, on
the demo's), in pictures per second:

- the bare step: forward, loss, backward and optimiser on one prepared batch, with and without gradient clipping;
- smearlab: whole epochs of `smearlab.training.loop.fit`, which also gathers, augments, clips and keeps count;
- PyTorch: a plain DataLoader loop with torchvision.transforms.v2, in the fastest of its documented forms;
- Keras 3: `model.fit` on JAX, in an environment of its own (see requirements-peers.txt):

      python -m venv .venv-peers && .venv-peers/bin/pip install -r benchmarks/requirements-peers.txt

The contenders take turns, several times round. Bare step and smearlab use the precision that smearlab's own measurement
chooses, channels_last and AdamW; no weights are averaged in either. Validation and checkpoints are in no figure.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.machine import describe_machine, load, spread, use_cores
from benchmarks.results import markdown_table, write_section
from benchmarks.turns import Contender, Job, Turn

STEPS = {"mobilenetv3_small_100": 24, "resnet18": 10}
"""Steps of a turn, so that one takes a few seconds with either network."""
POLICIES = ("flips", "geometry")
LIBRARIES = ("smearlab", "torch", "torchvision", "timm", "accelerate", "numpy")
PEERS = Path(os.environ.get("PEERS_PYTHON", ".venv-peers/bin/python"))
TARGET = 0.90


@dataclass(frozen=True)
class Entry:
    """A contender in the form in which it competes."""

    name: str
    process: Contender
    job: Job


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    use_cores(options.threads)
    begun, results = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="smearlab-training-") as folder:
        source = prepare_pictures(Path(folder), options.pictures)
        print(f"{source} · batch 64 · {options.threads} threads · {describe_machine(LIBRARIES)}", flush=True)
        keras = keras_version(options.keras_python) if options.keras else "Keras was left out"
        print(keras or _how_to_install(options.keras_python), flush=True)
        for network in options.networks:
            steps = 4 if options.quick else STEPS[network]
            job = Job(folder, network, "flips", chosen_precision(network, options.threads), steps, 64, options.threads)
            with ExitStack() as stack:
                entries = line_up(job, stack, options.keras_python if options.keras and keras else None)
                turns = take_turns(entries, 2 if options.quick else options.repeats)
            results.append((network, table(entries, turns)))
            print(f"\n{network}, {job.precision}\n{results[-1][1]}", flush=True)
    minutes = (time.monotonic() - begun) / 60
    print(f"\n{minutes:.1f} minutes, load {load():.1f}")
    if options.write:
        peers = keras or _how_to_install(options.keras_python)
        write_section("Training step", _section(source, peers, results, options.threads), LIBRARIES)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training_step", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--pictures", default=os.environ.get("PBC", "demo"), help="cells in any form (PBC, else demo)")
    parser.add_argument("--networks", nargs="+", choices=list(STEPS), default=list(STEPS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two short rounds, to see that it works")
    parser.add_argument(
        "--keras-python", type=Path, default=PEERS, help="Python of the peers' environment (PEERS_PYTHON)"
    )
    parser.add_argument("--no-keras", dest="keras", action="store_false")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave RESULTS.md as it is")
    return parser.parse_args(arguments)


def prepare_pictures(folder: Path, data: str) -> str:
    """Write framed pictures where every contender can map them, and say in words what they are."""
    from smearlab.celltypes import CLASS_NAMES
    from smearlab.data.framing import Framing, frame_cells
    from smearlab.data.read import read

    cells = read(data)
    order = np.random.default_rng(0).permutation(len(cells))[: 64 * max(STEPS.values())]
    cells = cells.take(np.sort(order))
    labels = np.array([CLASS_NAMES.index(name) for name in cells.class_names])[cells.known_labels]
    mixed = np.random.default_rng(1).permutation(len(cells))
    np.save(folder / "images.npy", np.asarray(frame_cells(cells, Framing(crop="none", size=96)))[mixed])
    np.save(folder / "labels.npy", labels[mixed].astype(np.int64))
    return f"{len(cells):,} pictures of {cells.name}"


def chosen_precision(network: str, threads: int) -> str:
    """Let smearlab choose the precision of this network on this machine, in a process that ends before the race."""
    program = (
        "import sys, torch; from smearlab.training.precision import choose_precision; "
        "from smearlab.training.recipe import Recipe; from smearlab.training.train import initial_network; "
        f"torch.set_num_threads({threads}); "
        "recipe = Recipe.model_validate({'network': {'backbone': sys.argv[1]}}); "
        "print(choose_precision(initial_network(recipe, 8), 96, 64, torch.device('cpu')))"
    )
    done = subprocess.run([sys.executable, "-c", program, network], capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


def keras_version(python: Path) -> str | None:
    """Name the peers' Keras and backend, or None where they are not installed."""
    command = [str(python), "-m", "benchmarks.keras_fit", "--version"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def line_up(job: Job, stack: ExitStack, keras: Path | None) -> dict[str, list[Entry]]:
    """Start the contenders of one network and choose the peers' fastest forms: entries of each policy, bare first."""
    bare = stack.enter_context(Contender("bare_step"))
    torchvision = stack.enter_context(Contender("torchvision_loop"))
    peer = stack.enter_context(Contender("keras_fit", str(keras))) if keras else None
    fastest = fastest_keras(peer, job) if peer else job
    entries = {}
    for policy in POLICIES:
        here = replace(job, policy=policy)
        own = stack.enter_context(Contender("own_loop"))
        entries[policy] = [
            Entry("bare step", bare, here),
            Entry("bare step with clipping", bare, replace(here, clip=True)),
            Entry("smearlab, full loop", own, here),
            fastest_torchvision(torchvision, here),
        ]
        if peer:
            entries[policy].append(Entry(f"Keras fit, {fastest.precision}", peer, replace(fastest, policy=policy)))
    return entries


def fastest_torchvision(contender: Contender, job: Job) -> Entry:
    """Try the plain loop in float32 and bfloat16, without workers and with two."""
    forms = [
        replace(job, precision=precision, workers=workers, steps=max(3, job.steps // 3))
        for precision in ("float32", "bfloat16")
        for workers in (0, 2)
    ]
    best = fastest(contender, forms, "PyTorch loop")
    return Entry(f"PyTorch loop, {best.precision}, {best.workers} workers", contender, replace(best, steps=job.steps))


def fastest_keras(contender: Contender, job: Job) -> Job:
    """Try Keras in float32 and mixed bfloat16.

    Its turns are shorter, since its step is slower; and one form stays one job, because each is compiled anew.
    """
    steps = max(3, job.steps // 4)
    return fastest(contender, [replace(job, precision=p, steps=steps) for p in ("float32", "bfloat16")], "Keras fit")


def fastest(contender: Contender, forms: Sequence[Job], name: str) -> Job:
    """Measure each form once, say how fast each is, and return the fastest."""
    rates = {form: contender.measure(form).rate for form in forms}
    for form, rate in rates.items():
        detail = f"{form.policy}, {form.precision}, {form.workers} workers"
        print(f"  tried {name} with {form.network}, {detail}: {rate:.0f} pictures/s", flush=True)
    return max(rates, key=lambda form: rates[form])


def take_turns(entries: dict[str, list[Entry]], repeats: int) -> dict[tuple[str, str], list[Turn]]:
    """Let every contender measure one turn, then all again, so that a change of the machine's speed meets all alike."""
    turns: dict[tuple[str, str], list[Turn]] = defaultdict(list)
    for _ in range(repeats):
        for policy, those in entries.items():
            for entry in those:
                turns[policy, entry.name].append(entry.process.measure(entry.job))
    return turns


def table(entries: dict[str, list[Entry]], turns: dict[tuple[str, str], list[Turn]]) -> str:
    """Lay out the medians with their spread; ratios are of turns of the same round."""
    rows = []
    for policy, those in entries.items():
        bare, own = turns[policy, those[0].name], turns[policy, those[2].name]
        for entry in those:
            mine = turns[policy, entry.name]
            rows.append([policy, entry.name, *_figures(mine, bare, own)])
    header = [
        "policy",
        "contender",
        "pictures/s",
        "of the bare step",
        "of it in processor time",
        "smearlab is faster by",
    ]
    return markdown_table(header, rows, words=2)


def _figures(mine: list[Turn], bare: list[Turn], own: list[Turn]) -> list[str]:
    rates = [turn.rate for turn in mine]
    of_bare = [turn.rate / other.rate for turn, other in zip(mine, bare, strict=True)]
    faster = statistics.median(other.rate / turn.rate for turn, other in zip(mine, own, strict=True))
    processor = "–"
    if all(turn.processor for turn in mine):
        processor = f"{statistics.median(b.processor / m.processor for m, b in zip(mine, bare, strict=True)):.3f}"
    return [spread(rates), spread(of_bare, 3), processor, f"{faster:.2f} ×"]


def _section(source: str, keras: str, results: Sequence[tuple[str, str]], threads: int) -> str:
    parts = [
        f"{source}, 96×96, batch 64, {threads} threads, AdamW; {keras}. Medians of rounds in turn (least–greatest). "
        f"To reach: smearlab ≥ {TARGET:.2f} of the bare step (forward, loss, backward, optimiser; no clipping)."
    ]
    parts += [f"**{network}**\n\n{rows}" for network, rows in results]
    return "\n\n".join(parts)


def _how_to_install(python: Path) -> str:
    return (
        f"Keras is not measured: {python} has none. To install it: "
        f"python -m venv .venv-peers && .venv-peers/bin/pip install -r benchmarks/requirements-peers.txt"
    )


if __name__ == "__main__":
    main()
