"""The training loop: set up, then phases of epochs of steps, readable from top to bottom.

Every random draw is a function of (seed, epoch, step), never of what ran before, so a run that was killed and resumed
ends with the same weights as one that was not.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from smearlab.errors import TrainingError, TrainingInterrupted
from smearlab.networks.build import CellNetwork
from smearlab.networks.freezing import set_mode, set_trainable
from smearlab.training import sampling, schedule, state
from smearlab.training.averaging import Averages
from smearlab.training.batches import BatchMaker
from smearlab.training.devices import any_process, make_accelerator, synchronised
from smearlab.training.diagnosis import diagnose
from smearlab.training.finishing import Finish
from smearlab.training.interrupt import StopFlag, stop_on_signal
from smearlab.training.job import FitResult, TrainingData
from smearlab.training.objective import Objective
from smearlab.training.optimisers import build_optimiser
from smearlab.training.synthetic import with_copies
from smearlab.training.validation import Validator, selection_score

if TYPE_CHECKING:
    from torch import Tensor

    from smearlab.data.cells import IntArray
    from smearlab.training.display import Display
    from smearlab.training.recipe import PhaseConfig, Recipe
    from smearlab.training.writers import OnEpoch

_CHECK_EVERY = 10  # steps between looks at the loss on a GPU, where each look waits for the device


class Trainer:
    """Trains a network as a recipe says. `fit` is the way in."""

    def __init__(
        self,
        network: CellNetwork,
        data: TrainingData,
        recipe: Recipe,
        folder: Path,
        display: Display,
        on_epoch: OnEpoch,
    ) -> None:
        self.recipe, self.folder, self.display, self.on_epoch = recipe, folder, display, on_epoch
        self.data = data = with_copies(data, recipe, folder)
        self.accelerator = make_accelerator(recipe)
        self.device = self.accelerator.device
        self.network = synchronised(network, self.accelerator).to(self.device).to(memory_format=self._memory_format)
        self.averages = Averages(self.network, recipe)
        self.progress = state.Progress()
        self.steps_per_epoch = sampling.planned_steps(data.labels[data.train], recipe)
        self.batches = BatchMaker(data, recipe, self.accelerator)
        self.objective = Objective(data, recipe, self.accelerator)
        self.validator = Validator(data, recipe, self.accelerator)
        self.stop: StopFlag = StopFlag()
        self.saved_at = time.monotonic()
        self._loss_sum = torch.zeros((), device=self.device)
        self._correct = torch.zeros((), dtype=torch.long, device=self.device)

    # ---- set up ------------------------------------------------------------------------------------------------

    @property
    def _memory_format(self) -> torch.memory_format:
        return torch.channels_last if self.recipe.precision.channels_last else torch.contiguous_format

    def _start_phase(self, phase: PhaseConfig) -> None:
        self.accelerator.free_memory()  # the last phase's optimiser
        # Over all that the phase ever trains: what is frozen has no gradient, and optimisers pass it by untouched.
        set_trainable(self.network, phase.trainable)
        optimiser = build_optimiser(self.network, phase)
        self.model, self.optimiser = self.accelerator.prepare(self.network, optimiser)

    # ---- the way through ---------------------------------------------------------------------------------------

    def run(self) -> FitResult:
        """Train all phases, going on from the last checkpoint where there is one."""
        checkpoint = state.load_checkpoint(self.folder, self.data.key)
        first = checkpoint.progress.phase if checkpoint else 0
        with stop_on_signal() as self.stop, self.display:
            for number, phase in enumerate(self.recipe.phases[first:], start=first):
                if checkpoint is None:
                    self.progress.start_phase(number)
                self._start_phase(phase)
                if checkpoint is not None:
                    self._restore(checkpoint)
                    checkpoint = None
                else:
                    self._keep_start(number)
                self._run_phase(phase)
        return self._finish()

    def _run_phase(self, phase: PhaseConfig) -> None:
        progress, patience = self.progress, phase.early_stopping.patience
        while progress.epoch < phase.epochs and not (patience and progress.stopper.waited >= patience):
            self._train_epoch(phase)
            self._finish_epoch(phase, self.validator.figures(self.averages.shipping(self.network)))

    def _train_epoch(self, phase: PhaseConfig) -> None:
        progress = self.progress
        self.objective.start_epoch(progress.history)
        self._free(phase)
        self.model.train()
        set_mode(self.network, phase.trainable)
        order = sampling.epoch_order(
            self.data.labels[self.data.train], self.recipe.balance, self.recipe.seed, progress.epochs_done
        )
        order = sampling.fill_epoch(order, phase.batch_size, phase.min_steps_per_epoch)
        batches = sampling.step_batches(self.data.train[order], phase.batch_size)
        begun = time.monotonic() - progress.epoch_seconds
        for batch in batches[progress.step :]:
            self._set_learning_rate(phase, len(batches))
            loss, correct, count = self._step(phase, batch)
            self._count(loss, correct, count)
            progress.epoch_seconds = time.monotonic() - begun
            self._show(len(batches))
            self._save_if_due()

    def _free(self, phase: PhaseConfig) -> None:
        """Let learn what the phase trains in this epoch."""
        set_trainable(self.network, phase.trainable, self.progress.epoch)
        growing = phase.trainable.grow_epochs and self.progress.epoch <= phase.trainable.grow_epochs
        if growing and self.accelerator.num_processes > 1:
            # Processes agree once, when they are joined, on whose gradients they wait for.
            self.model = self.accelerator.prepare(self.network)

    def _step(self, phase: PhaseConfig, positions: IntArray) -> tuple[Tensor, Tensor, int]:
        """One optimiser step on one batch: the heart of the loop."""
        progress, recipe, accelerator = self.progress, self.recipe, self.accelerator
        batch = self.batches.make(positions, phase, self._generator(), self._share_done())
        logits = self.model(batch.pictures.contiguous(memory_format=self._memory_format))
        loss = self.objective(logits, batch, self.network)
        accelerator.backward(loss)
        if recipe.regularisation.clip_gradient:
            accelerator.clip_grad_norm_(self.model.parameters(), recipe.regularisation.clip_gradient)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        over = progress.step + 1 == self.steps_per_epoch[progress.phase]
        self.averages.update(self.network, progress.steps_done, self._share_done(1), epoch_over=over)
        answers = logits.detach()[: len(batch.labels)].argmax(1)
        return loss.detach(), (answers == batch.labels).sum(), len(batch.labels)

    # ---- small steps of the way --------------------------------------------------------------------------------

    def _generator(self) -> torch.Generator:
        """Seed this step: one generator for augmentation, alike on all processes, and torch's own for dropout."""
        step = (self.recipe.seed, self.progress.steps_done)
        torch.manual_seed(sampling.seed_of(2, *step, self.accelerator.process_index))
        return torch.Generator().manual_seed(sampling.seed_of(3, *step))

    def _share_done(self, more: int = 0) -> float:
        at, epochs = self.progress, [phase.epochs for phase in self.recipe.phases]
        return sampling.share_done(self.steps_per_epoch, epochs, at.phase, at.epoch, at.step + more)

    def _set_learning_rate(self, phase: PhaseConfig, steps_per_epoch: int) -> None:
        step = self.progress.epoch * steps_per_epoch + self.progress.step
        rate = schedule.learning_rate(phase, step, steps_per_epoch) * self.progress.plateau.factor
        since = self._share_done() - self.recipe.averaging.swa_start
        rate = schedule.averaging_rate(rate, self.recipe.averaging, since * self._planned_epochs)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("lr_scale", 1.0)

    def _count(self, loss: Tensor, correct: Tensor, count: int) -> None:
        progress = self.progress
        progress.step += 1
        progress.steps_done += 1
        progress.seen += count
        # Sums stay on the device: reading a number would make the host wait for every step of a GPU.
        self._loss_sum = loss if progress.step == 1 else self._loss_sum + loss
        self._correct = correct if progress.step == 1 else self._correct + correct
        if self.device.type == "cpu" or progress.step % _CHECK_EVERY == 0:
            self._read_sums()

    def _read_sums(self) -> None:
        progress = self.progress
        progress.loss_sum, progress.correct = float(self._loss_sum), float(self._correct)
        if not math.isfinite(progress.loss_sum):
            rate = float(self.optimiser.param_groups[0]["lr"])
            raise TrainingError(diagnose(progress, self.recipe, self.network, rate))

    def _show(self, steps: int) -> None:
        progress = self.progress
        speed = progress.seen * self.accelerator.num_processes / max(progress.epoch_seconds, 1e-9)
        mean = progress.loss_sum / progress.step
        self.display.step(progress.epochs_done + progress.step / steps, mean, speed)

    # ---- the end of an epoch -----------------------------------------------------------------------------------

    def _finish_epoch(self, phase: PhaseConfig, figures: dict[str, float]) -> None:
        progress = self.progress
        self._read_sums()
        row = self._history_row(phase, figures)
        progress.history.append(row)
        score = selection_score(row, self.recipe.selection)
        progress.epochs_done += 1
        progress.seconds += progress.epoch_seconds
        if progress.selection.update(score) or self.recipe.selection.keep == "last":
            progress.best_epoch = progress.epochs_done
            self._save_best()
        progress.stopper.min_delta = phase.early_stopping.min_delta
        progress.stopper.update(score)
        progress.plateau.update(phase, score)
        progress.epoch += 1
        progress.start_epoch()
        self._save()
        if self.accelerator.is_main_process:
            self.on_epoch(progress.history)
        self.display.epoch(row, self._seconds_left(row))
        self._stop_if_asked()

    def _history_row(self, phase: PhaseConfig, figures: dict[str, float]) -> dict[str, Any]:
        progress = self.progress
        sums = torch.tensor([progress.loss_sum, progress.correct, float(progress.seen)], dtype=torch.float64)
        loss_sum, correct, seen = self.accelerator.reduce(sums.float().to(self.device)).tolist()
        processes = self.accelerator.num_processes
        return {
            "epoch": progress.epochs_done + 1,
            "phase": phase.name,
            "train_loss": loss_sum / processes / progress.step,
            "train_accuracy": correct / seen,
            **dict.fromkeys(("validation_loss", "validation_accuracy", "validation_balanced_accuracy")),
            **figures,
            "learning_rate": self.optimiser.param_groups[0]["lr"],
            "pictures_per_second": seen / max(progress.epoch_seconds, 1e-9),
            "seconds": progress.epoch_seconds,
        }

    def _seconds_left(self, row: dict[str, Any]) -> float:
        return float(row["seconds"]) * (self._planned_epochs - self.progress.epochs_done)

    @property
    def _planned_epochs(self) -> int:
        return sum(phase.epochs for phase in self.recipe.phases)

    # ---- checkpoints -------------------------------------------------------------------------------------------

    def _save(self) -> None:
        self.saved_at = time.monotonic()
        if self.accelerator.is_main_process:
            state.save_checkpoint(self.folder, self._checkpoint())
        self.accelerator.wait_for_everyone()

    def _checkpoint(self) -> state.Checkpoint:
        scaler = self.accelerator.scaler
        return state.Checkpoint(
            key=self.data.key,
            progress=self.progress,
            network=self.network.state_dict(),
            averages=self.averages.state(),
            optimiser=self.optimiser.state_dict(),
            scaler=None if scaler is None else scaler.state_dict(),
        )

    def _restore(self, checkpoint: state.Checkpoint) -> None:
        self.progress = checkpoint.progress
        self.network.load_state_dict(checkpoint.network)
        self.averages.restore(checkpoint.averages)
        self.optimiser.load_state_dict(checkpoint.optimiser)
        if self.accelerator.scaler is not None and checkpoint.scaler is not None:
            self.accelerator.scaler.load_state_dict(checkpoint.scaler)
        if self.accelerator.is_main_process:
            self.on_epoch(self.progress.history)  # the kill may have come between saving the state and writing this
        # float32 sums, as the running epoch holds them, so that the resumed history agrees to the last digit.
        self._loss_sum = torch.tensor(self.progress.loss_sum, dtype=torch.float32, device=self.device)
        self._correct = torch.tensor(int(self.progress.correct), device=self.device)

    def _save_best(self) -> None:
        if self.accelerator.is_main_process:
            state.save_weights(self.folder / state.BEST, self.averages.shipping(self.network).state_dict())

    def _keep_start(self, number: int) -> None:
        """Keep the weights from which the backbone begins to learn, where interpolations go back towards them."""
        before = all(phase.trainable.share == 0 for phase in self.recipe.phases[:number])
        learns = self.recipe.phases[number].trainable.share > 0
        if self.recipe.averaging.wise_ft and before and learns and self.accelerator.is_main_process:
            state.save_weights(self.folder / state.START, self.network.state_dict())

    def _finish(self) -> FitResult:
        self.accelerator.wait_for_everyone()
        best, kept = state.load_weights(self.folder / state.BEST), self.folder / state.START
        start = state.load_weights(kept) if kept.is_file() else None
        # A head that never learned before the backbone did has no starting weights worth going back to.
        tuned = "" if self.recipe.phases[0].trainable.share == 0 else "backbone."
        finish = Finish(self.averages.form, self.recipe, self.batches, self.validator, self.progress)
        shipped = finish.choose(best, self.averages, start, tuned)
        return FitResult(shipped.weights, self.progress, shipped.name, shipped.candidates)

    def _save_if_due(self) -> None:
        """Save within the epoch when it is time, and stop here if the user asked."""
        several = self.accelerator.num_processes > 1
        if several and self.progress.step % _CHECK_EVERY:  # asking all processes costs a message
            return
        due = time.monotonic() - self.saved_at > 60 * self.recipe.checkpoint.every_minutes
        if any_process(self.accelerator, due or bool(self.stop)):
            self._read_sums()
            self._save()
            self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if any_process(self.accelerator, bool(self.stop)):
            raise TrainingInterrupted(
                f"Stopped in epoch {self.progress.epochs_done + 1} after {self.progress.steps_done} steps; "
                f"the state is saved. To go on, give the same command with --resume."
            )


def fit(
    network: CellNetwork, data: TrainingData, recipe: Recipe, folder: Path, display: Display, on_epoch: OnEpoch
) -> FitResult:
    """Train a network.

    Args:
        network: with its starting weights; trained in place.
        data: framed pictures, labels and the two parts.
        recipe: what to do; its precision must be decided already (not ``auto``).
        folder: for checkpoints; where it holds one of this same run, training goes on from there.
        display: what a person sees.
        on_epoch: called after every epoch on the main process.

    Returns:
        The weights of the selected epoch, and the history.

    Raises:
        TrainingInterrupted: the user stopped the run; the state is saved.
        TrainingError: the loss is no longer a number, or the checkpoint does not belong to this run.
    """
    with torch.random.fork_rng():
        try:
            return Trainer(network, data, recipe, folder, display, on_epoch).run()
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise TrainingError(
                "Batch normalisation cannot learn from one picture at a time. Set the phases' batch_size to 2 or more, "
                "give more training pictures, or choose a network without batch normalisation."
            ) from error
