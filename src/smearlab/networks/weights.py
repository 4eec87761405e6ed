"""Starting weights: timm's pretrained ones, or a local file. Nothing is ever unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from smearlab.errors import RecipeError
from smearlab.networks.torchvision_layout import is_torchvision_mobilenet, rename_torchvision_mobilenet

if TYPE_CHECKING:
    from torch import Tensor, nn

    from smearlab.networks.config import NetworkConfig


def load_backbone_weights(backbone: nn.Module, network: NetworkConfig) -> None:
    """Load the weights that a recipe names into its backbone, in place.

    Raises:
        RecipeError: the weights cannot be downloaded, the file cannot be read, or it does not fit the backbone.
    """
    if network.weights == "pretrained":
        state = _download(network)
        where = f"timm's pretrained weights of {network.backbone}"
    else:
        state = read_weights(Path(network.weights))
        where = Path(network.weights).name
    _load(backbone, state, where)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a dictionary of tensors from a ``.safetensors`` or a PyTorch file, without running any code in it.

    Raises:
        RecipeError: the file is missing, unreadable, or holds more than tensors.
    """
    if not path.is_file():
        raise RecipeError(f"network.weights: there is no file {path}. Give 'none', 'pretrained' or a path that exists.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise RecipeError(
            f"network.weights: {path.name} is no weight file that can be read safely ({reason})."
        ) from error
    except Exception as error:  # torch raises errors of pickle's and its own for unsafe files
        raise RecipeError(
            f"network.weights: {path.name} is no file of plain tensors and is not loaded: it is damaged, or it holds "
            "objects, which could run code. Save only the state_dict."
        ) from error
    return _tensors(state, path)


def _tensors(state: object, path: Path) -> dict[str, Tensor]:
    if isinstance(state, dict):
        for key in ("state_dict", "model"):
            if isinstance(state.get(key), dict):
                state = state[key]
                break
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise RecipeError(f"network.weights: {path.name} is not a dictionary of named tensors. Save a state_dict.")
    return {str(name).removeprefix("module."): value for name, value in state.items()}


def _download(network: NetworkConfig) -> dict[str, Tensor]:
    try:
        model = timm.create_model(network.backbone, pretrained=True, num_classes=0, **network.options)
    except Exception as error:  # the hub client raises errors of several libraries when it is offline
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise RecipeError(
            f"The pretrained weights of {network.backbone} could not be downloaded ({reason}). "
            "Go online once, or give network.weights the path of a local file, or 'none' to start from scratch."
        ) from error
    state: dict[str, Tensor] = model.state_dict()
    return state


def _load(backbone: nn.Module, state: dict[str, Tensor], where: str) -> None:
    wanted = backbone.state_dict()
    # A model folder's weights name their backbone; any other file is the backbone itself, a classifier left over.
    own = {name.removeprefix("backbone."): value for name, value in state.items() if name.startswith("backbone.")}
    given = own or (rename_torchvision_mobilenet(state) if is_torchvision_mobilenet(state) else state)
    missing = [name for name in wanted if name not in given and not name.endswith("num_batches_tracked")]
    wrong = [name for name in wanted if name in given and given[name].shape != wanted[name].shape]
    if missing or wrong:
        example = (missing or wrong)[0]
        raise RecipeError(
            f"{where} does not fit the backbone: of {len(wanted)} tensors {len(missing)} are missing and {len(wrong)} "
            f"have another shape (for example '{example}'). Choose the backbone that the file was made from."
        )
    backbone.load_state_dict({name: given[name] for name in wanted if name in given}, strict=False)
