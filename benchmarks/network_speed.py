"""What networks, their normalisation and what they do to a picture first cost: a step of training, and prediction.

    python -m benchmarks.network_speed [--rounds 5]

Training is the bare step of smearlab's loop (forward, loss, backward, optimiser) on one batch of 64 pictures of
96×96 px, in float32 and in bfloat16; prediction is ONNX Runtime with the file that `train` writes. All on one core.
Every network is measured once, then all again, so that a change of the machine's speed meets all alike. Writes the
section "Networks" of RESULTS.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import numpy as np
import torch

from benchmarks.bare_step import bare_step
from benchmarks.machine import describe_machine, spread, use_cores
from benchmarks.own_loop import CLASSES
from benchmarks.results import markdown_table, write_section
from benchmarks.turns import Stopwatch
from smearlab.inference.session import open_session
from smearlab.networks.onnx import export_onnx
from smearlab.training.devices import keep_memory
from smearlab.training.recipe import Recipe
from smearlab.training.recipe_io import load_recipe
from smearlab.training.train import initial_network

LIBRARIES = ("smearlab", "torch", "timm", "onnxruntime", "numpy")
BATCH, SIZE, SECONDS = 64, 96, 0.8
NETWORKS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("narrow ResNet-18 of `standard`", "standard", ()),
    ('… `norm = "group"`', "standard", ("network.norm=group",)),
    ('… `norm = "layer"`', "standard", ("network.norm=layer",)),
    ('… `norm = "group_ws"`', "standard", ("network.norm=group_ws",)),
    ("… `blur_pool = true`", "standard", ("network.blur_pool=true",)),
    ('… `input_norm = "standardise"`', "standard", ("network.input_norm=standardise",)),
    ('… `input_norm = "white_balance"`', "standard", ("network.input_norm=white_balance",)),
    ('… `input_norm = "both"`', "standard", ("network.input_norm=both",)),
    ('… `input_norm = "detail"`', "standard", ("network.input_norm=detail",)),
    ("`mobilenetv2_100`", "robust", ("network.backbone=mobilenetv2_100",)),
    ('… `norm = "group"`', "robust", ("network.backbone=mobilenetv2_100", "network.norm=group")),
    (
        '… `input_norm = "standardise"`',
        "robust",
        ("network.backbone=mobilenetv2_100", "network.input_norm=standardise"),
    ),
    ('… `input_norm = "detail"`', "robust", ("network.backbone=mobilenetv2_100", "network.input_norm=detail")),
    ("`mobilenetv3_small_100`", "robust", ("network.backbone=mobilenetv3_small_100",)),
    ("`efficientnet_lite0`", "robust", ("network.backbone=efficientnet_lite0",)),
    ("`convnext_atto`", "robust", ("network.backbone=convnext_atto",)),
)
"""What the table calls a network, the recipe it is of, and what is set otherwise. Each starts from random numbers and,
where nothing else is said, takes the pictures as they are."""

Doing = Callable[[], None]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave RESULTS.md as it is")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error(f"--rounds {options.rounds}: give 1 or more.")
    use_cores(1)
    torch.set_num_threads(1)
    keep_memory()
    print(describe_machine(LIBRARIES), flush=True)
    doing = [prepare(recipe, changes) for _, recipe, changes in NETWORKS]
    rates = take_turns(doing, options.rounds)
    body = _section(rates, options.rounds)
    print(f"\n{body}")
    if options.write:
        write_section("Networks", body, LIBRARIES)


def prepare(name: str, changes: Sequence[str]) -> tuple[Doing, Doing, Doing]:
    """Return a training step in float32 and in bfloat16, and a prediction, each of one batch."""
    plain = load_recipe(name, ["network.weights=none", "network.input_norm=none", f"framing.size={SIZE}"])
    recipe = load_recipe(plain, changes)
    images = np.random.default_rng(0).integers(0, 256, (BATCH, SIZE, SIZE, 3), np.uint8)
    session = open_session(export_onnx(initial_network(recipe, CLASSES), SIZE), "model.onnx", threads=1)

    def predict() -> None:
        session.run(None, {"images": images})

    return _step(recipe, images, "float32"), _step(recipe, images, "bfloat16"), predict


def _step(recipe: Recipe, images: np.ndarray, mode: str) -> Doing:
    precise = load_recipe(recipe, [f"precision.mode={mode}"])
    network = initial_network(precise, CLASSES).to(memory_format=torch.channels_last).train()
    pictures = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    labels = torch.arange(BATCH) % CLASSES
    return bare_step(network, precise, pictures.contiguous(memory_format=torch.channels_last), labels, clip=False)


def take_turns(doing: Sequence[tuple[Doing, ...]], rounds: int) -> list[list[list[float]]]:
    """Return the rates of each network, of each of its three things, of each round; a first round warms up."""
    rates: list[list[list[float]]] = [[[] for _ in parts] for parts in doing]
    for number in range(rounds + 1):
        for parts, theirs in zip(doing, rates, strict=True):
            for part, own in zip(parts, theirs, strict=True):
                rate = _rate(part)
                if number:
                    own.append(rate)
        print(f"  round {number} of {rounds}", flush=True)
    return rates


def _rate(doing: Doing) -> float:
    """Return pictures per second, of as many batches as fit into a while, two at least."""
    watch, batches = Stopwatch(), 0
    while True:
        doing()
        batches += 1
        turn = watch.turn(batches * BATCH)
        if batches >= 2 and batches * BATCH >= turn.rate * SECONDS:
            return turn.rate


def _section(rates: Sequence[Sequence[Sequence[float]]], rounds: int) -> str:
    rows = [[name, *(spread(own) for own in theirs)] for (name, _, _), theirs in zip(NETWORKS, rates, strict=True)]
    header = ["network", "training, float32", "training, bfloat16", "prediction"]
    words = (
        f"Pictures per second of one core, {SIZE}×{SIZE} px, batches of {BATCH}; medians of {rounds} rounds in turn"
        " (least–greatest)."
    )
    return f"{words}\n\n{markdown_table(header, rows)}"


if __name__ == "__main__":
    main()
