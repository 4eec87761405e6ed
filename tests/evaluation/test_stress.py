"""`smearlab stress` on a model that names pictures by their colour."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.evaluation.colour_model import COLOURS, colour_cells, write_colour_folder
from tests.evaluation.norm_run import norm_cells, write_norm_run

from smearlab.corruptions.habits import LABORATORIES
from smearlab.corruptions.suites import SUITES
from smearlab.data.framing import Framing, frame_pictures
from smearlab.errors import DataError, ModelError
from smearlab.evaluation import stress_pass
from smearlab.evaluation.conditions import FACTORS, SCALE, alter, choose_suites, conditions_of, suite_names
from smearlab.evaluation.stress import StressOptions, stress
from smearlab.evaluation.stress_files import Correct, check_out
from smearlab.evaluation.words import stress_lines
from smearlab.inference.predictor import Predictor

NAMES = tuple(COLOURS)
SUITE = "bloodmnist-c"
OPTIONS = StressOptions((SUITE, SCALE), (1, 5), predictions=True)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_colour_folder(tmp_path_factory.mktemp("models") / "colours")


@pytest.fixture(scope="module")
def out(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of eighteen pictures carry a wrong label."""
    folder = tmp_path_factory.mktemp("stressed") / "out"
    stress(model, colour_cells(NAMES, wrong=2), folder, OPTIONS)
    return folder


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A run whose recipe flips pictures and shifts their colours."""
    run = write_norm_run(tmp_path_factory.mktemp("run"))
    text = (run / "recipe.toml").read_text()
    text = text.replace('policy = "flips"', 'policy = "light"').replace('suite = "none"', f'suite = "{SUITE}"')
    text = text.replace("families = []", 'families = ["compression", "debris"]')
    (run / "recipe.toml").write_text(text)
    return stress(run, norm_cells(24), run.parent / "out", StressOptions((SUITE, "chain"), (3,), adapt_norm=16))


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def summary_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return content


def figures_in(content: object) -> Iterator[dict[str, float]]:
    """Find every ``{value, low, high}``."""
    if isinstance(content, dict):
        if set(content) == {"value", "low", "high"}:
            yield content
        for inner in content.values():
            yield from figures_in(inner)


class TestFiles:
    def test_the_table_has_a_line_per_corruption_and_severity(self, out: Path) -> None:
        rows = lines(out / "stress.csv")
        assert (out / "stress.csv").read_text().splitlines()[0] == (
            "suite,corruption,severity,n,accuracy,balanced_accuracy"
        )
        corruptions = [corruption.name for corruption in SUITES[SUITE].corruptions]
        expected = [(SUITE, name, severity) for name in corruptions for severity in ("1", "5")]
        expected += [(SCALE, f"magnify_x{factor:g}", str(rank)) for factor, rank in FACTORS.items()]
        assert [(row["suite"], row["corruption"], row["severity"]) for row in rows] == expected
        assert {row["n"] for row in rows} == {"18"}

    def test_the_table_is_what_the_predictions_say(self, out: Path) -> None:
        answers = lines(out / "predictions.csv")
        assert len(answers) == 18 * (1 + 22 + 8)
        for row in lines(out / "stress.csv"):
            key = [row[name] for name in ("suite", "corruption", "severity")]
            ours = [one for one in answers if [one[name] for name in ("suite", "corruption", "severity")] == key]
            right = [one["label"] == one["true_label"] for one in ours]
            recalls = [
                np.mean([good for one, good in zip(ours, right, strict=True) if one["true_label"] == name])
                for name in NAMES
            ]
            assert float(row["accuracy"]) == pytest.approx(np.mean(right), abs=1e-6)
            assert float(row["balanced_accuracy"]) == pytest.approx(np.mean(recalls), abs=1e-6)

    def test_predictions_hold_probabilities_and_the_pictures_as_they_are(self, out: Path) -> None:
        answers = lines(out / "predictions.csv")
        clean = [one for one in answers if one["suite"] == "clean"]
        assert [int(one["row"]) for one in clean] == list(range(18))
        assert sum(one["label"] != one["true_label"] for one in clean) == 2
        for one in answers[::37]:
            shares = {name: float(one[f"p_{name}"]) for name in NAMES}
            assert max(shares, key=lambda name: shares[name]) == one["label"]
            assert float(one["confidence"]) == pytest.approx(max(shares.values()), abs=2e-6)

    def test_who_was_right_is_kept(self, out: Path) -> None:
        kept = Correct.read(out)
        assert kept.correct.shape == (31, 18)
        assert kept.conditions[0] == "clean"
        assert f"{SUITE}/bubble/5" in kept.conditions
        by_key = {f"{r['suite']}/{r['corruption']}/{r['severity']}": r for r in lines(out / "stress.csv")}
        for key, right in zip(kept.conditions[1:], kept.correct[1:], strict=True):
            assert float(by_key[str(key)]["accuracy"]) == pytest.approx(right.mean(), abs=1e-6)

    def test_the_same_test_twice_gives_the_same_files(self, out: Path, model: Path, tmp_path: Path) -> None:
        again = tmp_path / "again"
        stress(model, colour_cells(NAMES, wrong=2), again, OPTIONS)
        for name in ("stress.csv", "summary.json", "predictions.csv"):
            assert (out / name).read_bytes() == (again / name).read_bytes(), name

    def test_the_page_says_what_each_laboratory_is(self, model: Path, tmp_path: Path) -> None:
        stress(model, colour_cells(NAMES), tmp_path / "out", StressOptions(suites=("laboratories",), severities=(3,)))
        page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
        assert all(one.title in page for one in LABORATORIES.values())

    def test_predictions_are_written_only_when_asked_for(self, model: Path, tmp_path: Path) -> None:
        options = StressOptions((SCALE,))
        stress(model, colour_cells(NAMES), tmp_path / "out", options)
        names = {path.name for path in (tmp_path / "out").iterdir()}
        assert names == {"stress.csv", "summary.json", "correct.npz", "report.html"}

    def test_old_predictions_do_not_stay_beside_new_figures(self, model: Path, tmp_path: Path) -> None:
        for predictions in (True, False):
            stress(model, colour_cells(NAMES), tmp_path / "out", StressOptions((SCALE,), predictions=predictions))
        assert not (tmp_path / "out" / "predictions.csv").exists()


class TestSummary:
    def test_every_figure_lies_in_its_interval(self, out: Path) -> None:
        found = list(figures_in(summary_of(out)))
        assert len(found) > 100
        assert all(figure["low"] <= figure["value"] <= figure["high"] for figure in found)

    def test_means_are_those_of_the_table(self, out: Path) -> None:
        summary, rows = summary_of(out), lines(out / "stress.csv")
        assert summary["clean"]["accuracy"]["value"] == pytest.approx(16 / 18)
        for suite in (SUITE, SCALE):
            accuracies = [float(row["accuracy"]) for row in rows if row["suite"] == suite]
            content = summary["suites"][suite]
            assert content["mean"]["accuracy"]["value"] == pytest.approx(np.mean(accuracies), abs=1e-6)
            assert content["loss"]["accuracy"]["value"] == pytest.approx(16 / 18 - np.mean(accuracies), abs=1e-6)
        blur = [float(r["accuracy"]) for r in rows if r["corruption"] in ("defocus_blur", "motion_blur")]
        assert summary["suites"][SUITE]["families"]["blur"]["accuracy"]["value"] == pytest.approx(
            np.mean(blur), abs=1e-6
        )
        bubble = [float(r["balanced_accuracy"]) for r in rows if r["corruption"] == "bubble"]
        found = summary["suites"][SUITE]["corruptions"]["bubble"]
        assert found["balanced_accuracy"]["value"] == pytest.approx(np.mean(bubble), abs=1e-6)
        assert (found["family"], found["group"], found["operation"]) == ("debris", "occlusion", "bubbles")

    def test_the_largest_loss_over_magnification(self, out: Path) -> None:
        scale = summary_of(out)["scale"]
        values = {float(factor): one["balanced_accuracy"]["value"] for factor, one in scale["factors"].items()}
        assert sorted(values) == sorted([1.0, *FACTORS])
        expected = values[1.0] - min(values[factor] for factor in FACTORS)
        assert scale["largest_loss"]["balanced_accuracy"]["value"] == pytest.approx(expected)

    def test_a_part_of_the_severities_has_no_figures_of_medmnist_c(self, out: Path) -> None:
        assert summary_of(out)["medmnist_c"] is None

    def test_the_whole_suite_has(self, model: Path, tmp_path: Path) -> None:
        summary = stress(model, colour_cells(NAMES, wrong=2), tmp_path / "out", StressOptions((SUITE,)))
        figures = summary["medmnist_c"]
        error = 1 - summary["suites"][SUITE]["mean"]["balanced_accuracy"]["value"]
        assert figures["balanced_error"]["value"] == pytest.approx(error)
        assert figures["indicative"]
        assert "scale" not in summary

    def test_a_model_that_does_not_tell_is_not_guessed_at(self, out: Path) -> None:
        summary = summary_of(out)
        assert summary["training"] == {"known": False}
        assert summary["suites"][SUITE]["seen_and_unseen"] is None
        assert summary["suites"][SUITE]["corruptions"]["bubble"]["seen"] is None

    def test_the_terminal_gets_a_line_per_suite(self, out: Path) -> None:
        told = stress_lines(summary_of(out))
        assert told[0] == "Balanced accuracy on 18 pictures:"
        assert [line.split("  ")[1] for line in told[1:]] == ["as they are", SUITE, SCALE]
        assert "worst: " in told[2]


class TestTraining:
    def test_families_of_the_recipe_are_seen(self, light: dict[str, Any]) -> None:
        training = light["training"]
        assert {"brightness", "contrast", "saturation"} <= set(training["seen_families"])
        assert {"blur", "debris", "compression"} <= set(training["unseen_families"])
        assert training["unseen_groups"] == ["degradation", "occlusion"]
        corruptions = light["suites"][SUITE]["corruptions"]
        assert (corruptions["brightness_up"]["seen"], corruptions["bubble"]["seen"]) == (True, False)

    def test_the_gap_is_that_of_the_means(self, light: dict[str, Any]) -> None:
        parts, corruptions = (light["suites"][SUITE][name] for name in ("seen_and_unseen", "corruptions"))
        means = {
            seen: np.mean([one["accuracy"]["value"] for one in corruptions.values() if one["seen"] is seen])
            for seen in (True, False)
        }
        assert parts["seen"]["accuracy"]["value"] == pytest.approx(means[True])
        assert parts["unseen"]["accuracy"]["value"] == pytest.approx(means[False])
        assert parts["seen_minus_unseen"]["accuracy"]["value"] == pytest.approx(means[True] - means[False])
        lost = light["clean"]["accuracy"]["value"] - means[False]
        assert parts["clean_minus_unseen"]["accuracy"]["value"] == pytest.approx(lost)

    def test_families_that_chose_the_epoch_are_not_untouched(self, light: dict[str, Any]) -> None:
        parts, corruptions = (light["suites"][SUITE][name] for name in ("seen_and_unseen", "corruptions"))
        others = [one["accuracy"]["value"] for one in corruptions.values() if one["family"] in ("resolution", "blur")]
        assert light["training"]["judged_by_families"] == ["compression", "debris"]
        assert parts["untouched"]["accuracy"]["value"] == pytest.approx(np.mean(others))
        assert parts["conditions"]["unseen"] == parts["conditions"]["untouched"] + 3

    def test_chains_mix_families_and_are_not_divided(self, light: dict[str, Any]) -> None:
        chain = light["suites"]["chain"]
        assert chain["seen_and_unseen"] is None
        assert list(chain["corruptions"]) == ["chain1", "chain2", "chain3"]
        assert chain["families"] == chain["groups"] == {}

    def test_each_condition_tells_whether_it_was_adapted(self, light: dict[str, Any]) -> None:
        adaptation = light["adaptation"]
        assert next(iter(adaptation)) == "clean"
        assert len(adaptation) == 1 + 11 + 3
        assert "adapted" in adaptation.values()
        assert "Batch normalisation was adapted to" in light["notes"][-1]


class TestConditions:
    def test_all_stands_for_every_suite(self) -> None:
        assert choose_suites(("all",)) == suite_names()
        assert choose_suites((SCALE, "all"))[0] == SCALE
        assert len(choose_suites(("all", SUITE))) == len(suite_names())
        assert SCALE in suite_names()

    def test_magnifications_are_tried_whatever_the_severities(self) -> None:
        assert len(conditions_of([SCALE], (5,))) == len(FACTORS)
        assert {one.severity for one in conditions_of([SUITE], (2, 4))} == {2, 4}

    def test_a_picture_is_altered_alike_in_any_company(self) -> None:
        images = np.asarray(colour_cells(NAMES).images)
        rows = np.arange(len(images))
        for condition in conditions_of(["bloodmnist-c", "chain", SCALE], (4,)):
            together = alter(images, condition, rows, 0)
            assert np.array_equal(together[3:5], alter(images[3:5], condition, rows[3:5], 0)), condition
            assert together.shape == images.shape

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            (StressOptions(("bloodmnistc",)), "no suite 'bloodmnistc'. Did you mean 'bloodmnist-c'"),
            (StressOptions(()), "No suite was asked for"),
            (StressOptions((SUITE,), (6,)), "no severity 6"),
            (StressOptions((SUITE,), (0, 1)), "no severity 0"),
            (StressOptions((SUITE,), size=28), "--size 28: give 96 or 224"),
            (StressOptions((SUITE,), tta="flip"), "Did you mean 'flips'"),
            (StressOptions((SUITE,), part="exam"), "no part 'exam'"),
            (StressOptions((SUITE,), part="test"), "nobody knows its test part"),
            (StressOptions((SUITE,), limit=-3), "--limit is -3"),
        ],
    )
    def test_impossible_wishes_write_nothing(
        self, options: StressOptions, told: str, model: Path, tmp_path: Path
    ) -> None:
        with pytest.raises(DataError, match=told):
            stress(model, colour_cells(NAMES), tmp_path / "out", options)
        assert not (tmp_path / "out").exists()

    def test_a_size_of_its_own_alters_otherwise(self) -> None:
        images = np.asarray(norm_cells(2).images).repeat(2, 1).repeat(2, 2)
        condition = next(one for one in conditions_of([SUITE], (3,)) if one.corruption == "defocus_blur")
        small, large = (alter(images, condition, np.arange(6), 0, size) for size in (96, 224))
        assert not np.array_equal(small, large)


class TestRefusals:
    def test_classes_that_do_not_match(self, model: Path, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="The model knows"):
            stress(model, colour_cells(("blast", "smudge")), tmp_path / "out", OPTIONS)
        assert not (tmp_path / "out").exists()

    def test_a_missing_model(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError):
            stress(tmp_path / "no model", colour_cells(NAMES), tmp_path / "out", OPTIONS)

    def test_a_model_that_cannot_be_adapted(self, model: Path, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="lies in no run"):
            stress(model, colour_cells(NAMES), tmp_path / "out", StressOptions((SCALE,), adapt_norm=16))

    @pytest.mark.parametrize(
        ("files", "told"),
        [
            ({"thesis.txt": "years"}, r"holds 'thesis\.txt'"),
            ({"summary.json": "{}"}, r"holds 'summary\.json'"),
            ({"summary.json": "no JSON"}, r"holds 'summary\.json'"),
            ({"summary.json": '{"suites": {}}', "model": None}, "holds 'model'"),
            ({"report.html": "mine"}, r"holds 'report\.html'"),
        ],
    )
    def test_other_files_are_never_written_over(self, tmp_path: Path, files: dict[str, str | None], told: str) -> None:
        for name, text in files.items():
            (tmp_path / name).mkdir() if text is None else (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match=told):
            stress(tmp_path / "no model", tmp_path / "no data", tmp_path, OPTIONS)

    def test_a_file_is_no_folder_to_write_to(self, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("mine")
        with pytest.raises(DataError, match="is a file"):
            check_out(tmp_path / "out")

    def test_an_earlier_test_and_what_a_kill_left_are_replaced(self, out: Path) -> None:
        (out / ".tmp-1234-report.html").touch()
        check_out(out)
        assert not (out / ".tmp-1234-report.html").exists()


def test_another_order_of_classes_gives_the_same_figures(out: Path, tmp_path: Path) -> None:
    permuted = write_colour_folder(tmp_path / "permuted", NAMES[::-1])
    stress(permuted, colour_cells(NAMES, wrong=2), tmp_path / "out", OPTIONS)
    assert (tmp_path / "out" / "stress.csv").read_text() == (out / "stress.csv").read_text()


def test_unknown_classes_are_left_out(model: Path, tmp_path: Path) -> None:
    cells = colour_cells(("basophil", "blast", "monocyte"), per_class=3)
    summary = stress(model, cells, tmp_path / "out", StressOptions((SCALE,)))
    assert (summary["n"], summary["left_out"]) == (6, {"blast": 3})
    assert summary["notes"][0].startswith("3 pictures of 'blast' were left out")


def test_a_picture_is_altered_by_its_row_not_its_place(out: Path, model: Path, tmp_path: Path) -> None:
    cells = colour_cells(NAMES, wrong=2).take(np.arange(9, 18))
    stress(model, cells, tmp_path / "out", OPTIONS)
    few = {tuple(line.values()) for line in lines(tmp_path / "out" / "predictions.csv")}
    assert len(few) == 9 * 31
    assert few <= {tuple(line.values()) for line in lines(out / "predictions.csv")}


def test_pictures_of_mixed_sizes_are_framed_before_they_are_altered(model: Path) -> None:
    cells = colour_cells(NAMES)
    mixed = [picture.repeat(1 + row % 2, 0).repeat(1 + row % 2, 1) for row, picture in enumerate(cells)]
    source = stress_pass.Source(replace(cells, images=mixed), Predictor.load(model).framing)
    assert source.framed_first
    assert source.altered(np.arange(4), None).shape == (4, 16, 16, 3)
    assert not stress_pass.Source(cells, source.framing).framed_first


@pytest.mark.parametrize("side", [16, 300])
def test_pictures_are_framed_once_whether_before_or_after_alteration(side: int) -> None:
    rng = np.random.default_rng(0)
    cells = colour_cells(NAMES).take(np.arange(3))
    cells = replace(cells, images=rng.integers(0, 256, (3, side, side, 3), dtype=np.uint8))
    framing = Framing(crop="centre", fraction=0.5, size=8, content="high_pass")
    source = stress_pass.Source(cells, framing)
    assert source.framed_first == (side > stress_pass.LARGEST)
    np.testing.assert_array_equal(source.framed(np.arange(3), None), frame_pictures(cells.images, framing))


def test_a_fault_in_a_thread_is_told_and_stops_the_rest(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []

    def broken(*arguments: object) -> None:
        done.append(arguments)
        raise DataError("a picture is broken")

    monkeypatch.setattr(stress_pass, "alter", broken)
    with pytest.raises(DataError, match="a picture is broken"):
        stress(model, colour_cells(NAMES, per_class=100), tmp_path / "out", OPTIONS)
    assert len(done) <= (os.cpu_count() or 1)
    assert not (tmp_path / "out").exists()


def test_views_change_what_is_said(model: Path, tmp_path: Path) -> None:
    options = StressOptions((SCALE,), tta="crops")
    summary = stress(model, colour_cells(NAMES, wrong=2), tmp_path / "out", options)
    assert summary["options"] == ["--suite", "scale", "--tta", "crops"]
    assert "means over 5 views" in summary["notes"][-1]
