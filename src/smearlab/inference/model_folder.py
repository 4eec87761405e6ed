"""The model folder: four files, read without running any code from them, and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from smearlab.data.atomic import TEMPORARY_PREFIX, atomic_folder, write_json
from smearlab.data.paths import user_path
from smearlab.errors import ModelError, did_you_mean
from smearlab.inference.info import ModelInfo, parse_info
from smearlab.inference.session import check_signature, open_session
from smearlab.inference.trust import Trust, parse_trust

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnxruntime import InferenceSession

NETWORK, WEIGHTS, TRUST, INFO = "model.onnx", "weights.safetensors", "trust.safetensors", "model.json"
HASHED = (NETWORK, WEIGHTS, TRUST)
FILES = (*HASHED, INFO)
DEFAULT_MODEL = Path(__file__).parent / "default"
Tensors: TypeAlias = "Mapping[str, NDArray[np.generic]]"


@dataclass(frozen=True, eq=False)
class ModelFolder:
    """A model folder that has been read and checked.

    Attributes:
        path: the folder.
        info: the contents of ``model.json``.
        trust: the contents of ``trust.safetensors``.
        session: the network in ONNX Runtime.
    """

    path: Path
    info: ModelInfo
    trust: Trust
    session: InferenceSession

    @property
    def weights(self) -> Path:
        """The file of weights, to go on training from or to explain with."""
        return self.path / WEIGHTS


def resolve_model(model: str | Path = "default") -> Path:
    """Find the model folder that a user means.

    Args:
        model: a model folder, a run folder (its ``model/`` is meant), or ``default``, the model that ships.

    Raises:
        ModelError: there is no such folder, or no model in it.
    """
    if str(model) == "default":
        if not (DEFAULT_MODEL / INFO).is_file():
            raise ModelError(
                "This installation has no model of its own. Train one with `smearlab run`, and give its run folder."
            )
        return DEFAULT_MODEL
    if not str(model).strip():
        raise ModelError("The model is an empty text. Is a variable not set? Leave it out for the model that ships.")
    path = user_path(model, ModelError)
    for folder in (path, path / "model"):
        if (folder / INFO).is_file():
            return folder
    raise ModelError(_why_no_model(path))


def _why_no_model(path: Path) -> str:
    give = "Give a model folder, a run folder, or 'default'."
    if not path.exists():
        here = [folder.name for folder in path.parent.iterdir()] if path.parent.is_dir() else []
        words = ["default"] if len(path.parts) == 1 else []
        return f"There is no model folder {path}.{did_you_mean(path.name, [*words, *here])} {give}"
    if path.is_file():
        return f"{path} is a file, not a model folder. {give}"
    if (path / "recipe.toml").is_file():
        return f"The run {path} has no model yet: it did not finish. Go on with `smearlab train … --resume`."
    return f"{path} has no {INFO}, so it is not a model folder. {give}"


def read_model_folder(path: str | Path, threads: int | None = None) -> ModelFolder:
    """Read and check a model folder.

    Args:
        path: the folder itself; see `resolve_model` for run folders and ``default``.
        threads: CPU threads of the network; None takes as many as there are cores.

    Raises:
        ModelError: a file is missing, unknown, damaged, of another model or of a newer format, or the files
            contradict each other.
    """
    path = Path(path)
    _check_files(path)
    info = _read_info(path)
    _check_hashes(path, info)
    trust = parse_trust(_read_tensors(path / TRUST), str(path / TRUST))
    _check_weights(path / WEIGHTS)
    session = open_session((path / NETWORK).read_bytes(), str(path / NETWORK), threads)
    features = check_signature(session, info, str(path / NETWORK))
    if trust.class_means.shape[1] != features or not _of_these_classes(trust, info):
        raise ModelError(f"{path / TRUST} does not belong to this network. Copy the model folder again, whole.")
    return ModelFolder(path, info, trust, session)


def write_model_folder(
    target: str | Path,
    *,
    onnx: bytes | Path,
    weights: Tensors | bytes | Path,
    trust: Tensors,
    info: ModelInfo,
) -> Path:
    """Write a model folder whole, and read it back to check it before it takes its final name.

    Args:
        target: the folder; an earlier model folder of that name is replaced.
        onnx: the network, or the file that holds it. Input ``images`` uint8 ``(n, size, size, 3)``, outputs
            ``logits`` float32 ``(n, k)`` and ``features`` float32 ``(n, d)``; scaling is inside the graph.
        weights: the arrays, or the safetensors data or file that holds them.
        trust: the arrays that `smearlab.inference.trust.fit_trust` returns.
        info: what ``model.json`` is to say; its `files` are filled in here.

    Returns:
        The folder.

    Raises:
        ModelError: the parts contradict each other, or `target` holds something else than a model.
    """
    target = Path(target)
    _check_replaceable(target)
    with atomic_folder(target) as folder:
        (folder / NETWORK).write_bytes(onnx if isinstance(onnx, bytes) else Path(onnx).read_bytes())
        (folder / WEIGHTS).write_bytes(_tensor_bytes(weights))
        (folder / TRUST).write_bytes(_tensor_bytes(trust))
        write_json(folder / INFO, info.model_copy(update={"files": file_hashes(folder)}).model_dump(mode="json"))
        read_model_folder(folder, threads=1)
    return target


def record_figures(folder: str | Path, figures: Mapping[str, float]) -> ModelInfo:
    """Write a model's measured figures into its ``model.json``; the other files are left alone.

    Args:
        folder: a model folder.
        figures: finite numbers by name, such as ``test_balanced_accuracy``; they replace earlier ones.

    Returns:
        What ``model.json`` says now, read back.

    Raises:
        ModelError: it cannot be read, or a figure is not a finite number.
    """
    folder = Path(folder)
    info = _read_info(folder)
    provenance = info.provenance.model_copy(update={"figures": dict(figures)})
    text = info.model_copy(update={"provenance": provenance}).model_dump_json(indent=2) + "\n"
    checked = parse_info(text, str(folder / INFO))
    # Staged beside the folder, not in it: what a kill leaves in a model folder would make it unreadable.
    staged = folder.with_name(f"{TEMPORARY_PREFIX}{folder.name}.json")
    write_json(staged, checked.model_dump(mode="json"))
    staged.replace(folder / INFO)
    return _read_info(folder)


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a model folder that ``model.json`` vouches for, by name.

    Args:
        folder: a folder that has these files.
    """
    hashes = {}
    for name in HASHED:
        with (folder / name).open("rb") as file:
            hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def _of_these_classes(trust: Trust, info: ModelInfo) -> bool:
    classes, quantiles = len(info.class_names), trust.conformal_quantiles
    method_known = info.is_cell.method == "mahalanobis" or trust.unit_means is not None
    return method_known and len(trust.class_means) <= classes and (quantiles is None or quantiles.shape[1] == classes)


