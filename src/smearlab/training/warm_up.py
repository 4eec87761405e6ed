"""Self-supervised warm-up: the backbone learns, without any label, that two alterations of one cell are one cell.

SimSiam (Chen & He 2021): simple, and content with the small batches of a CPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from rich.console import Console
from torch import Tensor, nn

from smearlab.augment.policy import apply, draw
from smearlab.data.atomic import atomic_path
from smearlab.errors import RecipeError, TrainingInterrupted
from smearlab.training import sampling, schedule
from smearlab.training.devices import make_accelerator
from smearlab.training.interrupt import StopFlag, stop_on_signal
from smearlab.training.recipe import PhaseConfig

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.data.cells import IntArray, UInt8Array
    from smearlab.networks.build import CellNetwork
    from smearlab.training.recipe import Recipe

FILE = "warm_up.pt"
FEWEST = 16
"""Pictures below which nothing can be learned this way."""


class Siamese(nn.Module):
    """A backbone with SimSiam's projection and prediction, which are thrown away afterwards.

    Args:
        network: whose backbone learns; shared, not copied.
        features: width of the backbone's features.
        width: of the projection.
    """

    def __init__(self, network: CellNetwork, features: int, width: int) -> None:
        super().__init__()
        self.network = network
        self.projection = nn.Sequential(
            *(nn.Linear(features, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()),
            *(nn.Linear(width, width, bias=False), nn.BatchNorm1d(width, affine=False)),
        )
        self.prediction = nn.Sequential(
            *(nn.Linear(width, width // 4, bias=False), nn.BatchNorm1d(width // 4), nn.ReLU()),
            nn.Linear(width // 4, width),
        )

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of two views ``(n, 3, h, w)``, from 1 (unrelated) to 0 (alike), and the spread.

        The spread is the deviation of the normalised projections, as a share of what unrelated ones have: towards 0
        everything has collapsed into one point.
        """
        one, two = (self.projection(self.network.features(view)).float() for view in (first, second))
        loss = sum(
            1 - F.cosine_similarity(self.prediction(own).float(), other.detach(), dim=1).mean()
            for own, other in ((one, two), (two, one))
        )
        spread = F.normalize(one.detach(), dim=1).std(dim=0).mean() * one.shape[1] ** 0.5
        return torch.as_tensor(loss) / 2, spread


@dataclass(frozen=True, eq=False)
class _Job:
    """What a warm-up works on."""

    images: UInt8Array
    positions: IntArray
    recipe: Recipe
    key: str


def warm_up(
    network: CellNetwork, images: UInt8Array, positions: IntArray, recipe: Recipe, folder: Path, key: str
) -> list[dict[str, float]]:
    """Train a network's backbone without labels, in place; goes on from the last finished epoch where there is one.

    Args:
        network: with its starting weights.
        images: framed pictures ``uint8 (N, size, size, 3)``.
        positions: ``int64 (m,)`` those to learn from.
        recipe: epochs, rate and width, and the policy that alters the pictures.
        folder: for checkpoints.
        key: of the run; another run's state is not gone on with.

    Returns:
        Epoch, loss and spread of every epoch.

    Raises:
        RecipeError: the policy alters nothing, or there are too few pictures.
        TrainingInterrupted: the user stopped it; finished epochs are saved.
    """
    if recipe.augment.policy == "none":
        raise RecipeError("warm_up compares alterations of one picture; set augment.policy to one that alters them.")
    if len(positions) < FEWEST:
        raise RecipeError(f"warm_up has {len(positions)} pictures; give at least {FEWEST}, or set warm_up.epochs = 0.")
    with torch.random.fork_rng(), stop_on_signal() as stop:
        return _train(network, _Job(images, positions, recipe, key), folder, stop)


def _train(network: CellNetwork, job: _Job, folder: Path, stop: StopFlag) -> list[dict[str, float]]:
    config, accelerator = job.recipe.warm_up, make_accelerator(job.recipe)
    console = Console(stderr=True, quiet=not accelerator.is_main_process, highlight=False)
    model = _siamese(network, job).to(accelerator.device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    rows = _restored(folder / FILE, job.key, model, optimiser)
    for epoch in range(len(rows), config.epochs):
        model.train()
        row = _epoch(model, optimiser, job, epoch, stop)
        rows.append(row)
        if accelerator.is_main_process:
            _save(folder / FILE, job.key, model, optimiser, rows)
        line = f"warm-up {epoch + 1:>3}/{config.epochs} · loss {row['loss']:.4f} · spread {row['spread']:.2f}"
        console.print(line, markup=False, soft_wrap=True)
    return rows


def _epoch(model: Siamese, optimiser: torch.optim.Optimizer, job: _Job, epoch: int, stop: StopFlag) -> dict[str, float]:
    recipe, config = job.recipe, job.recipe.warm_up
    accelerator = make_accelerator(recipe)
    phase = PhaseConfig(epochs=config.epochs, learning_rate=config.learning_rate, warmup_epochs=min(1, config.epochs))
    order = torch.randperm(len(job.positions), generator=_generator(8, recipe.seed, epoch)).numpy()
    batches = sampling.step_batches(job.positions[order], config.batch_size)
    losses, spreads = [], []
    for step, batch in enumerate(batches):
        for group in optimiser.param_groups:
            group["lr"] = schedule.learning_rate(phase, epoch * len(batches) + step, len(batches))
        torch.manual_seed(sampling.seed_of(9, recipe.seed, epoch, step))
        generator = _generator(10, recipe.seed, epoch, step)
        raw = torch.from_numpy(job.images[batch]).to(accelerator.device)
        height, width = raw.shape[1:3]
        views = [apply(raw, draw(recipe.augment, len(batch), height, width, generator)) for _ in range(2)]
        with accelerator.autocast():
            loss, spread = model(*(view.contiguous(memory_format=torch.channels_last) for view in views))
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()
        losses.append(float(loss.detach()))
        spreads.append(float(spread))
        if stop:
            raise TrainingInterrupted(f"Stopped in warm-up epoch {epoch + 1}. To go on, give --resume.")
    return {"epoch": epoch + 1, "loss": sum(losses) / len(losses), "spread": sum(spreads) / len(spreads)}


def _siamese(network: CellNetwork, job: _Job) -> Siamese:
    size = job.images.shape[1]
    with torch.no_grad():
        features = int(network.eval().features(torch.zeros(1, 3, size, size)).shape[1])
    torch.manual_seed(sampling.seed_of(11, job.recipe.seed))
    return Siamese(network, features, job.recipe.warm_up.width)


def _generator(*entropy: int) -> torch.Generator:
    return torch.Generator().manual_seed(sampling.seed_of(*entropy))


def _save(path: Path, key: str, model: Siamese, optimiser: torch.optim.Optimizer, rows: list[dict[str, float]]) -> None:
    content = {"key": key, "model": model.state_dict(), "optimiser": optimiser.state_dict(), "rows": rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        torch.save(content, temporary)


def _restored(path: Path, key: str, model: Siamese, optimiser: torch.optim.Optimizer) -> list[dict[str, float]]:
    if not path.is_file():
        return []
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if content["key"] != key:
        return []
    model.load_state_dict(content["model"])
    optimiser.load_state_dict(content["optimiser"])
    rows: list[dict[str, float]] = content["rows"]
    return rows
