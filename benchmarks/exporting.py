"""An exported model beside PyTorch, timm, Keras and OpenVINO in one run, and what each precision costs in accuracy.

    python -m venv .venv-peers && .venv-peers/bin/pip install -r benchmarks/requirements-peers.txt
    python -m benchmarks.exporting --pictures held_out.npz --calibration cells.parquet

Every contender lives in a process of its own with one core, and again with two; all take turns, round by round. The
accuracies are those on the pictures as they are and under ``bloodmnist-c``; give pictures that the model was not
trained on, and others to calibrate int8 with.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.machine import describe_machine, spread, use_cores
from benchmarks.results import markdown_table, write_section
from benchmarks.training_step import PEERS
from benchmarks.turns import Contender, Job, Turn

if TYPE_CHECKING:
    from smearlab.deploy.precision import Precision

LIBRARIES = ("smearlab", "onnxruntime", "onnx", "torch", "timm", "numpy", "pillow")
PRECISIONS: tuple[Precision, ...] = ("float32", "float16", "int8")
BATCHES = (1, 64)
LATENCY_TARGET, RATIO_TARGETS = 5.0, {1: 3.0, 64: 1.5}
LOST_TARGETS = {"clean": 0.3, "stressed": 1.0}
EAGER = "PyTorch eager"


@dataclass(frozen=True)
class Entry:
    """A contender: what is said of it, where it runs, and its job but for the batch."""

    name: str
    process: Contender
    job: Job


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="smearlab-exporting-") as temporary:
        folder = Path(temporary)
        source, losses = prepare(folder, options)
        print(f"{source} · {describe_machine(LIBRARIES)}\n{losses}", flush=True)
        peers = peer_versions(options.peers_python)
        parts = [
            f"{source}. {peers or 'Keras and OpenVINO are not measured'}.",
            f"**Accuracy** (may be lost: {LOST_TARGETS['clean']:g} points as they are, "
            f"{LOST_TARGETS['stressed']:g} under stress)",
            losses,
        ]
        for cores in options.cores:
            table = speeds(folder, options, cores, bool(peers))
            print(f"\n{cores} cores\n{table}", flush=True)
            parts += [_about(cores), table]
    if options.write:
        write_section("Exported models", "\n\n".join(parts), LIBRARIES)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exporting", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pictures", default=os.environ.get("PBC", "demo"), help="labelled cells in any form")
    parser.add_argument("--calibration", help="other cells to calibrate int8 with; some of --pictures by default")
    parser.add_argument("--model", default="default", help="a model folder, a run folder, or default")
    parser.add_argument("--limit", type=int, default=2000, help="pictures to measure accuracies with, at most")
    parser.add_argument("--stressed", type=int, default=60, help="of these, how many under each of 55 alterations")
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two short rounds, to see that it works")
    parser.add_argument("--peers-python", type=Path, default=PEERS, help="Python of the peers' environment")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave RESULTS.md as it is")
    return parser.parse_args(arguments)


def prepare(folder: Path, options: argparse.Namespace) -> tuple[str, str]:
    """Write the files and pictures that the contenders take; the source, and the table of accuracies."""
    from smearlab.data.framing import frame_pictures
    from smearlab.data.read import read
    from smearlab.deploy.export import build_file
    from smearlab.deploy.material import gather
    from smearlab.evaluation.matching import match_classes
    from smearlab.inference.predictor import Predictor

    predictor = Predictor.load(options.model)
    matched = match_classes(read(options.pictures), predictor.class_names)
    order = np.random.default_rng(0).permutation(len(matched.labels))[: options.limit]
    pictures = np.stack([np.asarray(matched.cells.images[int(row)]) for row in order])
    labels = matched.labels[order]
    material = gather(options.calibration or options.pictures, predictor.framing, predictor.class_names, calibrate=True)
    for precision in PRECISIONS:
        (folder / f"{precision}.onnx").write_bytes(build_file(predictor, precision, material, "whole"))
    (folder / "network.onnx").write_bytes((predictor.folder.path / "model.onnx").read_bytes())
    np.save(folder / "pictures.npy", pictures[:256])
    np.save(folder / "framed.npy", frame_pictures(pictures[:256], predictor.framing))
    about = f"{len(pictures):,} pictures of {matched.cells.name}, {pictures.shape[1]}×{pictures.shape[2]}"
    return f"{about}; calibrated with {len(material.calibration)} of {material.name}", accuracies(
        folder, pictures, labels, options.stressed
    )


def accuracies(folder: Path, pictures: np.ndarray, labels: np.ndarray, stressed: int) -> str:
    """Lay out size and balanced accuracies of each precision, and what is lost against float32."""
    altered, names = alter(pictures[:stressed], labels[:stressed])
    rows: list[list[str]] = []
    first = (0.0, 0.0)
    for precision in PRECISIONS:
        path = folder / f"{precision}.onnx"
        found = (balanced(path, pictures, labels), balanced(path, altered, names))
        first = first if rows else found
        lost = [f"{100 * (before - after):+.2f}" for before, after in zip(first, found, strict=True)]
        size = f"{path.stat().st_size / 1e6:.1f}"
        rows.append([precision, size, f"{100 * found[0]:.2f}", lost[0], f"{100 * found[1]:.2f}", lost[1]])
    header = ["precision", "MB", "clean, %", "lost", f"bloodmnist-c, % of {len(altered):,}", "lost"]
    return markdown_table(header, rows)


def alter(pictures: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Apply every corruption of bloodmnist-c at every severity."""
    from smearlab.corruptions.suites import BLOODMNIST_C, corrupt

    every = [(one.name, severity) for one in BLOODMNIST_C.corruptions for severity in BLOODMNIST_C.severities]
    altered = [corrupt(pictures, BLOODMNIST_C.name, name, severity) for name, severity in every]
    return np.concatenate(altered), np.tile(labels, len(every))


