"""What the benchmark of junk hides, and how it counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.off_topic import Share, hidden, in_folders, junk_pictures
from PIL import Image
from tests.inference.tiny_model import write_tiny_folder

from smearlab.audit import features
from smearlab.audit.features import describe
from smearlab.audit.off_topic import off_topic_scores
from smearlab.data.cells import Cells, UInt8Array


def _cells(images: UInt8Array) -> Cells:
    return Cells(images, None, np.array([str(row) for row in range(len(images))]), (), np.arange(len(images)))


def test_a_share_has_wilsons_interval() -> None:
    assert str(Share(95, 100)) == "0.9500 [0.8882, 0.9785] (95 of 100)"
    assert str(Share(0, 0)) == "–"


def test_junk_is_distinct_and_shows_something(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 9, (8, 8, 3)).astype(np.uint8) * 28
    large = Image.fromarray(picture).resize((120, 100), Image.Resampling.NEAREST)
    for name in ("one.png", "copy.png"):
        large.save(tmp_path / name)
    Image.new("RGB", (50, 50)).save(tmp_path / "black.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    junk = junk_pictures([tmp_path], each=4, seed=0)
    assert in_folders(junk).sum() == 1
    assert junk.kinds[in_folders(junk)].tolist() == [tmp_path.name]
    assert len({one.tobytes() for one in junk.images}) == len(junk.images)
    assert len(np.unique(junk.kinds)) > 20


def test_hiding_is_describing_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "DRAWN", 32)
    monkeypatch.setattr(features, "STRANGE", 12)
    model = write_tiny_folder(tmp_path)
    pictures = np.random.default_rng(0).integers(0, 256, (24, 16, 16, 3)).astype(np.uint8)
    known, strangers = describe(_cells(pictures[:20]), model), describe(_cells(pictures[20:]), model)
    which = np.array([3, 1, 1])
    together = hidden(known, strangers, which)
    assert together.comparison is not None
    assert together.comparison.first.tolist() == [*range(20), 20, 21, 21]
    np.testing.assert_allclose(together.features[20:], strangers.features[which])
    part = hidden(known, strangers, which, np.arange(0, 20, 2))
    assert known.comparison is not None
    assert part.comparison is not None
    even = [one for one in known.comparison.strange_of.tolist() if one % 2 == 0]
    assert even
    assert part.comparison.strange_of.tolist() == [one // 2 for one in even]
    assert np.isfinite(off_topic_scores(_cells(np.zeros((13, 16, 16, 3), np.uint8)), part)).all()
