"""Reinhard and Macenko against their definitions, on pictures of known dyes."""

from __future__ import annotations

import numpy as np
import pytest

from smearlab.data.cells import FloatArray, UInt8Array
from smearlab.data.imaging import (
    StainProfile,
    colour_profile,
    normalise_macenko,
    normalise_reinhard,
    stain_profile,
)
from smearlab.data.imaging.reinhard import from_lab, to_lab
from smearlab.errors import DataError

AZURE_EOSIN = np.array([[0.75, 0.60, 0.28], [0.15, 0.92, 0.36]])
OTHER_DYES = np.array([[0.60, 0.75, 0.28], [0.25, 0.80, 0.55]])
WHITE = (255.0, 255.0, 255.0)


def unit(dyes: FloatArray) -> FloatArray:
    return np.asarray(dyes / np.linalg.norm(dyes, axis=1, keepdims=True))


def amounts_of_dyes(seed: int = 0, side: int = 48) -> FloatArray:
    """Two dyes ``(pixels, 2)``: places with nearly one of them alone, mixtures, and empty slide."""
    rng = np.random.default_rng(seed)
    shares = rng.choice([0.0, 1.0, 0.5], size=side * side, p=[0.4, 0.4, 0.2])
    amounts = rng.uniform(0.5, 1.4, side * side)
    amounts[: side * side // 4] = 0
    return np.stack([shares * amounts, (1 - shares) * amounts], axis=1)


def dyed(dyes: FloatArray, amounts: FloatArray, light: tuple[float, float, float] = WHITE) -> UInt8Array:
    side = int(np.sqrt(len(amounts)))
    level = (np.array(light) + 1) * np.exp(-amounts @ dyes) - 1
    return np.asarray(np.clip(np.rint(level), 0, 255), dtype=np.uint8).reshape(side, side, 3)


def angle(first: FloatArray, second: FloatArray) -> float:
    return float(np.degrees(np.arccos(np.clip(first @ second, -1, 1))))


@pytest.fixture
def picture() -> UInt8Array:
    return dyed(unit(AZURE_EOSIN), amounts_of_dyes())


class TestMacenko:
    @pytest.mark.parametrize("dyes", [AZURE_EOSIN, OTHER_DYES])
    @pytest.mark.parametrize("light", [WHITE, (250.0, 228.0, 200.0)])
    def test_finds_the_dyes_and_the_light(self, dyes: FloatArray, light: tuple[float, float, float]) -> None:
        found = stain_profile(dyed(unit(dyes), amounts_of_dyes(), light))
        np.testing.assert_allclose(found.light, light, atol=1)
        assert max(angle(one, other) for one, other in zip(found.dyes, unit(dyes), strict=True)) < 1.5
        np.testing.assert_allclose(found.strengths, np.percentile(amounts_of_dyes(), 99, axis=0), rtol=0.05)

    def test_gives_what_the_other_dyes_would_have_made(self, picture: UInt8Array) -> None:
        target = dyed(unit(OTHER_DYES), 0.8 * amounts_of_dyes(seed=1), (240.0, 236.0, 230.0))
        expected = dyed(unit(OTHER_DYES), 0.8 * amounts_of_dyes(), (240.0, 236.0, 230.0))
        got = normalise_macenko(picture, target)
        assert np.abs(got.astype(int) - expected).mean() < 2
        assert np.abs(picture.astype(int) - expected).mean() > 10

    def test_a_dyed_picture_is_itself_where_it_is_the_target(self, picture: UInt8Array) -> None:
        np.testing.assert_array_equal(normalise_macenko(picture, picture), picture)

    def test_a_profile_serves_as_target(self, picture: UInt8Array) -> None:
        other = dyed(unit(OTHER_DYES), amounts_of_dyes())
        profile = stain_profile(other)
        assert isinstance(profile, StainProfile)
        np.testing.assert_array_equal(normalise_macenko(picture, profile), normalise_macenko(picture, other))

    def test_known_light_is_used(self, picture: UInt8Array) -> None:
        np.testing.assert_array_equal(stain_profile(picture, light=WHITE).light, WHITE)
        with pytest.raises(DataError, match="each 1 to 255"):
            stain_profile(picture, light=(0.0, 255.0, 255.0))

    def test_known_dyes_serve_pictures_that_show_one_alone(self, picture: UInt8Array) -> None:
        amounts = amounts_of_dyes(seed=2)
        amounts[:, 0] = 0
        alone, target = dyed(unit(AZURE_EOSIN), amounts), dyed(unit(OTHER_DYES), amounts_of_dyes())
        expected = dyed(unit(OTHER_DYES), amounts)
        for own in (picture, stain_profile(picture)):
            assert np.abs(normalise_macenko(alone, target, own=own).astype(int) - expected).mean() < 2
        assert np.abs(normalise_macenko(alone, target).astype(int) - expected).mean() > 4

    def test_a_blank_picture_stays_and_is_no_target(self, picture: UInt8Array) -> None:
        for level in (0, 200, 255):
            blank = np.full((20, 20, 3), level, np.uint8)
            np.testing.assert_array_equal(normalise_macenko(blank, picture), blank)
            with pytest.raises(DataError, match="no two dyes"):
                stain_profile(blank)

    def test_a_single_dye_is_not_taken_for_two(self, picture: UInt8Array) -> None:
        amounts = np.stack([amounts_of_dyes().sum(1), np.zeros(48 * 48)], axis=1)
        one = dyed(unit(AZURE_EOSIN), amounts)
        got = normalise_macenko(one, picture)
        assert got.dtype == np.uint8
        assert np.isfinite(got).all()


class TestReinhard:
    def test_space_is_that_of_the_paper(self) -> None:
        red, green, blue = 200.0, 120.0, 60.0
        long = np.log10(0.3811 * red + 0.5783 * green + 0.0402 * blue)
        middle = np.log10(0.1967 * red + 0.7244 * green + 0.0782 * blue)
        short = np.log10(0.0241 * red + 0.1288 * green + 0.8444 * blue)
        expected = [
            (long + middle + short) / 3**0.5,
            (long + middle - 2 * short) / 6**0.5,
            (long - middle) / 2**0.5,
        ]
        np.testing.assert_allclose(to_lab(np.array([200, 120, 60], np.uint8)), expected)

    def test_space_there_and_back(self) -> None:
        colours = np.random.default_rng(0).integers(1, 256, (100, 3)).astype(np.uint8)
        np.testing.assert_allclose(from_lab(to_lab(colours)), colours, atol=1e-8)

    def test_takes_mean_and_spread_of_the_target(self) -> None:
        rng = np.random.default_rng(0)
        source = np.clip(rng.normal((150, 120, 170), (12, 15, 9), (64, 64, 3)), 1, 255).astype(np.uint8)
        target = np.clip(rng.normal((180, 150, 140), (10, 12, 8), (32, 40, 3)), 1, 255).astype(np.uint8)
        got, wanted = colour_profile(normalise_reinhard(source, target)), colour_profile(target)
        np.testing.assert_allclose(got.mean, wanted.mean, atol=2e-3)
        np.testing.assert_allclose(got.spread, wanted.spread, rtol=0.03)

    def test_a_picture_is_itself_where_it_is_the_target(self, picture: UInt8Array) -> None:
        bright = np.maximum(picture, 1)
        np.testing.assert_array_equal(normalise_reinhard(bright, bright), bright)

    def test_a_blank_picture_takes_the_mean(self, picture: UInt8Array) -> None:
        got = normalise_reinhard(np.full((8, 8, 3), 90, np.uint8), picture)
        mean = np.clip(np.rint(from_lab(colour_profile(picture).mean)), 0, 255)
        np.testing.assert_array_equal(got, np.broadcast_to(mean, (8, 8, 3)))


@pytest.mark.parametrize("normalise", [normalise_reinhard, normalise_macenko])
class TestBoth:
    def test_batch_is_one_by_one(self, normalise: object, picture: UInt8Array) -> None:
        assert callable(normalise)
        batch = np.stack([picture, dyed(unit(OTHER_DYES), amounts_of_dyes(3)), np.zeros_like(picture)])
        got = normalise(batch, picture)
        assert (got.dtype, got.shape) == (np.uint8, batch.shape)
        for one, other in zip(got, batch, strict=True):
            np.testing.assert_array_equal(one, normalise(other, picture))

    def test_noise_does_no_harm(self, normalise: object, picture: UInt8Array) -> None:
        assert callable(normalise)
        noise = np.random.default_rng(0).integers(0, 256, (24, 30, 3), dtype=np.uint8)
        assert normalise(noise, picture).shape == noise.shape

    @pytest.mark.parametrize("wrong", [np.zeros((4, 4)), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8), "picture"])
    def test_wrong_input_is_refused(self, normalise: object, picture: UInt8Array, wrong: object) -> None:
        assert callable(normalise)
        for arguments in ((wrong, picture), (picture, wrong)):
            with pytest.raises(DataError):
                normalise(*arguments)