def balanced(path: Path, pictures: np.ndarray, labels: np.ndarray) -> float:
    """Return the balanced accuracy of an exported file."""
    from smearlab.inference.session import open_session
    from smearlab.metrics import balanced_accuracy, confusion_matrix

    session = open_session(path.read_bytes(), path.name)
    named = [
        session.run(["logits"], {"images": pictures[at : at + 64]})[0].argmax(1) for at in range(0, len(pictures), 64)
    ]
    return float(balanced_accuracy(confusion_matrix(labels, np.concatenate(named), int(labels.max()) + 1)))


def speeds(folder: Path, options: argparse.Namespace, cores: int, peers: bool) -> str:
    """Let all contenders take turns with so many cores, and lay out what they took."""
    turns: dict[tuple[str, int], list[Turn]] = defaultdict(list)
    with ExitStack() as stack:
        entries = line_up(folder, options, cores, peers, stack)
        for number in range(2 if options.quick else options.rounds):
            for entry in entries:
                for batch in BATCHES:
                    steps = (10 if options.quick else 60) if batch == 1 else (1 if options.quick else 4)
                    job = replace(entry.job, batch_size=batch, steps=steps)
                    turns[entry.name, batch].append(entry.process.measure(job))
            print(f"  round {number + 1} with {cores} cores", flush=True)
    return table(entries, turns)


def line_up(folder: Path, options: argparse.Namespace, cores: int, peers: bool, stack: ExitStack) -> list[Entry]:
    """Start the contenders; they inherit the cores that this process binds itself to."""
    everything = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    use_cores(cores)
    job = Job(str(folder), "", "", "framed", 1, threads=cores)
    own = [
        ("ONNX Runtime", "onnx", str(folder / "network.onnx"), "framed"),
        *((f"export {one}, from 96×96", "onnx", str(folder / f"{one}.onnx"), "pictures") for one in PRECISIONS),
        (EAGER, "torch", options.model, "framed"),
        ("PyTorch eager, channels_last", "torch channels_last", options.model, "framed"),
        ("timm mobilenetv2_100, eager", "timm", "mobilenetv2_100", "framed"),
    ]
    others = [
        ("Keras MobileNetV2, jitted", "keras compiled", "MobileNetV2", "framed"),
        ("Keras MobileNetV2, predict_on_batch", "keras predict_on_batch", "MobileNetV2", "framed"),
        ("OpenVINO", "openvino", str(folder / "network.onnx"), "framed"),
        ("OpenVINO, export from 96×96", "openvino", str(folder / "float32.onnx"), "pictures"),
    ]
    entries = [
        Entry(name, stack.enter_context(Contender(module, python)), replace(job, policy=how, network=net, precision=at))
        for module, python, rows in (
            ("export_own", sys.executable, own),
            ("export_peers", str(options.peers_python), others if peers else []),
        )
        for name, how, net, at in rows
    ]
    if everything:
        os.sched_setaffinity(0, everything)
    return entries


def table(entries: Sequence[Entry], turns: dict[tuple[str, int], list[Turn]]) -> str:
    """Lay out latencies and rates, and how many times as fast as PyTorch eager in the same round."""
    rows = []
    for entry in entries:
        row = [entry.name, spread([1000 / turn.rate for turn in turns[entry.name, 1]], 2)]
        row.append(spread([turn.rate for turn in turns[entry.name, 64]]))
        for batch in BATCHES:
            mine, eager = turns[entry.name, batch], turns[EAGER, batch]
            row.append(_times([one.rate / other.rate for one, other in zip(mine, eager, strict=True)]))
            row.append(_times([other.processor / one.processor for one, other in zip(mine, eager, strict=True)]))
        rows.append(row)
    header = ["", "ms a picture", "pictures/s in batches of 64"]
    return markdown_table([*header, "× eager, 1", "in processor time", "× eager, 64", "in processor time"], rows)


def _times(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.2f}"


def _about(cores: int) -> str:
    words = f"**Speed with {cores} {'core' if cores == 1 else 'cores'}**, medians of rounds in turn (least–greatest)"
    if cores == 1:
        return f"{words}; to reach: one picture in ≤ {LATENCY_TARGET:g} ms"
    return f"{words}; to reach: ONNX Runtime ≥ {RATIO_TARGETS[1]:g} × eager alone, ≥ {RATIO_TARGETS[64]:g} × in batches"


def peer_versions(python: Path) -> str:
    """Name the peers' versions; empty where there are none."""
    command = [str(python), "-m", "benchmarks.export_peers", "--version"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


if __name__ == "__main__":
    main()
