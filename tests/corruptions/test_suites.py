"""What holds for every corruption of every suite."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smearlab.corruptions import families
from smearlab.corruptions.draws import Images
from smearlab.corruptions.suites import SEVERITIES, SUITES, corrupt
from smearlab.errors import DataError

EVERY = [(suite.name, corruption.name) for suite in SUITES.values() for corruption in suite.corruptions]
# The published constants of these are no ladder: saturate first takes colour and then adds it, elastic transforms go
# from far and smooth to near and rough, glass begins with hardly any blur, and a chain's picture draws its operations.
UNORDERED = {("imagenet-c", "saturate"), ("imagenet-c", "elastic_transform"), ("imagenet-c", "glass_blur")}
WITHOUT_DRAWS = {"pixelate", "jpeg_compression", "defocus_blur", "brightness_up", "brightness_down", "contrast_up"} | {
    *("contrast_down", "saturate", "gaussian_blur", "zoom_blur", "contrast", "brightness", "stain_pale", "stain_dark"),
    *("focus", "magnification_in", "magnification_out", "camera_sharpening", "camera_resolution", "compression"),
}


def test_there_are_five_suites_with_their_names() -> None:
    assert list(SUITES) == ["bloodmnist-c", "imagenet-c", "microscope", "chain", "laboratories"]
    assert [one.name for one in SUITES["chain"].corruptions] == ["chain1", "chain2", "chain3"]
    assert all(name == suite.name and suite.severities == SEVERITIES for name, suite in SUITES.items())
    assert all(len({one.name for one in suite.corruptions}) == len(suite.corruptions) for suite in SUITES.values())


def test_every_corruption_has_a_family_or_mixes_several() -> None:
    mixed = {"other_laboratory"} | {one.name for name in ("chain", "laboratories") for one in SUITES[name].corruptions}
    for suite in SUITES.values():
        for corruption in suite.corruptions:
            if corruption.name in mixed:
                assert (corruption.operation, corruption.family, corruption.group) == ("", "", "")
            else:
                assert corruption.family == families.OPERATIONS[corruption.operation]
                assert corruption.group in families.GROUPS


@pytest.mark.parametrize(("suite", "name"), EVERY)
def test_pictures_stay_pictures(suite: str, name: str, cells: Images) -> None:
    for severity in (1, 5):
        altered = corrupt(cells, suite, name, severity)
        assert altered.dtype == np.uint8
        assert altered.shape == cells.shape
        assert (altered != cells).any(axis=(1, 2, 3)).sum() >= len(cells) // 2
        assert all(picture.std() > 0 for picture in altered)


@pytest.mark.parametrize(("suite", "name"), EVERY)
def test_a_picture_does_not_depend_on_its_batch(suite: str, name: str, cells: Images) -> None:
    rows = np.array([5, 900, 17, 3, 44, 45, 46, 47])
    together = corrupt(cells, suite, name, 4, seed=3, rows=rows)
    assert np.array_equal(corrupt(cells[::-1], suite, name, 4, seed=3, rows=rows[::-1])[::-1], together)
    for place in (0, 6):
        alone = corrupt(cells[place : place + 1], suite, name, 4, seed=3, rows=rows[place : place + 1])
        assert np.array_equal(alone[0], together[place])


@pytest.mark.parametrize(("suite", "name"), EVERY)
def test_draws_follow_seed_and_row(suite: str, name: str, cells: Images) -> None:
    same = np.repeat(cells[:1], 6, axis=0)
    rows = np.arange(6)
    first = corrupt(same, suite, name, 5, seed=0, rows=rows)
    other_seed = corrupt(same, suite, name, 5, seed=1, rows=rows)
    if name in WITHOUT_DRAWS:
        assert (first == first[0]).all()
        assert np.array_equal(first, other_seed)
    else:
        assert not np.array_equal(first, other_seed)
        assert len({picture.tobytes() for picture in first}) > 1


@pytest.mark.parametrize(("suite", "name"), [one for one in EVERY if one not in UNORDERED])
def test_harder_severities_lie_farther_from_the_clean_picture(suite: str, name: str, cells: Images) -> None:
    many = np.tile(cells, (12 if suite == "chain" else 4 if name == "background" else 2, 1, 1, 1))
    changes = [
        np.abs(corrupt(many, suite, name, severity, seed=2).astype(int) - many).mean() for severity in SEVERITIES
    ]
    # Where each picture draws what is done to it, a few pictures may draw milder things at the harder severity.
    drawn = suite == "chain" or name in {"background", "stain_deposit", "camera_curve", "other_laboratory", "stain_hue"}
    slack = 0.9 if drawn or name == "magnification_out" else 1.0
    assert all(after > slack * before for before, after in pairwise(changes)), changes
    assert changes[-1] > 1.3 * changes[0]


@pytest.mark.parametrize(("suite", "name"), EVERY)
def test_any_size_and_shape_is_taken(suite: str, name: str, noise: Images) -> None:
    for images in (noise, noise[:1, :8, :8], noise[:0]):
        assert corrupt(images, suite, name, 5).shape == images.shape


@pytest.mark.parametrize("corruption", [one.name for one in SUITES["bloodmnist-c"].corruptions])
def test_at_the_original_size_lengths_are_milder(corruption: str, cells: Images) -> None:
    here = np.abs(corrupt(cells, "bloodmnist-c", corruption, 5).astype(int) - cells).mean()
    there = np.abs(corrupt(cells, "bloodmnist-c", corruption, 5, native_size=224).astype(int) - cells).mean()
    by_name = {one.name: one for one in SUITES["bloodmnist-c"].corruptions}
    assert there < 0.8 * here if by_name[corruption].sized else there == here


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(EVERY), st.integers(1, 5), st.integers(0, 2**40), st.integers(0, 2**60))
def test_any_seed_and_row_repeats(which: tuple[str, str], severity: int, seed: int, row: int) -> None:
    images = np.random.default_rng(1).integers(0, 256, (1, 24, 24, 3), dtype=np.uint8)
    rows = np.array([row])
    once, again = (corrupt(images, *which, severity, seed, rows) for _ in range(2))
    assert np.array_equal(once, again)


def test_threads_change_nothing(cells: Images) -> None:
    many = np.tile(cells, (5, 1, 1, 1))
    for suite, name in (("chain", "chain3"), ("imagenet-c", "glass_blur"), ("microscope", "other_laboratory")):
        assert np.array_equal(corrupt(many, suite, name, 3, workers=3), corrupt(many, suite, name, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("blodmnist-c", "pixelate", 1), "Did you mean 'bloodmnist-c'"),
        (("chain", "chain4", 1), "no corruption 'chain4'.*chain1, chain2, chain3"),
        (("chain", "chain1", 6), "no severity 6"),
        (("chain", "chain1", 0), "no severity 0"),
    ],
)
def test_a_wrong_name_says_which_there_are(arguments: tuple[str, str, int], message: str, cells: Images) -> None:
    with pytest.raises(DataError, match=message):
        corrupt(cells, *arguments)


def test_pictures_of_another_form_are_refused(cells: Images) -> None:
    for images in (cells[0], cells.astype(np.float32), cells[:, :4]):
        with pytest.raises(DataError, match="uint8"):
            corrupt(images, "chain", "chain1", 1)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="8 rows"):
        corrupt(cells, "chain", "chain1", 1, rows=np.arange(3))
    with pytest.raises(DataError, match="side 96 or 224, not 100"):
        corrupt(cells, "bloodmnist-c", "bubble", 1, native_size=100)
    with pytest.raises(DataError, match="side 96, not 224"):
        corrupt(cells, "microscope", "focus", 1, native_size=224)


def test_a_corruption_says_in_a_few_words_what_its_name_does_not() -> None:
    described = {
        one.name: one.description for name in ("microscope", "laboratories") for one in SUITES[name].corruptions
    }
    assert described["focus"] == "Out of focus: a disk of up to 4 px in radius"
    assert described["halogen_lamp"].startswith("A yellow lamp")
    assert all(described.values())
    assert not SUITES["chain"].corruption("chain2").description
