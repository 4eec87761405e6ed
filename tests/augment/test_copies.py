"""Copies made once: how many of which picture, and what is mixed with what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from smearlab.augment.config import AugmentConfig
from smearlab.augment.copies import BUNDLE, Made, bundles, copies_per_class, draw_mixing, make_pictures
from smearlab.augment.sets import SETS, named_policies, policy_of
from smearlab.data.cells import UInt8Array
from smearlab.errors import RecipeError

LABELS = np.repeat([0, 1, 2], [5, 20, 12])
PICTURES = np.random.default_rng(0).integers(0, 256, (37, 12, 12, 3), dtype=np.uint8)


def look_up(positions: list[int]) -> list[UInt8Array]:
    return [PICTURES[position] for position in positions]


def made(counts: Any, seed: int = 0, **keys: Any) -> list[Made]:
    config = keys.pop("config", AugmentConfig(policy="light"))
    return list(make_pictures(look_up, np.asarray(counts), config, seed, **keys))


def test_copies_fill_each_class_evenly() -> None:
    counts = copies_per_class(LABELS, np.arange(37), 12, seed=0, originals=True)
    assert [int(counts[label == LABELS].sum()) for label in range(3)] == [7, 0, 0]
    assert sorted(counts[:5].tolist()) == [1, 1, 1, 2, 2]


def test_without_originals_copies_alone_fill_the_class() -> None:
    counts = copies_per_class(LABELS, np.arange(37), 12, seed=0, originals=False)
    assert [int(counts[label == LABELS].sum()) for label in range(3)] == [12, 12, 12]
    assert int(counts.max()) == 3


def test_only_eligible_pictures_are_copied_and_count() -> None:
    counts = copies_per_class(LABELS, np.arange(0, 37, 2), 10, seed=0, originals=True)
    assert not counts[1::2].any()
    assert [int(counts[label == LABELS].sum()) for label in range(3)] == [7, 0, 4]


def test_originals_come_as_they_are_with_their_copies_behind_them() -> None:
    pictures = made([2, 0, 1])
    assert [(one.position, one.number) for one in pictures] == [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1)]
    for one in pictures:
        same = bool((one.picture == PICTURES[one.position]).all())
        assert same == (one.number == 0)
    assert (pictures[1].picture != pictures[2].picture).any()


def test_a_seed_decides_every_pixel() -> None:
    first, again, other = (made([3] * 37, seed) for seed in (4, 4, 5))
    assert all((one.picture == two.picture).all() for one, two in zip(first, again, strict=True))
    assert sum((one.picture == two.picture).all() for one, two in zip(first, other, strict=True)) == 37


def test_no_copy_is_made_twice_in_different_batches() -> None:
    same = [PICTURES[0]] * 200
    pictures = list(make_pictures(lambda some: [same[one] for one in some], np.ones(200, int), AugmentConfig(), 0))
    assert len({one.picture.tobytes() for one in pictures}) == 8  # flips: the symmetries of one picture
    light = AugmentConfig(policy="light")
    pictures = list(make_pictures(lambda some: [same[one] for one in some], np.ones(200, int), light, 0))
    assert len({one.picture.tobytes() for one in pictures}) == 201


def test_pictures_of_several_sizes_keep_them() -> None:
    mixed = [PICTURES[0], PICTURES[1, :8], PICTURES[2, :8], PICTURES[3, :, :9]]
    config = AugmentConfig(policy="ours")
    pictures = list(make_pictures(lambda some: [mixed[one] for one in some], np.ones(4, int), config, 0))
    assert [one.picture.shape for one in pictures[1::2]] == [picture.shape for picture in mixed]


class TestMixing:
    config = AugmentConfig(policy="none", mixup=0.4, cutmix=1.0, mix_share=0.6)

    def test_bundles_are_small_and_keep_groups_whole(self) -> None:
        units = np.array([f"p{row // 3}" for row in range(60)])
        found = bundles(np.arange(0, 60), units, seed=1)
        assert all(len(set(found[units == unit].tolist())) == 1 for unit in set(units.tolist()))
        sizes = np.bincount(found)
        assert BUNDLE <= sizes[sizes > 0].max() <= BUNDLE + 2
        assert (bundles(np.arange(0, 60, 2), units, seed=1)[1::2] == -1).all()

    def test_a_large_group_is_a_bundle_by_itself(self) -> None:
        units = np.repeat(["a", "b", "c"], 40)
        assert len(set(bundles(np.arange(120), units, seed=0).tolist())) == 3

    def test_partners_are_of_the_bundle_and_another_picture(self) -> None:
        sources, bundle = np.repeat(np.arange(37), 20), np.arange(37) // 8
        mixing = draw_mixing(sources, bundle, self.config, seed=0)
        mixed = mixing.partners >= 0
        assert float(mixed.mean()) == pytest.approx(0.6, abs=0.05)
        assert (bundle[mixing.partners[mixed]] == bundle[sources[mixed]]).all()
        assert (mixing.partners != sources).all()
        assert float(mixing.shares.min()) >= 0.5
        assert 0.4 < float(mixing.cuts.mean()) < 0.6

    @pytest.mark.parametrize(("key", "cuts"), [("mixup", False), ("cutmix", True)])
    def test_one_kind_alone_is_used_where_one_is_on(self, key: str, cuts: bool) -> None:
        config = AugmentConfig.model_validate({"policy": "none", key: 1.0, "mix_share": 1.0})
        mixing = draw_mixing(np.arange(37), np.zeros(37, np.int64), config, seed=0)
        assert set(mixing.cuts.tolist()) == {cuts}
        assert (mixing.partners >= 0).all()

    def test_mixed_pixels_are_what_the_shares_say(self) -> None:
        counts = np.full(37, 2)
        mixing = draw_mixing(np.repeat(np.arange(37), 2), np.zeros(37, np.int64), self.config, seed=0)
        copies = [one for one in made(counts, config=self.config, mixing=mixing) if one.number]
        assert [one.partner for one in copies] == mixing.partners.tolist()
        for one, cut in zip(copies, mixing.cuts, strict=True):
            own, other = PICTURES[one.position].astype(float), PICTURES[one.partner].astype(float)
            if one.partner < 0:
                assert (one.picture == own).all()
                assert one.share == 1
            elif cut:
                kept = (one.picture == own).all(2)
                assert (kept | (one.picture == other).all(2)).all()
                assert one.share == pytest.approx(kept.mean(), abs=0.02)
            else:
                assert np.abs(one.picture - (one.share * own + (1 - one.share) * other)).max() <= 0.51


class TestNames:
    def test_sets_differ_in_number_and_strength(self) -> None:
        assert [SETS[name].per_image for name in ("light", "moderate", "heavy")] == [1, 2, 4]
        assert [bool(SETS[name].config.mixup and SETS[name].config.cutmix) for name in SETS] == [False, False, True]

    def test_every_name_gives_a_policy(self) -> None:
        for name in named_policies():
            assert policy_of(name).policy in (name, "sequence")

    def test_a_policy_takes_its_strengths_from_the_settings_given(self) -> None:
        assert policy_of("light", AugmentConfig(zoom=0.5)).zoom == 0.5

    @pytest.mark.parametrize(
        ("name", "message"), [("hevy", "Did you mean 'heavy'"), ("sequence", "give --recipe"), ("our", "'ours'")]
    )
    def test_other_names_are_refused(self, name: str, message: str) -> None:
        with pytest.raises(RecipeError, match=message):
            policy_of(name)
