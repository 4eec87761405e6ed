"""What a row of a study needs of the machine: weights, memory and time, found out before it begins."""

from __future__ import annotations

import math
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from smearlab.errors import RecipeError
from smearlab.networks.build import build_network, count_parameters
from smearlab.networks.weights import starting_weights
from smearlab.report.text import duration
from smearlab.training.devices import processes
from smearlab.training.train import initial_network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from smearlab.networks.build import CellNetwork
    from smearlab.training.recipe import Recipe

_TIMED = 16  # pictures of the step that is timed; of fewer, what a large network costs once a step would tell too much
_BYTES_OF_PARAMETER = 24
"""Weight, gradient, two moments of the optimiser, the saved best and the copy that is measured, 4 bytes each."""
_TRAINED_COST = 3.0  # forward and backward, in forwards
_HOPELESS = 20.0  # times the limit by the multiply-adds alone: not even worth timing
_SPEED = 2e11  # multiply-adds in a second that no two cores exceed; a GPU's is not guessed
_GIB = 2.0**30


@dataclass(frozen=True)
class Need:
    """What training a recipe costs, counted on a network without numbers in it.

    Attributes:
        parameters: learnable numbers.
        giga: 10⁹ multiply-adds of one picture going forward.
        activations: bytes that one picture's layers give out, which training keeps.
    """

    parameters: int
    giga: float
    activations: float

    def memory(self, batch: int) -> float:
        """Return about how many bytes training takes with batches of so many pictures."""
        return _BYTES_OF_PARAMETER * self.parameters + self.activations * batch


def need_of(recipe: Recipe, classes: int) -> Need:
    """Count what a recipe's network costs; takes no memory of its size, so that any can be asked about.

    Raises:
        RecipeError: the network cannot be built.
    """
    # Resizing costs next to nothing, and cannot be counted without numbers.
    network = recipe.network.model_copy(update={"enlarge": 0})
    size = recipe.network.enlarge or recipe.framing.size
    return _counted(network.model_dump_json(), recipe.head.model_dump_json(), size, classes)


@lru_cache(maxsize=256)
def _counted(network: str, head: str, size: int, classes: int) -> Need:
    from smearlab.networks.config import HeadConfig, NetworkConfig

    config, top = NetworkConfig.model_validate_json(network), HeadConfig.model_validate_json(head)
    given: list[int] = []
    with torch.device("meta"), torch.no_grad():
        built = build_network(config, top, classes, size=size, load_weights=False).eval()
        for module in built.modules():
            if not list(module.children()):
                module.register_forward_hook(lambda _, __, output: given.append(_numbers(output)))
        with FlopCounterMode(display=False) as counter:
            built(torch.zeros(1, 3, size, size))
    return Need(count_parameters(built), counter.get_total_flops() / 2e9, 4.0 * sum(given))


def _numbers(output: object) -> int:
    return output.numel() if isinstance(output, torch.Tensor) else 0


@lru_cache(maxsize=256)
def missing_weights(backbones: tuple[str, ...], weights: str, options: str) -> str:
    """Return why starting weights cannot be had; empty where they can, or where none are wanted."""
    from smearlab.networks.config import NetworkConfig

    if weights != "pretrained":
        return ""
    try:
        for backbone in backbones:
            starting_weights(NetworkConfig.model_validate_json(options).model_copy(update={"backbone": backbone}))
    except RecipeError as error:
        return str(error)
    return ""


def weights_obstacle(recipe: Recipe) -> str:
    """Return why a recipe's starting weights cannot be had here; empty where they can."""
    network = recipe.network
    return missing_weights((network.backbone, *network.further), network.weights, network.model_dump_json())


def memory_at_hand() -> float:
    """Return how many bytes a training may take: of the GPU, else of what the system has left."""
    if torch.cuda.is_available():
        return float(torch.cuda.mem_get_info()[0])
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return min(1024.0 * int(line.split()[1]), _container_limit())
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) if hasattr(os, "sysconf") else math.inf


def _container_limit() -> float:
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text(encoding="utf-8").strip() if limit.is_file() else "max"
    return math.inf if text == "max" else float(text)


def memory_obstacle(recipe: Recipe, need: Need, jobs: int) -> str:
    """Return why a recipe's training does not fit into memory; empty where it does."""
    batch = max(phase.batch_size for phase in recipe.phases)
    wanted, there = need.memory(batch), memory_at_hand() / jobs
    if wanted <= 0.9 * there:
        return ""
    return (
        f"Training {need.parameters / 1e6:,.1f} million parameters with batches of {batch} takes about "
        f"{wanted / _GIB:.1f} GiB, and {there / _GIB:.1f} GiB are free for each process. Give fewer --jobs, or run it "
        f"on a machine or GPU with {math.ceil(1.2 * wanted / _GIB)} GiB."
    )


def time_obstacle(
    recipe: Recipe,
    need: Need,
    pictures: int,
    classes: int,
    minutes: float,
    threads: int = 1,
    precision: str = "float32",
) -> str:
    """Return why a recipe would take too long here; empty where it would not. Times a step of the real network.

    Args:
        recipe: as it will be trained.
        need: what it costs.
        pictures: to train on.
        classes: number of them.
        minutes: that it may take; 0 for no limit.
        threads: that its process will have.
        precision: of the arithmetic; large networks differ by several times between the two.
    """
    if not minutes:
        return ""
    shown = max(pictures, recipe.balance.per_class * classes) * sum(phase.epochs for phase in recipe.phases)
    least = _TRAINED_COST * need.giga * 1e9 * shown / _SPEED
    device = processes().device
    hopeless = device.type == "cpu" and least > _HOPELESS * 60 * minutes
    seconds = (
        least
        if hopeless
        else shown * _seconds_of_picture(recipe, classes, device, precision) / (threads if device.type == "cpu" else 1)
    )
    if seconds <= 60 * minutes:
        return ""
    bound = "at least" if hopeless else "about"
    return (
        f"Its {shown:,} pictures of {need.giga:.1f} · 10⁹ multiply-adds each would take {bound} {duration(seconds)} "
        f"here, more than the {minutes:g} minutes of a row. Run it on a GPU, or allow more with --minutes."
    )


def _seconds_of_picture(recipe: Recipe, classes: int, device: torch.device, precision: str) -> float:
    """Time a training step on one thread, the second of two, as the first one prepares."""
    network = initial_network(recipe.model_copy(update={"network": _untrained(recipe)}), classes).to(device).train()
    size = recipe.framing.size
    pictures = torch.rand(_TIMED, 3, size, size, device=device).contiguous(memory_format=torch.channels_last)
    network = network.to(memory_format=torch.channels_last)
    with _one_thread(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        return min(_step(network, pictures) for _ in range(2)) / _TIMED


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one thread: several that wait for each other on a busy machine spin, which counts as work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _untrained(recipe: Recipe) -> object:
    return recipe.network.model_copy(update={"weights": "none", "restore_norms": "never"})


def _step(network: CellNetwork, pictures: Tensor) -> float:
    begun = _clock(pictures.device)
    loss = F.cross_entropy(network(pictures).float(), torch.zeros(len(pictures), dtype=torch.long).to(pictures.device))
    torch.autograd.backward(loss)
    float(loss.detach())  # waits for the device
    nn.Module.zero_grad(network)
    return _clock(pictures.device) - begun


def _clock(device: torch.device) -> float:
    """Return seconds; of a CPU those of work alone, so that a machine that is busy now is not taken for a slow one."""
    return time.process_time() if device.type == "cpu" else time.perf_counter()