def _check_replaceable(target: Path) -> None:
    strangers = [path.name for path in target.iterdir() if path.name not in FILES] if target.is_dir() else []
    if strangers:
        raise ModelError(f"{target} holds '{strangers[0]}', which is no part of a model. Choose another folder.")


def _check_files(path: Path) -> None:
    if not path.is_dir():
        raise ModelError(_why_no_model(path))
    found = {entry.name for entry in path.iterdir()}
    # What a link points at can change, or lie outside the folder that was checked and copied.
    if links := [name for name in FILES if (path / name).is_symlink()]:
        raise ModelError(f"{path / links[0]} is a link. A model folder holds its files themselves: copy it there.")
    missing = [name for name in FILES if not (path / name).is_file()]
    if missing:
        raise ModelError(f"{path} lacks {', '.join(missing)}. Copy the model folder again, whole.")
    if unknown := sorted(found - set(FILES)):
        raise ModelError(
            f"{path} holds {', '.join(unknown)}, which is no part of a model and could be harmful."
            f" A model folder has only {', '.join(FILES)}: remove the rest if you know where it comes from."
        )


def _read_info(path: Path) -> ModelInfo:
    return parse_info((path / INFO).read_text(encoding="utf-8", errors="replace"), str(path / INFO))


def _check_hashes(path: Path, info: ModelInfo) -> None:
    if set(info.files) != set(HASHED):
        raise ModelError(
            f"{path / INFO} must give the SHA-256 of {', '.join(HASHED)} under 'files'. It is damaged, or was written"
            " by an older smearlab: copy the model folder again, whole, or train the model again."
        )
    found = file_hashes(path)
    if strange := [name for name in HASHED if found[name] != info.files[name].lower()]:
        raise ModelError(
            f"{path / strange[0]} is not the file that {INFO} was written with (its SHA-256 differs): it is damaged or"
            " belongs to another model. Copy the model folder again, whole."
        )


def _tensor_bytes(tensors: Tensors | bytes | Path) -> bytes:
    if isinstance(tensors, bytes):
        return tensors
    if isinstance(tensors, Path):
        return tensors.read_bytes()
    # safetensors writes the memory as it lies, so a transposed view must be copied first.
    return save_tensors({name: np.ascontiguousarray(array) for name, array in tensors.items()})


def _read_tensors(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        return dict(load_tensors(path.read_bytes()))
    except (SafetensorError, ValueError, KeyError, AttributeError) as error:
        raise ModelError(f"{path} is damaged ({error}). Copy the model folder again, whole.") from None


def _check_weights(path: Path) -> None:
    """Read the header alone: predicting does not need the weights, but a damaged file should not go unnoticed."""
    try:
        with safe_open(path, framework="np") as file:
            file.keys()
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is damaged ({error}). Copy the model folder again, whole.") from None
