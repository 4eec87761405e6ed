"""Starting weights: timm's pretrained ones, or a local file. Nothing is ever unpickled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models import adapt_input_conv

from smearlab.errors import RecipeError
from smearlab.networks.at_hand import cached_weights, hub_is_out_of_reach, pretrained_source
from smearlab.networks.joining import PART
from smearlab.networks.torchvision_layout import is_torchvision_mobilenet, rename_torchvision_mobilenet

if TYPE_CHECKING:
    from torch import Tensor, nn

    from smearlab.networks.config import NetworkConfig


@dataclass(frozen=True, eq=False)
class StartingWeights:
    """Named tensors of a backbone, and where they come from in words."""

    tensors: dict[str, Tensor]
    source: str

    @property
    def has_statistics(self) -> bool:
        """Whether there is batch normalisation among the layers they were made for."""
        return any(name.endswith("running_mean") for name in self.tensors)


def starting_weights(network: NetworkConfig) -> StartingWeights:
    """Fetch the weights that a recipe names, by the names that timm gives them.

    Raises:
        RecipeError: the weights cannot be downloaded, or the file cannot be read.
    """
    if network.weights == "pretrained":
        names = network.backbones
        source = f"timm's pretrained weights of {', '.join(names)}"
        if not network.further:
            return StartingWeights(_pretrained(names[0], network.options), source)
        parts = [_pretrained(name, network.options) for name in names]
        tensors = {PART.format(i) + key: value for i, part in enumerate(parts) for key, value in part.items()}
        return StartingWeights(tensors, source)
    path = Path(network.weights)
    state = read_weights(path)
    # A model folder's weights name their backbone; any other file is the backbone itself, a classifier left over.
    own = {name.removeprefix("backbone."): value for name, value in state.items() if name.startswith("backbone.")}
    if is_torchvision_mobilenet(state):
        own = rename_torchvision_mobilenet(state)
    if network.further and not any(name.startswith(PART.format(0)) for name in own):
        raise RecipeError(
            f"network.weights: {path.name} holds one backbone, but network.further names more. Several backbones start "
            "from 'none', from 'pretrained', or from a trained model of the same backbones."
        )
    return StartingWeights(own or state, path.name)


def load_backbone_weights(backbone: nn.Module, weights: StartingWeights) -> None:
    """Load weights into a backbone, in place; a first layer that sees more channels gets them repeated.

    Raises:
        RecipeError: they do not fit the backbone.
    """
    wanted, given = backbone.state_dict(), weights.tensors
    given = {name: _widened(given[name], wanted[name]) for name in wanted if name in given}
    missing = [name for name in wanted if name not in given and not name.endswith("num_batches_tracked")]
    wrong = [name for name in given if given[name].shape != wanted[name].shape]
    if missing or wrong:
        example = (missing or wrong)[0]
        raise RecipeError(
            f"{weights.source} does not fit the backbone: of {len(wanted)} tensors {len(missing)} are missing and "
            f"{len(wrong)} have another shape (for example '{example}'). Choose the backbone that the file was made "
            "from."
        )
    backbone.load_state_dict(given, strict=False)


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


def _pretrained(name: str, options: dict[str, Any]) -> dict[str, Tensor]:
    """Return timm's weights of a backbone, downloaded unless they lie in the cache."""
    address = pretrained_source(name)
    if not address:
        raise RecipeError(
            f"There are no pretrained weights of {name}. Set network.weights to the path of a local file, or to 'none' "
            "to start from scratch."
        )
    if cached_weights(name) is None and hub_is_out_of_reach():
        raise _unreachable(name, address, "there is no connection to the model hub")
    try:
        model = timm.create_model(name, pretrained=True, num_classes=0, **options)
    except Exception as error:  # the hub client raises errors of several libraries when it is offline
        reason = str(error).partition("\n")[0] or type(error).__name__
        if "loading state_dict" in reason:
            raise RecipeError(
                f"network.options {options} make another network of {name} than its pretrained weights were made for. "
                "Take the options away, or set network.weights to 'none'."
            ) from error
        raise _unreachable(name, address, reason) from error
    state: dict[str, Tensor] = model.state_dict()
    return state


def _unreachable(name: str, address: str, reason: str) -> RecipeError:
    return RecipeError(
        f"The pretrained weights of {name} could not be downloaded ({reason}). Go online once, after which they stay "
        f"in the cache; or fetch {address} with another computer and give network.weights the file's path; or set "
        "network.weights to 'none' to start from scratch."
    )


def _widened(value: Tensor, wanted: Tensor) -> Tensor:
    """Repeat a first convolution over further input channels, scaled so that its output stays as large."""
    if value.ndim == 4 and value.shape[1] == 3 and wanted.ndim == 4 and wanted.shape[1] == 6:
        repeated: Tensor = adapt_input_conv(wanted.shape[1], value)
        return repeated
    return value
