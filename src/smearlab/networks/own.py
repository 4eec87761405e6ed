"""Networks of our own, for backbones that timm does not have. A recipe names them with ``smearlab/`` in front."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor, nn

from smearlab.errors import RecipeError, did_you_mean
from smearlab.networks.own_mobilenet import HEAVY, LIGHT, SmallPictureMobileNetV3

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PREFIX = "smearlab/"


class PlainCnn(nn.Module):
    """Convolution, normalisation, activation, pooling, again and again: what a first notebook builds.

    Takes ``float32 (n, 3, h, w)`` and gives features ``(n, channels[-1])``, or, where the last map is flattened,
    ``(n, channels[-1] · h' · w')`` with its height h' and width w'.

    Args:
        pooling: ``avg`` or ``max``, of the last feature map.
        channels: width of each block; every block halves height and width.
        kernel: side of the convolutions in pixels, odd.
        batch_norm: normalise after each convolution.
        in_chans: channels of the pictures.
        flatten: take the whole last map instead of pooling it; the network then knows one picture size only.
        activation: ``relu`` or ``leaky_relu`` (with Keras' slope of 0.3).
        initialisation: of the convolutions' weights: ``default`` (PyTorch's), ``he_uniform`` or ``glorot_uniform``
            (Keras' own), both with biases of zero.
    """

    def __init__(
        self,
        pooling: str,
        channels: Sequence[int] = (32, 64, 128),
        kernel: int = 3,
        batch_norm: bool = True,
        in_chans: int = 3,
        flatten: bool = False,
        activation: str = "relu",
        initialisation: str = "default",
    ) -> None:
        super().__init__()
        if not channels or kernel % 2 == 0:
            raise ValueError("channels must name at least one block, and kernel must be odd")
        if activation not in _ACTIVATIONS or initialisation not in _INITIALISATIONS:
            raise ValueError(
                f"activation must be one of {', '.join(_ACTIVATIONS)}, "
                f"and initialisation one of {', '.join(_INITIALISATIONS)}"
            )
        blocks: list[nn.Module] = []
        for before, width in zip((in_chans, *channels), channels, strict=False):
            blocks += [nn.Conv2d(before, width, kernel, padding=kernel // 2, bias=not batch_norm)]
            blocks += [nn.BatchNorm2d(width)] if batch_norm else []
            blocks += [_ACTIVATIONS[activation](), nn.MaxPool2d(2)]
        self.blocks = nn.Sequential(*blocks)
        self.pool = _pooling(pooling, flatten=flatten)
        _INITIALISATIONS[initialisation](self)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the pooled features."""
        features: Tensor = self.pool(self.blocks(pictures)).flatten(1)
        return features


def _pooling(name: str, *, flatten: bool) -> nn.Module:
    if flatten:
        return nn.Identity()
    return nn.AdaptiveAvgPool2d(1) if name == "avg" else nn.AdaptiveMaxPool2d(1)


def _with_weights_from(initialise: Callable[[Tensor], Tensor]) -> Callable[[nn.Module], None]:
    def fill(network: nn.Module) -> None:
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                initialise(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    return fill


_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "leaky_relu": partial(nn.LeakyReLU, 0.3)}
_INITIALISATIONS: dict[str, Callable[[nn.Module], None]] = {
    "default": lambda _: None,
    "he_uniform": _with_weights_from(partial(nn.init.kaiming_uniform_, nonlinearity="relu")),
    "glorot_uniform": _with_weights_from(nn.init.xavier_uniform_),
}
_NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "plain_cnn": PlainCnn,
    "small_cnn": partial(PlainCnn, batch_norm=False, flatten=True, initialisation="glorot_uniform"),
    "deep_cnn": partial(PlainCnn, channels=(32, 64, 128, 256, 512), batch_norm=False, initialisation="he_uniform"),
    "mobilenetv3_light": partial(SmallPictureMobileNetV3, width=LIGHT),
    "mobilenetv3_heavy": partial(SmallPictureMobileNetV3, width=HEAVY),
}


def own_names() -> list[str]:
    """List the names of our own networks as a recipe writes them."""
    return [f"{PREFIX}{name}" for name in _NETWORKS]


def build_own(name: str, pooling: str, options: dict[str, object]) -> nn.Module:
    """Build one of our own backbones.

    Args:
        name: with the prefix, as a recipe writes it.
        pooling: ``avg`` or ``max``.
        options: further arguments of the network.

    Raises:
        RecipeError: there is no such network.
        TypeError: an option is unknown.
        ValueError: an option has an impossible value.
    """
    short = name.removeprefix(PREFIX)
    if short not in _NETWORKS:
        raise RecipeError(
            f"network.backbone '{name}' is not one of smearlab's own networks.{did_you_mean(name, own_names())} "
            f"There are: {', '.join(own_names())}."
        )
    return _NETWORKS[short](pooling, **options)
