"""What each policy draws."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from smearlab.augment.config import AugmentConfig
from smearlab.augment.draws import Draws
from smearlab.augment.operations import ENGINE, FAMILY_SHARES, INDEX, operations_of
from smearlab.augment.policies import draw_policy

DRAWN = ["traditional", "randaugment", "trivialaugment", "augmix", "pixmix", "pipeline", "ours"]


def drawn(policy: str, count: int = 400, seed: int = 0, progress: float = 1.0, **keys: Any) -> Draws:
    config = AugmentConfig.model_validate({"policy": policy, **keys})
    return draw_policy(config, count, torch.Generator().manual_seed(seed), progress)


def amounts(draws: Draws) -> torch.Tensor:
    assert draws.amounts is not None
    return draws.amounts


def used(draws: Draws) -> set[str]:
    """Name the operations that at least one picture got, in chains too."""
    columns = amounts(draws).any(0)
    names = {operation.name for operation, any_ in zip(ENGINE, columns.tolist(), strict=True) if any_}
    return names.union(*(used(chain) for chain in draws.chains))


@pytest.mark.parametrize("policy", DRAWN)
def test_only_the_operations_named_for_a_policy_are_drawn(policy: str) -> None:
    named = operations_of(AugmentConfig.model_validate({"policy": policy})) - {"flip"}
    assert used(drawn(policy, 4000)) == named - {"mixup", "cutmix"}


@pytest.mark.parametrize("policy", DRAWN)
@pytest.mark.parametrize("group", ["geometry", "colour", "degradation", "occlusion"])
def test_what_is_left_out_is_never_drawn(policy: str, group: str) -> None:
    groups = {operation.group for operation in ENGINE if operation.name in used(drawn(policy, without=[group]))}
    assert group not in groups


@pytest.mark.parametrize("policy", DRAWN)
def test_amounts_stay_within_the_range(policy: str) -> None:
    draws = drawn(policy, 2000)
    for part in (draws, *draws.chains):
        for operation in ENGINE:
            amount = amounts(part)[:, INDEX[operation.name]]
            full = max(operation.full, operation.randaugment or 0)
            assert float(amount.abs().max()) <= full + 1e-6
            assert operation.signed or float(amount.min()) >= 0


@pytest.mark.parametrize(("policy", "count"), [("randaugment", 3), ("pipeline", 3), ("trivialaugment", 1)])
def test_the_number_of_operations_of_a_picture(policy: str, count: int) -> None:
    per_picture = (amounts(drawn(policy, operations=3)) != 0).sum(1)
    assert int(per_picture.max()) == count
    assert float((per_picture == count).float().mean()) > 0.95  # an amount drawn as nothing is rare


def test_our_policy_uses_every_family_in_its_share() -> None:
    changed = amounts(drawn("ours", 6000, density=1)) != 0
    for family, share in FAMILY_SHARES.items():
        assert float(changed[:, of_family(family)].any(1).float().mean()) == pytest.approx(share, abs=0.03)


def of_family(name: str) -> list[int]:
    return [INDEX[one.name] for one in ENGINE if one.family == name and one.name != "flip"]


@pytest.mark.parametrize("density", [0.0, 0.25, 0.6])
def test_the_density_thins_every_family_but_orientation(density: float) -> None:
    changed = amounts(drawn("ours", 6000, density=density)) != 0
    for family, share in FAMILY_SHARES.items():
        wanted = share if family == "orientation" else share * density
        found = float(changed[:, of_family(family)].any(1).float().mean())
        assert found == pytest.approx(wanted, abs=0.03), family


def test_a_policy_without_density_turns_and_mirrors_alone() -> None:
    assert operations_of(AugmentConfig(policy="ours", density=0)) == {"flip", "rotate"}


def test_a_denser_policy_alters_what_a_thinner_one_does() -> None:
    thin, dense = (amounts(drawn("ours", 500, density=density)) for density in (0.3, 1.0))
    assert torch.equal(thin[thin != 0], dense[thin != 0])


def test_shares_can_be_changed() -> None:
    changed = amounts(drawn("ours", 4000, density=1, shares={"noise": 0.5})) != 0
    share = float(changed[:, of_family("noise")].any(1).float().mean())
    assert share == pytest.approx(FAMILY_SHARES["noise"] / 2, abs=0.03)


@pytest.mark.parametrize("policy", DRAWN)
def test_untouched_pictures_are_only_mirrored_and_turned(policy: str) -> None:
    draws = drawn(policy, 1000, untouched=0.4)
    changed = (amounts(draws) != 0).any(1)
    if draws.blend is not None:
        changed |= draws.blend > 0
    assert float(changed.float().mean()) <= 0.65
    assert draws.turns is not None
    assert len(set(draws.turns.tolist())) == 8


def test_a_curriculum_grows_from_mild_to_full() -> None:
    def strength(progress: float) -> float:
        draws = drawn("ours", 2000, progress=progress, curriculum=0.5, curriculum_start=0.2)
        return float(amounts(draws)[:, INDEX["gaussian_noise"]].max())

    start, middle, end = strength(0.0), strength(0.25), strength(0.5)
    assert start == pytest.approx(0.2 * end, rel=0.02)
    assert middle == pytest.approx(0.6 * end, rel=0.02)
    assert strength(1.0) == pytest.approx(end)


def test_augmix_weights_are_a_mixture() -> None:
    draws = drawn("augmix")
    assert draws.weights is not None
    assert draws.blend is not None
    torch.testing.assert_close(draws.weights.sum(1), torch.ones(400))
    assert 0 <= float(draws.blend.min()) < 0.05 < 0.95 < float(draws.blend.max()) <= 1
    depth = torch.stack([(amounts(chain) != 0).sum(1) for chain in draws.chains])
    assert set(depth.flatten().tolist()) <= {1, 2, 3}


@pytest.mark.parametrize("policy", DRAWN)
def test_a_share_of_the_batch_is_what_one_process_would_see(policy: str) -> None:
    whole = drawn(policy, 10)
    part = whole.take(slice(1, None, 2))
    torch.testing.assert_close(amounts(part), amounts(whole)[1::2])
    for mine, all_ in zip(part.chains, whole.chains, strict=True):
        torch.testing.assert_close(amounts(mine), amounts(all_)[1::2])
