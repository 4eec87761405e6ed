"""Where a training run stands, and saving that to disk so that a kill at any moment loses nothing that matters."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from smearlab.data.atomic import atomic_path
from smearlab.errors import TrainingError
from smearlab.training.schedule import Patience, Plateau

FORMAT = 2
LAST = "last.pt"
BEST = "best.safetensors"
START = "start.safetensors"


@dataclass
class Progress:
    """Where a run stands. Plain numbers only, so that it is saved without pickling any class.

    Attributes:
        phase: 0-based index of the phase.
        epoch: 0-based within the phase.
        step: steps done within the epoch.
        epochs_done: over all phases.
        steps_done: over all phases.
        loss_sum: sum of this epoch's batch losses so far.
        correct: rightly named training pictures of this epoch so far.
        seen: training pictures of this epoch so far.
        epoch_seconds: time this epoch has taken so far.
        seconds: training time of the whole run so far.
        best_epoch: 1-based epoch of the best selection metric, over all phases.
        selection: best selection score of the run.
        stopper: counts towards early stopping in this phase.
        plateau: lowers the learning rate in this phase.
        history: one row per finished epoch.
    """

    phase: int = 0
    epoch: int = 0
    step: int = 0
    epochs_done: int = 0
    steps_done: int = 0
    loss_sum: float = 0.0
    correct: float = 0.0
    seen: int = 0
    epoch_seconds: float = 0.0
    seconds: float = 0.0
    best_epoch: int = 0
    selection: Patience = field(default_factory=Patience)
    stopper: Patience = field(default_factory=Patience)
    plateau: Plateau = field(default_factory=lambda: Plateau(Patience()))
    history: list[dict[str, Any]] = field(default_factory=list)

    def start_epoch(self) -> None:
        """Forget the running sums of the last epoch."""
        self.step, self.loss_sum, self.correct, self.seen, self.epoch_seconds = 0, 0.0, 0.0, 0, 0.0

    def start_phase(self, phase: int) -> None:
        """Begin a phase with a fresh optimiser, schedule and patience."""
        self.phase, self.epoch = phase, 0
        self.stopper, self.plateau = Patience(), Plateau(Patience())
        self.start_epoch()

    @classmethod
    def from_plain(cls, values: dict[str, Any]) -> Progress:
        """Rebuild from `dataclasses.asdict`'s result."""
        plateau = values["plateau"]
        return cls(
            **{
                **values,
                "selection": Patience(**values["selection"]),
                "stopper": Patience(**values["stopper"]),
                "plateau": Plateau(Patience(**plateau["patience"]), plateau["factor"]),
            }
        )


@dataclass
class Checkpoint:
    """All that is needed to go on exactly where a run stood.

    Attributes:
        key: identifies recipe and data; a run is resumed only with its own.
        progress: counters and history.
        network: the network's tensors.
        averages: of the network's tensors, from `Averages.state`.
        optimiser: the optimiser's state.
        scaler: the loss scaler's state of float16 training, or None.
    """

    key: str
    progress: Progress
    network: dict[str, Tensor]
    averages: dict[str, Any]
    optimiser: dict[str, Any]
    scaler: dict[str, Any] | None


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the last state atomically: readers see the old file or the new one, never a part."""
    content = {
        "format": FORMAT,
        "key": checkpoint.key,
        "progress": asdict(checkpoint.progress),
        "network": checkpoint.network,
        "averages": checkpoint.averages,
        "optimiser": checkpoint.optimiser,
        "scaler": checkpoint.scaler,
    }
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / LAST) as temporary:
        torch.save(content, temporary)


def load_checkpoint(folder: Path, key: str) -> Checkpoint | None:
    """Read the last state, or None where there is none yet.

    Raises:
        TrainingError: the file is damaged, of another version, or belongs to another recipe or data.
    """
    path = folder / LAST
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's own kinds of damage are many; all mean the same to the user
        raise TrainingError(
            f"{path.name} is damaged and cannot be resumed from ({type(error).__name__}). Start anew in another folder."
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise TrainingError(f"{path.name} was written by another version of smearlab. Start anew in another folder.")
    if content["key"] != key:
        raise TrainingError(
            "The recipe or the data is not the one this run was started with, so it cannot be resumed. "
            "Give the same data and no new --set, or start anew in another folder."
        )
    return Checkpoint(
        key=key,
        progress=Progress.from_plain(content["progress"]),
        network=content["network"],
        averages=content["averages"],
        optimiser=content["optimiser"],
        scaler=content["scaler"],
    )


def save_weights(path: Path, weights: dict[str, Tensor]) -> None:
    """Write weights as safetensors, atomically; equal weights give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(weights.items())}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(plain))


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read weights written by `save_weights`."""
    return load_file(path)


def run_key(recipe_text: str, data_key: str) -> str:
    """Identify a run by its recipe's TOML and its data's fingerprint."""
    return hashlib.blake2b(f"{recipe_text}\0{data_key}".encode(), digest_size=16).hexdigest()
