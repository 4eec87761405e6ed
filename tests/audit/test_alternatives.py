from dataclasses import replace

import numpy as np
import pytest
from tests.audit.labelled import Flipped, coloured_cells, flipped

from smearlab.audit.alternatives import eliminate_noise, refine_by_kmeans
from smearlab.audit.label_errors import LabelQuality


def colours(planted: Flipped) -> np.ndarray:
    return np.stack([picture.mean((0, 1)) for picture in planted.cells]).astype(np.float32)


def detected(name: str, planted: Flipped, excluded: np.ndarray | None = None, seed: int = 0) -> LabelQuality:
    if name == "kmeans":
        return refine_by_kmeans(planted.cells, colours(planted), excluded, seed=seed)
    chances = np.full((len(planted.right), 3), 0.02)
    chances[np.arange(len(planted.right)), planted.right] = 0.96
    return eliminate_noise(planted.cells, colours(planted), chances, excluded, seed=seed)


BOTH = pytest.mark.parametrize("name", ["kmeans", "noise"])


@BOTH
def test_wrong_labels_come_first_and_are_relabelled(name: str) -> None:
    planted = flipped(coloured_cells(per_class=60))
    quality = detected(name, planted)
    assert set(quality.order[:6]) == set(np.flatnonzero(planted.wrong))
    np.testing.assert_array_equal(quality.suggested, planted.right)


@BOTH
def test_scores_stay_within_their_range_and_flags_apart(name: str) -> None:
    quality = detected(name, flipped(coloured_cells(per_class=60)))
    assert quality.scores.min() >= 0
    assert quality.scores.max() <= 1
    assert not (quality.is_error & quality.is_ambiguous).any()


@BOTH
def test_excluded_rows_are_not_flagged(name: str) -> None:
    planted = flipped(coloured_cells(per_class=60))
    quality = detected(name, planted, planted.wrong)
    assert not (quality.is_error | quality.is_ambiguous)[planted.wrong].any()


@BOTH
def test_the_seed_decides(name: str) -> None:
    planted = flipped(coloured_cells(per_class=60, noise=60))
    first, again = detected(name, planted), detected(name, planted)
    np.testing.assert_array_equal(first.scores, again.scores)


def test_a_row_is_no_company_to_itself() -> None:
    """One picture in a cluster of its own has no company: its label is as likely as any other."""
    planted = flipped(coloured_cells(per_class=20), count=0)
    features = np.zeros((60, 2), np.float32)
    features[0] = 1000
    quality = refine_by_kmeans(planted.cells, features, clusters=2)
    assert quality.scores[0] == pytest.approx(1 / 3)


def test_excluded_rows_are_no_company_to_others() -> None:
    planted = flipped(coloured_cells(per_class=60), count=0)
    excluded = np.arange(180) % 3 == 1
    clean = refine_by_kmeans(planted.cells, colours(planted), excluded)
    assert clean.scores[~excluded].min() > 0.9
    assert clean.scores[excluded].max() < 0.1, "none of their own class may vouch for them"


def test_a_cluster_of_wrong_labels_falls_as_a_whole() -> None:
    """Ten cells of one class under another label: their cluster's score counts, not only their own."""
    planted = flipped(coloured_cells(per_class=100), count=0)
    labels = planted.right.copy()
    moved = np.flatnonzero(labels == 1)[:10]
    labels[moved] = 0
    chances = np.full((300, 3), 0.02)
    chances[np.arange(300), planted.right] = 0.96
    chances[moved[0]] = [0.6, 0.38, 0.02]  # the model happens to vouch for one of them
    quality = eliminate_noise(replace(planted.cells, labels=labels), colours(planted), chances)
    assert quality.scores[moved[0]] < quality.scores[labels == planted.right].min()
