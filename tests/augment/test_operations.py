"""The table of operations, and what a recipe leaves of it."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest
from tests.augment.properties import steps_of

from smearlab.augment.config import AugmentConfig, PolicyName
from smearlab.augment.operations import (
    AUGMIX,
    ENGINE,
    FAMILY_SHARES,
    PIPELINE,
    TRADITIONAL,
    allowed,
    operations_of,
    randaugment_space,
)
from smearlab.corruptions.families import FAMILIES, GROUPS, OPERATIONS, group_of
from smearlab.errors import RecipeError


def test_every_operation_has_a_family_and_a_group() -> None:
    for operation in ENGINE:
        assert operation.family == OPERATIONS[operation.name]
        assert operation.group in GROUPS
    assert set(OPERATIONS.values()) <= set(FAMILIES)
    assert set(FAMILY_SHARES) == set(FAMILIES)


def test_every_group_is_trained_on_by_our_policy() -> None:
    groups = {group_of(name) for name in operations_of(AugmentConfig(policy="ours"))}
    assert groups == set(GROUPS)


@pytest.mark.parametrize("names", [AUGMIX, PIPELINE, tuple(TRADITIONAL), randaugment_space()])
def test_lists_of_policies_name_operations(names: tuple[str, ...]) -> None:
    assert set(names) <= {operation.name for operation in ENGINE}
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("policy", get_args(PolicyName))
def test_operations_of_every_policy(policy: PolicyName) -> None:
    used = operations_of(AugmentConfig.model_validate({"policy": policy, **steps_of(policy)}))
    assert used <= set(OPERATIONS)
    assert bool(used) == (policy != "none")


def test_mixing_counts_as_seen() -> None:
    assert {"mixup", "cutmix"} <= operations_of(AugmentConfig(policy="none", mixup=0.2, cutmix=1))


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_can_be_left_out_or_be_alone(group: str) -> None:
    without = AugmentConfig(policy="ours", without=(group,))
    assert group not in {group_of(name) for name in operations_of(without)}
    assert {group_of(name) for name in operations_of(AugmentConfig(policy="ours", only=(group,)))} == {group}


def test_families_and_operations_can_be_left_out() -> None:
    left = {operation.name for operation in allowed(AugmentConfig(policy="ours", without=("blur", "jpeg")))}
    assert not left & {"gaussian_blur", "motion_blur", "defocus", "jpeg"}
    assert "gaussian_noise" in left


def test_a_share_of_nothing_leaves_a_family_out() -> None:
    assert "gaussian_noise" not in operations_of(AugmentConfig(policy="ours", shares={"noise": 0}))


def test_a_wrong_name_is_refused_with_the_right_one() -> None:
    with pytest.raises(RecipeError, match=r"'gausian_blur' is no operation.*gaussian_blur"):
        allowed(AugmentConfig(policy="ours", without=("gausian_blur",)))


def test_the_table_needs_no_torch() -> None:
    code = "import sys, smearlab.augment.operations; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
