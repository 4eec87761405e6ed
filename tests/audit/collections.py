"""Small collections in every form."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.cells import UInt8Array

CLASSES = ("monocyte", "neutrophil")
EACH = 5


def pictures(count: int = EACH * len(CLASSES)) -> UInt8Array:
    """Pictures of noise ``uint8 (count, 16, 16, 3)``, no two alike."""
    return np.random.default_rng(0).integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)


def labels() -> list[str]:
    """The class of each picture."""
    return [name for name in CLASSES for _ in range(EACH)]


def write_folder(root: Path) -> Path:
    """Write class folders of JPEG and PNG files."""
    for number, (picture, label) in enumerate(zip(pictures(), labels(), strict=True)):
        path = root / label / f"{number % EACH}.{'jpg' if number % 2 else 'png'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    return root


def write_npz(path: Path) -> Path:
    """Write ``images`` and ``labels``."""
    np.savez(path, images=pictures(), labels=np.array([[CLASS_NAMES.index(name)] for name in labels()], np.uint8))
    return path


def write_medmnist(path: Path) -> Path:
    """Write MedMNIST's parts: 6, 2 and 2 pictures."""
    order = np.random.default_rng(1).permutation(len(labels()))
    numbers = np.array([CLASS_NAMES.index(name) for name in labels()], np.uint8)[order]
    borders = {"train": slice(0, 6), "val": slice(6, 8), "test": slice(8, 10)}
    arrays: dict[str, Any] = {f"{part}_images": pictures()[order][place] for part, place in borders.items()}
    arrays |= {f"{part}_labels": numbers[place][:, None] for part, place in borders.items()}
    np.savez(path, **arrays)
    return path


def write_parquet(path: Path, folder: Path) -> Path:
    """Write the files of a folder as the datasets library does, with a column more."""
    files = sorted(folder.rglob("*.*g"))
    table = pa.table(
        {
            "image": [{"bytes": file.read_bytes(), "path": f"{file.parent.name}_{file.name}"} for file in files],
            "label": [CLASSES.index(file.parent.name) for file in files],
            "patient": [f"p{number % 3}" for number in range(len(files))],
            "focus": [0.5] * len(files),
        }
    )
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": list(CLASSES)}}
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})}), path)
    return path


def write_list(path: Path, folder: Path) -> Path:
    """Write a list of a folder's files, with a column more."""
    files = sorted(folder.rglob("*.*g"))
    with path.open("w", newline="") as file:
        rows = [(one.relative_to(path.parent).as_posix(), one.parent.name, "s1", "mine") for one in files]
        csv.writer(file).writerows([("path", "label", "slide", "remark"), *rows])
    return path
