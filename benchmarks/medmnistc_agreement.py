"""Compares the suite bloodmnist-c with the original MedMNIST-C package, on the same pictures.

    python -m benchmarks.medmnistc_agreement DATA [--pictures 64]

The package is installed into an environment of its own that lasts as long as this runs. Its motion blur needs the
library of ImageMagick (Debian: libmagickwand-6.q16-6). DATA is anything `smearlab.read` takes, with pictures of 96×96.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import numpy as np

from benchmarks.results import markdown_table, write_section
from smearlab.corruptions import bloodmnist_c, blur
from smearlab.corruptions.draws import Draws, Images
from smearlab.corruptions.pixels import resized
from smearlab.corruptions.suites import SUITES, corrupt
from smearlab.data.read import read

REQUIREMENTS = ("numpy", "scipy", "scikit-image", "opencv-python-headless", "wand>0.6.10", "pillow")
DRAWN = ("stain_deposit", "bubble")
"""Corruptions whose shapes are drawn: their pictures differ, and their distributions are compared."""
SIZES = (224, 96)


def original(pictures: dict[str, Images], folder: Path) -> dict[str, Images]:
    """Alter pictures with the original package: ``size/corruption/severity`` → ``uint8 (n, h, w, 3)``."""
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *REQUIREMENTS], check=True)
    # Without what it requires: PyTorch and an old scikit-image, for parts that are not used here.
    subprocess.run([*pip, "--no-deps", "medmnistc==0.1.0"], check=True)
    np.savez(folder / "pictures.npz", **pictures)  # type: ignore[arg-type, unused-ignore]
    script = Path(__file__).with_name("medmnistc_original.py")
    files = [str(folder / "pictures.npz"), str(folder / "altered.npz")]
    subprocess.run([str(environment / "bin" / "python"), str(script), *files], check=True)
    with np.load(folder / "altered.npz") as held:
        return {name: held[name] for name in held.files}


def ours(images: Images, name: str, severity: int, size: int) -> Images:
    """Alter pictures with the suite; motion blur at the angles that the original drew."""
    if name != "motion_blur":
        return corrupt(images, "bloodmnist-c", name, severity, native_size=size)
    angles = [np.random.RandomState(row).uniform(-45, 45) for row in range(len(images))]
    radius, sigma = (np.full(len(images), float(value)) for value in bloodmnist_c.MOTION[severity - 1])
    return blur.motion_blur(images, radius, sigma, np.array(angles), Draws([], 1.0))


def difference(one: Images, other: Images) -> float:
    """Return the mean absolute difference in levels."""
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean())


def compared(pictures: dict[str, Images], theirs: dict[str, Images]) -> list[list[str]]:
    """Return a row for each size and corruption: the figure of each severity."""
    rows = []
    for size in SIZES:
        clean = pictures[str(size)]
        for corruption in SUITES["bloodmnist-c"].corruptions:
            figures = []
            for severity in range(1, 6):
                their = theirs[f"{size}/{corruption.name}/{severity}"]
                our = ours(clean, corruption.name, severity, size)
                if corruption.name in DRAWN:
                    figures.append(f"{difference(our, clean):.2f} / {difference(their, clean):.2f}")
                else:
                    figures.append(f"{difference(our, their):.3f} of {difference(their, clean):.1f}")
            rows.append([str(size), corruption.name, *figures])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--pictures", type=int, default=64)
    given = parser.parse_args()
    cells = read(given.data)
    chosen = np.linspace(0, len(cells.images) - 1, given.pictures).astype(np.int64)
    small = np.stack([cells.images[int(row)] for row in chosen])
    pictures = {"96": small, "224": resized(small, 224, 224)}
    with tempfile.TemporaryDirectory() as folder:
        theirs = original(pictures, Path(folder))
    rows = compared(pictures, theirs)
    body = (
        f"{given.pictures} cells, at 96×96 and enlarged to 224×224. Mean absolute difference to the original's "
        "pictures in levels of 0–255, and after *of* how far these are from the clean ones. Where shapes are drawn "
        "(stain deposits, bubbles): how far ours / the original's are from the clean pictures.\n\n"
    )
    table = markdown_table(["side", "corruption", *(f"severity {number}" for number in range(1, 6))], rows, words=2)
    write_section("Agreement with MedMNIST-C", body + table, ["numpy", "pillow"])
    sys.stdout.write(f"{table}\n")


if __name__ == "__main__":
    main()
