"""What is measured of pictures, and how classes and sources are summed up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage.color import rgb2hsv

from smearlab.audit.findings import Finding, Findings
from smearlab.audit.measurements import measure, measure_picture
from smearlab.audit.statistics import (
    class_balance,
    outlying_sources,
    per_class,
    per_source,
    shares_affected,
    sources_of,
)
from smearlab.data.cells import Cells, UInt8Array, Unreadable
from smearlab.data.imaging.background import background_of
from smearlab.errors import DataError


def cells_of(images: object, labels: list[int] | None = None, sources: list[str] | None = None) -> Cells:
    count = len(images)  # type: ignore[arg-type]
    return Cells(
        images,  # type: ignore[arg-type]
        None if labels is None else np.array(labels, dtype=np.int64),
        np.array(sources or [f"cells.npz#{row}" for row in range(count)]),
        () if labels is None else ("basophil", "monocyte", "platelet"),
        np.arange(count),
    )


def coloured(count: int, colour: tuple[int, int, int], seed: int = 0, side: int = 24) -> UInt8Array:
    noise = np.random.default_rng(seed).normal(0, 3, (count, side, side, 3))
    return np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)


class TestMeasurements:
    def test_figures_are_those_of_references(self) -> None:
        picture = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
        found = measure(cells_of(picture[None]))
        np.testing.assert_array_equal(found.sizes, [[40, 30]])
        np.testing.assert_allclose(found.means[0], picture.mean((0, 1)), rtol=1e-5)
        np.testing.assert_allclose(found.deviations[0], picture.std((0, 1)), rtol=1e-5)
        assert abs(found.brightness[0] - np.asarray(Image.fromarray(picture).convert("L")).mean()) < 0.6
        np.testing.assert_allclose(found.saturation[0], rgb2hsv(picture)[..., 1].mean(), rtol=1e-5)
        laplacian = ndimage.laplace(picture[..., 1].astype(float))[1:-1, 1:-1]
        np.testing.assert_allclose(found.sharpness[0], laplacian.std(), rtol=1e-4)

    def test_background_is_the_empty_slide(self) -> None:
        picture = np.full((50, 50, 3), (90, 50, 140), np.uint8)
        picture[:20] = (250, 230, 205)
        np.testing.assert_allclose(background_of(picture), (250, 230, 205))

    def test_stain_is_told_apart(self) -> None:
        picture = np.full((48, 48, 3), (255, 255, 255), np.uint8)
        picture[10:20, 10:30], picture[30:40, 10:30] = (90, 50, 140), (208, 171, 167)
        stain = measure(cells_of(picture[None])).stain[0]
        expected = -np.log((np.array([[90, 50, 140], [208, 171, 167]]) + 1) / 256)
        np.testing.assert_allclose(stain.reshape(2, 3), expected, rtol=1e-4)

    @pytest.mark.parametrize("shape", [(1, 1), (2, 40), (3, 3), (360, 363)])
    @pytest.mark.parametrize("level", [0, 255])
    def test_blank_and_tiny_pictures(self, shape: tuple[int, int], level: int) -> None:
        found = measure_picture(np.full((*shape, 3), level, np.uint8))
        np.testing.assert_array_equal(found[:8], [level] * 3 + [0] * 5)

    def test_mixed_sizes_and_order(self) -> None:
        pictures = [coloured(1, (200, 100, 50), side=side)[0] for side in (20, 33, 48)]
        found = measure(cells_of(pictures))
        np.testing.assert_array_equal(found.sizes[:, 0], [20, 33, 48])
        np.testing.assert_array_equal(found.take(np.array([2])).means, measure(cells_of(pictures[2:])).means)

    def test_no_pictures(self) -> None:
        assert len(measure(cells_of(np.zeros((0, 8, 8, 3), np.uint8)))) == 0


class TestBalance:
    def test_known_counts(self) -> None:
        balance = class_balance(cells_of(coloured(9, (9, 9, 9)), [0] * 6 + [1] * 3))
        assert (balance.counts, balance.ratio) == ((6, 3, 0), 2.0)
        np.testing.assert_allclose(balance.effective_classes, np.exp(-(2 / 3 * np.log(2 / 3) + np.log(1 / 3) / 3)))
        np.testing.assert_allclose(balance.effective_numbers[:2], [np.sum(0.999 ** np.arange(n)) for n in (6, 3)])

    def test_even_classes_are_as_many_as_they_are(self) -> None:
        balance = class_balance(cells_of(coloured(6, (9, 9, 9)), [0, 1, 2, 0, 1, 2]))
        np.testing.assert_allclose([balance.ratio, balance.effective_classes], [1, 3])

    def test_without_labels_there_is_none(self) -> None:
        with pytest.raises(DataError, match="no labels"):
            class_balance(cells_of(coloured(2, (9, 9, 9))))


class TestSources:
    @pytest.mark.parametrize(
        ("sources", "expected"),
        [
            (["a/monocyte/1.png", "b/basophil/2.png"], ["a", "b"]),
            (["train/x/Monocytes/1.png", "train/y/BA/2.png"], ["train/x", "train/y"]),
            (["one.npz#0", "two.npz#0"], ["one.npz", "two.npz"]),
            (["only.npz#0", "only.npz#1"], ["only.npz", "only.npz"]),
            (["monocyte/3.png", "basophil/1.png"], ["(no name)", "(no name)"]),
        ],
    )
    def test_folder_or_file(self, sources: list[str], expected: list[str]) -> None:
        assert sources_of(cells_of(coloured(2, (9, 9, 9)), [0, 1], sources)).tolist() == expected

    def test_groups_come_first_and_parts_help(self) -> None:
        cells = cells_of(coloured(3, (9, 9, 9)), [0, 0, 0], ["a/1.png", "b/1.png", "c/1.png"])
        assert sources_of(replace(cells, groups=np.array(["s", "s", "t"]))).tolist() == ["s", "s", "t"]
        same = replace(cells, sources=np.array(["a/1.png"] * 3), parts=np.array(["train", "train", "test"]))
        assert sources_of(same).tolist() == ["train", "train", "test"]

    def test_letters_before_the_number_tell_where_nothing_else_does(self) -> None:
        names = [f"monocyte/{'MO' if row % 2 else 'IG'}_{row}.jpg" for row in range(20)]
        assert set(sources_of(cells_of(coloured(20, (9, 9, 9)), [1] * 20, names))) == {"MO", "IG"}
        hashes = [f"monocyte/{chr(97 + row)}{row}.jpg" for row in range(20)]
        assert set(sources_of(cells_of(coloured(20, (9, 9, 9)), [1] * 20, hashes))) == {"(no name)"}


class TestSummaries:
    def test_each_class_and_source_by_itself(self) -> None:
        images = np.concatenate([coloured(10, (200, 100, 50)), coloured(30, (100, 150, 200))])
        cells = cells_of(images, [0] * 10 + [2] * 30, [f"{'ab'[row >= 20]}/{row}.png" for row in range(40)])
        measurements = measure(cells)
        first, second = per_class(cells, measurements)
        assert (first.name, first.pictures, second.name, second.pictures) == ("basophil", 10, "platelet", 30)
        np.testing.assert_allclose(first.colour, (200, 100, 50), atol=1)
        assert abs(second.figures["blue"].median - 200) < 1
        assert first.figures["width"].low == first.figures["width"].high == 24
        assert [one.name for one in per_source(cells, measurements)] == ["a", "b"]
        assert list(first.figures) == list(second.figures)

    def test_unlabelled_pictures_have_no_classes(self) -> None:
        cells = cells_of(coloured(3, (9, 9, 9)))
        assert per_class(cells, measure(cells)) == ()


class TestOutlyingSources:
    def test_a_bluish_source_is_named_and_the_rest_is_not(self) -> None:
        rng = np.random.default_rng(1)
        colours = [np.array((250, 228, 200)) + rng.normal(0, 2, 3) for _ in range(6)]
        colours[3] = np.array((229, 226, 235))
        images = np.concatenate([coloured(12, tuple(colour), seed) for seed, colour in enumerate(colours)])
        cells = cells_of(images, [0, 1, 2] * 24, [f"slide{row // 12}/{row}.png" for row in range(72)])
        (found,) = outlying_sources(cells, measure(cells))
        assert (found.name, found.pictures) == ("slide3", 12)
        assert found.distance >= 3

    def test_a_source_of_another_class_mix_is_not_outlying(self) -> None:
        dark, light = coloured(20, (90, 50, 140)), coloured(20, (240, 220, 200))
        images = np.concatenate([dark[:17], light[:3], dark[17:], light[3:]])
        labels = [0] * 17 + [1] * 3 + [0] * 3 + [1] * 17
        cells = cells_of(images, labels, [f"slide{row // 20}/{row}.png" for row in range(40)])
        assert outlying_sources(cells, measure(cells)) == ()
        unlabelled = replace(cells, labels=None, class_names=())
        assert len(outlying_sources(unlabelled, measure(cells))) > 0

    def test_one_source_and_small_ones_are_not_judged(self) -> None:
        images = np.concatenate([coloured(20, (200, 200, 200)), coloured(4, (20, 20, 20))])
        few = cells_of(images, [0] * 24, [f"{'ab'[row >= 20]}/{row}.png" for row in range(24)])
        assert [source.name for source in outlying_sources(few, measure(few))] == ["a"]
        one = cells_of(images)
        assert outlying_sources(one, measure(one)) == ()


def test_share_affected_counts_every_row_once() -> None:
    cells = replace(cells_of(coloured(9, (9, 9, 9)), [0] * 5 + [1] * 4), rows=np.arange(1, 10))
    cells = replace(cells, unreadable=(Unreadable(0, "x.png", 1, "empty"),))
    findings = Findings.of(
        [
            Finding(0, "x.png", "unreadable", 1.0),
            Finding(1, "", "off_topic", 1.0),
            Finding(1, "", "exact_duplicate", 1.0, partner=9),
            Finding(9, "", "exact_duplicate", 1.0, partner=1),
        ]
    )
    affected = {one.kind: one for one in shares_affected(cells, findings)}
    assert (affected["exact_duplicate"].rows, affected["any"].rows, affected["any"].share) == (2, 3, 0.3)
    assert affected["any"].per_class == {"basophil": 1, "monocyte": 2}
    assert affected["near_duplicate"].rows == 0
