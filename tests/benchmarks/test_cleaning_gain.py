"""What cleaning is worth: test cells that were never seen, manifests, and paired differences."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.cleaning_gain import AS_IT_IS, accuracies, balanced, line_up, main, perfect, report, unseen
from tests.data.alterations import as_cells, brighten, cut, jpeg, stained_cells

from smearlab.audit.findings import Finding, Findings
from smearlab.audit.manifest import Manifest
from smearlab.metrics.repeats import picture_weights


def test_copies_of_the_data_are_not_tested_on() -> None:
    pictures = stained_cells(12, seed=4)
    clean = as_cells(pictures)
    data = as_cells(np.stack([jpeg(pictures[2], 60), brighten(pictures[5], 0.9), cut(pictures[7], 0.9), pictures[9]]))
    test, matched = unseen(clean, data)
    assert matched == 4
    assert test.rows.tolist() == [0, 1, 3, 4, 6, 8, 10, 11]


def test_a_perfect_audit_drops_what_was_planted(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps({"off_topic": [[1, None]], "exact_duplicate": [[3, 0]]}), encoding="utf-8")
    manifest = perfect(as_cells(stained_cells(4)), truth)
    assert [one.action for one in manifest] == ["keep", "drop", "keep", "drop"]


def test_each_policy_is_an_arm(tmp_path: Path) -> None:
    cells = as_cells(stained_cells(3), np.array([0, 1, 1]))
    findings = Findings.of([Finding(2, "2.png", "off_topic", 0.6, suggestion="drop")])
    options = argparse.Namespace(policies=["conservative", "strict"], truth=None, copies=True)
    arms = line_up(cells, findings, options, tmp_path)
    assert [arm.name for arm in arms] == [AS_IT_IS, "copies left out", "conservative", "strict"]
    dropped = [Manifest.read(arm.manifest).count("drop") for arm in arms if arm.manifest is not None]
    assert dropped == [0, 1]


def test_figures_over_runs_are_plain_means_where_nothing_is_resampled() -> None:
    labels = np.array([0, 0, 0, 1])
    answers = [np.array([0, 0, 1, 1]), np.array([0, 0, 0, 0])]
    weights = picture_weights(labels, 0, 5)
    assert accuracies(labels, answers, weights)[:, 0] == pytest.approx([0.75, 0.75])
    assert balanced(labels, answers, weights)[:, 0] == pytest.approx([5 / 6, 0.5])


def test_the_difference_is_that_of_the_same_cells() -> None:
    test = as_cells(stained_cells(40), np.arange(40) % 2)
    right = test.known_labels
    worse = np.where(np.arange(40) < 10, 1 - right, right)
    options = argparse.Namespace(seeds=[0, 1], recipe="quick", values=["epochs=1"], data="a.npz", clean="b.parquet")
    body = report(options, test, 7, {AS_IT_IS: [worse, worse], "strict": [right, worse]})
    assert "| as it is | 0 | 0.7500 | – | – |" in body
    assert "| strict | 0 | 1.0000 | +25.00 (+" in body
    assert ") | 0.002 |" in body
    assert "| strict | 1 | 0.7500 | +0.00 (+0.00 to +0.00) | 1 |" in body
    assert "| strict | all | 0.8750 | **+12.50 (" in body


@pytest.mark.slow
def test_the_whole_way_at_a_tiny_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures, labels = stained_cells(48, seed=1), np.repeat([0, 1], 24)
    pictures[24:] = 255 - pictures[24:]  # a class of its own
    np.savez(tmp_path / "data.npz", images=pictures[::2], labels=labels[::2])
    np.savez(tmp_path / "clean.npz", images=pictures[1::2], labels=labels[1::2])
    out = tmp_path / "out"
    (out / "audit").mkdir(parents=True)
    table = "row,source,kind,score,partner,suggestion\n3,data.npz#3,off_topic,0.95,,drop\n"
    (out / "audit" / "findings.csv").write_text(table, encoding="utf-8")
    tiny = ["split.train=0.8", "split.validation=0.2", "split.test=0", "framing.size=32", "phases.0.epochs=1"]
    tiny += ["robustness.pictures=0", "phases.0.min_steps_per_epoch=1", "phases.0.warmup_epochs=0"]
    arguments = [str(tmp_path / "data.npz"), str(tmp_path / "clean.npz"), "--out", str(out), "--no-write"]
    main([*arguments, "--policies", "strict", "--seeds", "0", "--set", *tiny])
    said = capsys.readouterr().out
    assert "strict: 1 dropped, 0 relabelled" in said
    assert "| as it is | 0 |" in said
    assert "| strict | all |" in said
    assert (out / "strict_0" / "model" / "model.json").is_file()
