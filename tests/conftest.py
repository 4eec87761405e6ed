"""Fixtures that several parts share."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    # Files run side by side share the cores; read when NumPy and torch are first imported, here and in children.
    _share = (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, _share)))

import numpy as np
import pytest

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.cells import Cells

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_finish() -> None:
    """Spare the garbage collector what importing has left: every training collects, and went through all of it."""
    gc.collect()
    gc.freeze()


def _real_data(variable: str, name: str) -> Path:
    path = Path(os.environ.get(variable, SHARED_DATA / name))
    if not path.exists():
        pytest.skip(f"real cells are not at hand: set {variable} to {name}")
    return path


@pytest.fixture(scope="session")
def pbc_path() -> Path:
    """13,673 real cells at 96×96 in a Parquet file."""
    return _real_data("PBC", "pbc96.parquet")


@pytest.fixture(scope="session")
def challenge_path() -> Path:
    """2,435 rows in the competition's form, with planted defects."""
    return _real_data("CHALLENGE", "challenge.npz")


@pytest.fixture(scope="session")
def pbc_original_path() -> Path:
    """240 whole frames of about 360×363 px in class folders."""
    return _real_data("PBC_ORIGINAL", "pbc_original")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep every test away from the user's picture cache; one for all processes spares drawing and decoding again."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # each process has its own below it
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMEARLAB_CACHE", str(folder / "cache"))
        yield


@pytest.fixture
def tiny_cells() -> Cells:
    """48 random 24×24 pictures over the eight classes, six each; each class has its own mean colour."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), 6)
    means = np.linspace(40, 215, 8)[labels][:, None, None, None]
    images = np.clip(rng.normal(means, 12, (48, 24, 24, 3)), 0, 255).astype(np.uint8)
    sources = np.array([f"{CLASS_NAMES[label]}/{row}.png" for row, label in enumerate(labels)])
    return Cells(images, labels.astype(np.int64), sources, CLASS_NAMES, np.arange(48), name="tiny")
