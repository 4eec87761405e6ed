"""The engine: every operation at its place, composed where it can be, each picture for itself."""

from __future__ import annotations

import pytest
import torch

from smearlab.augment import blur, colour, resolution, tone
from smearlab.augment.draws import CHANCES, Draws, fixed
from smearlab.augment.engine import BLURS, COLOURS, CURVES, PICTURE_CURVES, PIXELS, mix_chains, run_engine
from smearlab.augment.operations import ENGINE, INDEX

NAMES = [operation.name for operation in ENGINE if operation.name != "flip"]


def pictures(count: int = 3, height: int = 32, width: int = 32) -> torch.Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(4)) * 0.9 + 0.05


def done(name: str, amount: float, seed: int = 0, source: torch.Tensor | None = None) -> torch.Tensor:
    source = pictures() if source is None else source
    return run_engine(source, fixed(name, torch.full((len(source),), amount), torch.Generator().manual_seed(seed)))


def full(name: str) -> float:
    return ENGINE[INDEX[name]].full


def test_every_operation_has_its_place() -> None:
    stages = {operation.name: operation.stage for operation in ENGINE}
    blurs = {name for names in BLURS for name in names}
    assert {*PIXELS, *blurs} == {name for name, stage in stages.items() if stage == "pixels"}
    assert set(COLOURS) == {name for name, stage in stages.items() if stage == "colour"}
    assert {*CURVES, *PICTURE_CURVES} == {name for name, stage in stages.items() if stage == "curve"}


@pytest.mark.parametrize("name", NAMES)
class TestEveryOperation:
    def test_nothing_at_amount_zero(self, name: str) -> None:
        torch.testing.assert_close(done(name, 0.0), pictures(), atol=1e-6, rtol=0)

    def test_range_dtype_and_an_effect_at_full(self, name: str) -> None:
        result = done(name, full(name))
        assert result.dtype == torch.float32
        assert result.shape == (3, 3, 32, 32)
        assert float(result.min()) >= 0
        assert float(result.max()) <= 1
        assert float((result - pictures()).abs().mean()) > 1e-3

    def test_the_generator_decides(self, name: str) -> None:
        assert torch.equal(done(name, full(name), seed=3), done(name, full(name), seed=3))

    def test_a_picture_alone_is_as_in_the_batch(self, name: str) -> None:
        source = pictures(4)
        draws = fixed(name, torch.full((4,), full(name)), torch.Generator().manual_seed(1))
        together = run_engine(source, draws)
        alone = torch.cat([run_engine(source[i : i + 1], draws.take(slice(i, i + 1))) for i in range(4)])
        torch.testing.assert_close(together, alone, atol=2e-5, rtol=0)

    def test_others_stay_as_they_are(self, name: str) -> None:
        source = pictures(2)
        draws = fixed(name, torch.tensor([full(name), 0.0]), torch.Generator().manual_seed(1))
        torch.testing.assert_close(run_engine(source, draws)[1], source[1], atol=1e-6, rtol=0)

    def test_the_pictures_given_are_not_changed(self, name: str) -> None:
        source = pictures()
        before = source.clone()
        done(name, full(name), source=source)
        assert torch.equal(source, before)

    def test_any_size(self, name: str) -> None:
        result = done(name, full(name), source=pictures(2, 21, 40))
        assert result.shape == (2, 3, 21, 40)
        assert bool(result.isfinite().all())


def test_colours_are_one_matrix_and_clipped_once() -> None:
    source, table = pictures(2), torch.zeros(2, len(ENGINE))
    table[:, INDEX["brightness"]], table[:, INDEX["contrast"]] = 0.5, -1.0
    chance = torch.rand(2, len(ENGINE), CHANCES)
    both = [
        colour.brightness(table[:, INDEX["brightness"]], chance[:, INDEX["brightness"]]),
        colour.contrast(table[:, INDEX["contrast"]], chance[:, INDEX["contrast"]]),
    ]
    expected = colour.apply_colour(source.clone(), colour.compose(both))
    torch.testing.assert_close(run_engine(source, Draws(amounts=table, chance=chance)), expected)


def test_curves_are_composed_in_order() -> None:
    source, table = pictures(1), torch.zeros(1, len(ENGINE))
    table[:, INDEX["gamma"]], table[:, INDEX["invert"]] = 1.0, 1.0
    chance = torch.rand(1, len(ENGINE), CHANCES)
    result = run_engine(source, Draws(amounts=table, chance=chance))
    torch.testing.assert_close(result, 1 - source**2, atol=0.006, rtol=0)


def test_chains_are_mixed_with_the_picture() -> None:
    source = pictures(1)
    bright = fixed("brightness", torch.tensor([1.0]), torch.Generator())
    dark = fixed("brightness", torch.tensor([-1.0]), torch.Generator())
    weights, blend = torch.tensor([[0.25, 0.75]]), torch.tensor([0.5])
    mixed = mix_chains(source, Draws(chains=(bright, dark), weights=weights, blend=blend))
    expected = 0.5 * source + 0.5 * (0.25 * (source * 2).clamp(0, 1) + 0.75 * source / 2)
    torch.testing.assert_close(mixed, expected, atol=1e-5, rtol=0)


def test_curves_leave_other_pictures_exactly_alone() -> None:
    identity = tone.compose_curves([tone.gamma(torch.zeros(1), torch.zeros(1, CHANCES))])
    torch.testing.assert_close(tone.apply_curves(pictures(1), identity), pictures(1), atol=1e-6, rtol=0)


def test_blurs_are_done_at_once_as_one_after_another() -> None:
    source, chance = pictures(2), torch.rand(2, len(ENGINE), CHANCES)
    amounts = {"defocus": 3.0, "motion_blur": 6.0, "gaussian_blur": 1.5, "downsample": 0.8, "pixelate": 0.6}
    table = torch.zeros(2, len(ENGINE))
    for name, amount in amounts.items():
        table[:, INDEX[name]] = amount
    expected = source
    for name, function in (
        ("defocus", blur.defocus),
        ("motion_blur", blur.motion_blur),
        ("gaussian_blur", blur.gaussian_blur),
        ("downsample", resolution.downsample),
        ("pixelate", resolution.pixelate),
    ):
        expected = function(expected, table[:, INDEX[name]], chance[:, INDEX[name]])
    # Not clipped and not mirrored anew in between, which only the border can show.
    result = run_engine(source, Draws(amounts=table, chance=chance))
    torch.testing.assert_close(result[..., 8:-8, 8:-8], expected[..., 8:-8, 8:-8], atol=0.01, rtol=0)
