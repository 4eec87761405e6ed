"""Tries an unpacked bundle out, as a competition's server would; runs where smearlab is not installed.

    python probe.py FOLDER PICTURES.npy RESULT.json [ALLOWED …]

Needs NumPy and the bundle's runtime alone. Where names of modules are given, importing any other is refused, as if it
were not installed. Every fault becomes a line of the result; nothing is raised.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

LEAST_SECONDS = 0.5  # that a speed is measured for
STANDARD = frozenset(getattr(sys, "stdlib_module_names", ()))  # known from Python 3.10


class Refusal:
    """Refuses to import what is not on a list; see `sys.meta_path`."""

    def __init__(self, allowed: list[str]) -> None:
        self.allowed = {*allowed, *STANDARD, "model"}

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Raise for a module that a server would not have."""
        if name.partition(".")[0] not in self.allowed:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def main() -> None:
    """Read the arguments, try the bundle out, and write what was found."""
    folder, pictures, result, *allowed = sys.argv[1:]
    if allowed:
        sys.meta_path.insert(0, Refusal(allowed))
    found: dict[str, Any] = {"faults": {}}
    try:
        try_out(folder, pictures, found)
    except BaseException as error:  # whatever a bundle raises is the answer
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}, line {where.lineno}"
        found["faults"]["runs"] = f"{type(error).__name__}: {error} ({place})"
    found["modules"] = sorted({name.partition(".")[0] for name in sys.modules} - STANDARD)
    Path(result).write_text(json.dumps(found), encoding="utf-8")


def try_out(folder: str, pictures: str, found: dict[str, Any]) -> None:
    """Load the model, name the pictures in every way that a server may, and note what came out."""
    import numpy as np

    images = np.load(pictures)
    sys.path.insert(0, folder)
    begun = time.perf_counter()
    from model import Model  # type: ignore[import-not-found]

    model = Model()
    found["load_seconds"] = time.perf_counter() - begun
    labels = model.predict(images)
    found["type"], found["shape"] = type(labels).__name__, list(np.shape(labels))
    found["dtype"], found["labels"] = str(np.asarray(labels).dtype), np.asarray(labels).tolist()
    labels = np.asarray(labels)
    alone = np.concatenate([np.asarray(model.predict(images[at : at + 1])) for at in range(len(images))])
    found["same_again"] = bool(np.array_equal(model.predict(images), labels))
    found["same_alone"] = bool(np.array_equal(alone, labels))
    found["same_reversed"] = bool(np.array_equal(np.asarray(model.predict(images[::-1]))[::-1], labels))
    found["same_new"] = bool(np.array_equal(Model().predict(images), labels))
    for kind in ("float32", "float64", "int64"):
        found[f"same_{kind}"] = bool(np.array_equal(model.predict(images.astype(kind)), labels))
    found["none"] = list(np.shape(model.predict(images[:0])))
    found["one"] = list(np.shape(model.predict(images[:1])))
    found["flat"] = [len(np.asarray(model.predict(np.full((2, *images.shape[1:]), v, np.uint8)))) for v in (0, 255)]
    found["ms_batch"] = 1000 * seconds_of(lambda: model.predict(images)) / len(images)
    found["ms_single"] = 1000 * seconds_of(lambda: model.predict(images[:1]))
    found["memory_mb"] = peak_memory()


def seconds_of(call: Any) -> float:  # noqa: ANN401
    """Return the least time of a call, repeated for a while."""
    times: list[float] = []
    while len(times) < 3 or sum(times) < LEAST_SECONDS:
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
        if len(times) >= 200:
            break
    return min(times)


def peak_memory() -> float | None:
    """Return the largest resident memory so far in 10⁶ bytes; None where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


if __name__ == "__main__":
    main()
