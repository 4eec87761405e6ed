"""Steps one after another: on whom they act, in which order, and what a network has seen by them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from smearlab.augment.config import AugmentConfig
from smearlab.augment.geometry import to_unit
from smearlab.augment.operations import ENGINE, INDEX, operations_of
from smearlab.augment.policy import apply, augment, draw
from smearlab.training.corrupted import seen_families
from smearlab.training.recipe_io import load_recipe


def sequence(*steps: dict[str, Any] | str, **keys: Any) -> AugmentConfig:
    named = [{"name": step} if isinstance(step, str) else step for step in steps]
    return AugmentConfig.model_validate({"policy": "sequence", "steps": named, **keys})


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def raw(count: int = 6, height: int = 12, width: int = 12) -> torch.Tensor:
    return torch.randint(0, 256, (count, height, width, 3), dtype=torch.uint8, generator=generator(5))


def changed(config: AugmentConfig, count: int = 600, progress: float = 1.0) -> torch.Tensor:
    """Say of each picture whether a policy changed it: ``bool (count,)``."""
    pictures = raw(1, 8, 8).expand(count, 8, 8, 3)
    result = augment(pictures, config, generator(), progress)
    return (result - to_unit(pictures.permute(0, 3, 1, 2))).abs().amax((1, 2, 3)) > 1e-6


INVERT = {"name": "invert", "vary": False}
POSTERISE = {"name": "posterise", "vary": False}


def test_steps_are_done_in_their_order() -> None:
    pictures = raw()
    unit = to_unit(pictures.permute(0, 3, 1, 2))
    dark = torch.floor(unit * 255 / 64 + 1e-4) * 64 / 255
    first = augment(pictures, sequence(INVERT, POSTERISE), generator())
    second = augment(pictures, sequence(POSTERISE, INVERT), generator())
    torch.testing.assert_close(second, 1 - dark, atol=1e-5, rtol=0)
    assert float((first - second).abs().max()) > 0.1
    assert float(first.max()) < 0.76  # posterised last: the brightest level left is 192


def test_one_operation_twice_is_done_twice() -> None:
    pictures = raw()
    back = augment(pictures, sequence(INVERT, INVERT), generator())
    torch.testing.assert_close(back, to_unit(pictures.permute(0, 3, 1, 2)), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "name", ["invert", "gaussian_noise", "geometry", "light", "randaugment", "augmix", "pixmix", "ours", "traditional"]
)
@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_a_step_changes_its_share_of_the_pictures(name: str, rate: float) -> None:
    share = float(changed(sequence({"name": name, "rate": rate})).float().mean())
    # A policy leaves some of the pictures that it gets as they are; none may change others.
    assert rate * 0.8 - 0.03 <= share <= rate + 0.06


def test_the_other_pictures_keep_every_bit() -> None:
    pictures = raw(64)
    config = sequence({"name": "geometry", "rate": 0.4}, {"name": "jpeg", "rate": 0.4})
    result, plain = augment(pictures, config, generator()), to_unit(pictures.permute(0, 3, 1, 2))
    same = (result == plain).flatten(1).all(1)
    assert float(same.float().mean()) == pytest.approx(0.36, abs=0.15)


def test_rates_of_steps_are_drawn_apart() -> None:
    draws = draw(sequence({"name": "hue", "rate": 0.5}, {"name": "jpeg", "rate": 0.5}), 4000, 8, 8, generator())
    first, second = (step.used for step in draws.steps)
    assert first is not None
    assert second is not None
    assert float((first & second).float().mean()) == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("choose", [1, 2])
def test_only_some_of_the_steps_are_chosen_for_each_picture(choose: int) -> None:
    draws = draw(sequence("hue", "jpeg", "randaugment", "augmix", choose=choose), 1000, 8, 8, generator())
    used = torch.stack([step.used for step in draws.steps if step.used is not None])
    assert set(used.sum(0).tolist()) == {choose}
    torch.testing.assert_close(used.float().mean(1), torch.full((4,), choose / 4), atol=0.06, rtol=0)


def amounts(config: AugmentConfig, name: str, progress: float = 1.0) -> torch.Tensor:
    (step,) = draw(config, 800, 8, 8, generator(), progress).steps
    assert step.amounts is not None
    return step.amounts[:, INDEX[name]]


def test_amounts_vary_up_to_the_magnitude_or_are_the_magnitude() -> None:
    full = ENGINE[INDEX["grid_mask"]].full
    varied = amounts(sequence({"name": "grid_mask", "magnitude": 0.5}), "grid_mask")
    assert 0 < float(varied.min()) < 0.05 * full < 0.45 * full < float(varied.max()) <= 0.5 * full
    fixed = amounts(sequence({"name": "grid_mask", "magnitude": 0.5, "vary": False}), "grid_mask")
    torch.testing.assert_close(fixed, torch.full((800,), 0.5 * full))


def test_an_operation_of_two_ways_goes_both() -> None:
    both = amounts(sequence({"name": "brightness", "vary": False}), "brightness")
    assert sorted({round(amount, 4) for amount in both.tolist()}) == [-1.2, 1.2]
    assert float((both > 0).float().mean()) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(("name", "column"), [("gaussian_noise", "gaussian_noise"), ("randaugment", "posterise")])
def test_the_curriculum_applies_to_every_step(name: str, column: str) -> None:
    config = sequence({"name": name, "magnitude": 0.5}, curriculum=0.5, curriculum_start=0.2)
    start, end = (float(amounts(config, column, progress).abs().max()) for progress in (0.0, 0.5))
    assert start == pytest.approx(0.2 * end, rel=0.02)
    assert end <= 0.5 * ENGINE[INDEX[column]].full + 1e-6


def test_the_curriculum_applies_to_geometry() -> None:
    config = sequence("geometry", curriculum=1.0, curriculum_start=0.0, rotation=90, zoom=0.5, shift=0.2)
    (still,), (moved,) = (draw(config, 50, 8, 8, generator(), progress).steps for progress in (0.0, 1.0))
    assert still.matrices is not None
    assert moved.matrices is not None
    torch.testing.assert_close(still.matrices.abs(), torch.eye(2, 3).expand(50, 2, 3))
    assert float((moved.matrices.abs() - torch.eye(2, 3)).abs().max()) > 0.5


@pytest.mark.parametrize("name", ["randaugment", "trivialaugment", "augmix", "pixmix", "pipeline"])
def test_a_published_policy_mirrors_nothing_as_a_step(name: str) -> None:
    (step,) = draw(sequence(name), 20, 8, 8, generator()).steps
    assert step.turns is None
    assert "flip" not in operations_of(sequence(name))


@pytest.mark.parametrize("name", ["flip", "flips"])
def test_a_sequence_mirrors_and_turns_where_it_says_so(name: str) -> None:
    picture = raw(1, 8, 8)
    results = {one.numpy().tobytes() for one in augment(picture.expand(80, 8, 8, 3), sequence(name), generator())}
    assert len(results) == 8
    assert operations_of(sequence(name)) == {"flip"}


def test_untouched_pictures_are_mirrored_at_most() -> None:
    assert float(changed(sequence("gaussian_noise", untouched=0.4)).float().mean()) == pytest.approx(0.6, abs=0.06)
    assert float(changed(sequence("flips", untouched=1.0)).float().mean()) > 0.7


def test_one_process_sees_its_share_of_the_whole_batch() -> None:
    config = sequence("flips", {"name": "augmix", "rate": 0.5}, "light", {"name": "erase", "rate": 0.5}, choose=3)
    pictures = raw(10)
    draws = draw(config, 10, 12, 12, generator())
    share = slice(1, None, 2)
    torch.testing.assert_close(apply(pictures[share], draws.take(share)), apply(pictures, draws)[share])


def test_pictures_given_as_numbers_are_not_changed_in_place() -> None:
    unit = torch.rand(4, 8, 8, 3, generator=generator())
    before = unit.clone()
    apply(unit, draw(sequence({"name": "invert", "rate": 0.5}), 4, 8, 8, generator()))
    assert torch.equal(unit, before)


def test_what_a_sequence_has_shown_a_network() -> None:
    config = sequence({"name": "randaugment", "magnitude": 0.2}, "sharpness", "grid_mask", "gaussian_noise", mixup=0.2)
    alone = operations_of(AugmentConfig(policy="randaugment")) - {"flip"}
    assert operations_of(config) == alone | {"grid_mask", "gaussian_noise", "mixup"}
    assert {"noise", "erasing", "mixing"} <= seen_families(config)
    assert not {"blur", "compression", "stain"} & seen_families(config)


def test_steps_that_never_act_show_nothing() -> None:
    config = sequence({"name": "jpeg", "rate": 0}, {"name": "hue", "magnitude": 0}, "zoom")
    assert operations_of(config) == {"zoom"}


def test_operations_left_out_are_left_out_of_steps() -> None:
    config = sequence("gaussian_noise", "flip", "randaugment", without=("noise", "orientation", "tone"))
    assert not seen_families(config) & {"noise", "orientation", "tone"}
    draws = draw(config, 200, 8, 8, generator())
    assert draws.steps[0].amounts is None
    assert draws.steps[1].turns is None
    drawn = draws.steps[2].amounts
    assert drawn is not None
    assert float(drawn[:, [INDEX["posterise"], INDEX["rotate"]]].abs().max()) == 0


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"name": "gausian_noise"}], "no operation or policy 'gausian_noise'. Did you mean 'gaussian_noise'"),
        ([{"name": "randaugmnt"}], "Did you mean 'randaugment'"),
        ([{"name": "sequence"}], "no operation or policy 'sequence'"),
        ([{"name": "mixup"}], "set augment.mixup instead"),
        ([], "the policy sequence needs steps"),
        ([{"name": "hue", "rate": 1.5}], "rate"),
    ],
)
def test_wrong_steps_are_refused(steps: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ValidationError, match="(?s)" + message):
        AugmentConfig.model_validate({"policy": "sequence", "steps": steps})


def test_a_recipe_says_where_a_wrong_step_stands(tmp_path: Any) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[augment]\npolicy = "sequence"\nsteps = [{ name = "hue" }, { name = "gridmask" }]\n')
    with pytest.raises(Exception, match=r"augment\.steps\.1\.name: there is no .*'gridmask'.*'grid_mask'"):
        load_recipe(path)
    path.write_text('[augment]\npolicy = "sequence"\nsteps = [{ name = "hue", rat = 0.5 }]\n')
    with pytest.raises(Exception, match=r"steps\.0\.rat: there is no such key.*'rate'"):
        load_recipe(path)
