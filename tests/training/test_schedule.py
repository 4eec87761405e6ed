"""The learning rate against closed forms and PyTorch's schedulers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from smearlab.training.recipe import PhaseConfig
from smearlab.training.schedule import Patience, Plateau, averaging_rate, learning_rate
from smearlab.training.sections import AveragingConfig, SelectionConfig
from smearlab.training.validation import selection_score

STEPS = 10


def phase(**values: object) -> PhaseConfig:
    return PhaseConfig.model_validate({"epochs": 8, "learning_rate": 0.02, "warmup_epochs": 0, **values})


def rates(some: PhaseConfig) -> list[float]:
    return [learning_rate(some, step, STEPS) for step in range(some.epochs * STEPS)]


def optimiser(rate: float) -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)


def torch_rates(scheduler: torch.optim.lr_scheduler.LRScheduler, count: int) -> list[float]:
    found = []
    for _ in range(count):
        found.append(float(scheduler.optimizer.param_groups[0]["lr"]))
        scheduler.optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize("name", ["constant", "plateau"])
def test_constant(name: str) -> None:
    assert set(rates(phase(schedule=name))) == {0.02}


@pytest.mark.parametrize("name", ["constant", "plateau", "cosine"])
def test_warm_up_rises_in_a_line_from_a_hundredth(name: str) -> None:
    rise = rates(phase(schedule=name, warmup_epochs=2))[: 2 * STEPS]
    expected = 0.02 * (0.01 + 0.99 * np.arange(1, 2 * STEPS + 1) / (2 * STEPS))
    np.testing.assert_allclose(rise, expected, rtol=1e-12)


@pytest.mark.parametrize("warmup", [0, 1, 2.5])
def test_cosine_is_pytorchs(warmup: float) -> None:
    some = phase(schedule="cosine", warmup_epochs=warmup, final_share=0.05)
    down = rates(some)[round(warmup * STEPS) :]
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser(0.02), len(down), eta_min=0.02 * 0.05)
    np.testing.assert_allclose(down, torch_rates(reference, len(down)), rtol=1e-9)


def test_one_cycle_is_pytorchs() -> None:
    some = phase(schedule="one_cycle", warmup_epochs=2, final_share=0.001)
    total, warmup = 8 * STEPS, 2 * STEPS
    # Ours has its highest rate twice, at the end of the rise and at the start of the fall; theirs once.
    reference = torch.optim.lr_scheduler.OneCycleLR(
        optimiser(0.02),
        max_lr=0.02,
        total_steps=total + 1,
        pct_start=(warmup + 1) / (total + 1),
        div_factor=25,
        final_div_factor=1 / (25 * 0.001),
        cycle_momentum=False,
    )
    theirs = torch_rates(reference, total)
    np.testing.assert_allclose(rates(some)[:warmup], theirs[1 : warmup + 1], rtol=1e-9)
    np.testing.assert_allclose(rates(some)[warmup:], theirs[warmup:], rtol=1e-9)


def test_the_fall_ends_near_the_final_share() -> None:
    last = learning_rate(phase(schedule="cosine", final_share=0.1), 8 * STEPS, STEPS)
    assert last == pytest.approx(0.002)


def test_a_phase_that_is_all_warm_up_ends_at_the_highest_rate() -> None:
    assert rates(phase(schedule="one_cycle", warmup_epochs=8))[-1] == pytest.approx(0.02)


@pytest.mark.parametrize("patience", [1, 2, 4])
def test_plateau_is_pytorchs(patience: int) -> None:
    scores = np.random.default_rng(patience).random(60).round(1).tolist()
    some = phase(schedule="plateau", plateau_patience=patience, plateau_factor=0.5)
    reference = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser(1.0), mode="max", factor=0.5, patience=patience - 1, threshold=0, eps=0
    )
    ours = Plateau(Patience())
    for score in scores:
        ours.update(some, score)
        reference.step(score)
        assert ours.factor == pytest.approx(reference.optimizer.param_groups[0]["lr"])
    assert ours.factor < 1


def test_plateau_waits_only_in_its_own_schedule() -> None:
    plateau = Plateau(Patience())
    for _ in range(9):
        plateau.update(phase(schedule="cosine", plateau_patience=1), 0.5)
    assert plateau.factor == 1


def test_patience_counts_what_is_not_better_by_enough() -> None:
    patience = Patience(min_delta=0.1)
    assert [patience.update(score) for score in (0.5, 0.55, 0.6, 0.61)] == [True, False, False, True]
    assert (patience.best, patience.waited) == (0.61, 0)


def test_a_score_that_is_no_number_is_not_better() -> None:
    patience = Patience()
    assert not patience.update(float("nan"))
    assert patience.update(0.1)


class TestAveraging:
    CONFIG = AveragingConfig(swa_start=0.5, swa_learning_rate=0.2, swa_anneal_epochs=2.0)

    @pytest.mark.parametrize(("since", "rate"), [(-1.0, 1.0), (0.0, 1.0), (1.0, 0.6), (2.0, 0.2), (9.0, 0.2)])
    def test_the_rate_turns_into_the_constant_one(self, since: float, rate: float) -> None:
        assert averaging_rate(1.0, self.CONFIG, since) == pytest.approx(rate)

    def test_without_one_the_schedule_goes_on(self) -> None:
        assert averaging_rate(1.0, AveragingConfig(swa_start=0.5), 3.0) == 1.0

    def test_it_may_turn_at_once(self) -> None:
        at_once = self.CONFIG.model_copy(update={"swa_anneal_epochs": 0.0})
        assert averaging_rate(1.0, at_once, 0.0) == pytest.approx(0.2)


def test_plateau_by_loss_lowers_the_rate_when_the_loss_rises() -> None:
    some, plateau = phase(schedule="plateau", plateau_patience=1, plateau_factor=0.5), Plateau(Patience())
    factors = []
    for loss in (1.0, 0.8, 0.9, 0.7, 0.7, 0.6):
        plateau.update(some, selection_score({"epoch": 1, "validation_loss": loss}, SelectionConfig(metric="loss")))
        factors.append(plateau.factor)
    assert factors == [1, 1, 0.5, 0.5, 0.25, 0.25]
