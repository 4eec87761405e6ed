"""The project's Markdown pages, their examples and links, and a folder with small data to run the examples in."""

from __future__ import annotations

import csv
import json
import re
import runpy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.cells import UInt8Array
from smearlab.data.demo import draw_demo
from smearlab.inference.model_folder import write_model_folder

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
PER_CLASS = 6

_EXAMPLE = re.compile(
    r"(?:^<!-- test: (?P<mark>slow|skip \((?P<reason>[^\n]+)\)) -->\n)?^```(?P<language>sh|python)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://)([^)\s]+)\)")


@dataclass(frozen=True)
class Example:
    """A code block of a page, and what the comment before it says to do with it."""

    page: str
    line: int
    language: str
    code: str
    mark: str
    reason: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def examples_of(page: Path) -> list[Example]:
    """All sh and python blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [
        Example(
            page=page.relative_to(ROOT).as_posix(),
            line=text.count("\n", 0, found.start("code")),
            language=found["language"],
            code=found["code"],
            mark=(found["mark"] or "quick").split(" ")[0],
            reason=found["reason"] or "",
        )
        for found in _EXAMPLE.finditer(text)
    ]


def links_of(page: Path) -> list[str]:
    """All relative links of a page, with their anchors."""
    return _LINK.findall(_FENCED.sub("", page.read_text(encoding="utf-8")))


def anchors_of(page: Path) -> set[str]:
    """The anchors that a page's headings make on the usual hosts."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def make_workplace(folder: Path) -> None:
    """Fill a folder with what the pages call cells/, cells.npz, cells.parquet, medmnist.npz, smear/ and runs/cells."""
    images, labels = _pictures()
    for row, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / "cells" / CLASS_NAMES[label] / f"{row:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    (folder / "smear").mkdir()
    for row, image in enumerate(images[::12]):
        Image.fromarray(image).save(folder / "smear" / f"{row:04}.png")
    np.savez(folder / "cells.npz", images=images, labels=labels)
    _write_medmnist(folder / "medmnist.npz", images, labels)
    _write_parquet(folder / "cells.parquet", sorted((folder / "cells").rglob("*.png")))
    _write_csv(folder / "cells.csv", sorted((folder / "cells").rglob("*.png")))
    _write_model(folder / "runs" / "cells" / "model")


def _pictures() -> tuple[UInt8Array, np.ndarray]:
    """Drawn cells, as many of each class, without the defects that the drawn set has among them."""
    demo = draw_demo(per_class=2 * PER_CLASS)
    planted = np.unique([row for pairs in demo.planted.values() for pair in pairs for row in pair])
    whole = np.setdiff1d(np.arange(len(demo.cells)), planted)
    labels = demo.cells.known_labels
    rows = np.concatenate([whole[labels[whole] == index][:PER_CLASS] for index in range(len(CLASS_NAMES))])
    return np.asarray(demo.cells.images)[rows], labels[rows]


def _write_medmnist(path: Path, images: UInt8Array, labels: np.ndarray) -> None:
    place = np.arange(len(labels)) % PER_CLASS
    parts = {"train": place < 4, "val": place == 4, "test": place == 5}
    arrays = {f"{name}_images": images[chosen] for name, chosen in parts.items()}
    arrays |= {f"{name}_labels": labels[chosen][:, None] for name, chosen in parts.items()}
    np.savez(path, **arrays)


def _write_parquet(path: Path, files: list[Path]) -> None:
    pictures = [{"bytes": file.read_bytes(), "path": file.name} for file in files]
    table = pa.table({"image": pictures, "label": [CLASS_NAMES.index(file.parent.name) for file in files]})
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": list(CLASS_NAMES)}}
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})}), path)


def _write_csv(path: Path, files: list[Path]) -> None:
    with path.open("w", newline="") as file:
        rows = [(found.relative_to(path.parent).as_posix(), found.parent.name) for found in files]
        csv.writer(file).writerows([("path", "label"), *rows])


def _write_model(target: Path) -> None:
    """Write a stand-in for a trained model, which names a class by its colour."""
    tiny = runpy.run_path(str(ROOT / "tests" / "inference" / "tiny_model.py"))
    trust = tiny["tiny_trust"]() | {"class_means": np.full((len(CLASS_NAMES), 3), 128, np.float32)}
    write_model_folder(
        target,
        onnx=tiny["tiny_network"](classes=len(CLASS_NAMES)),
        weights={"w": np.eye(3, dtype=np.float32)},
        trust=trust,
        info=tiny["tiny_info"](class_names=CLASS_NAMES),
    )
