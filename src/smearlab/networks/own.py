"""Networks of our own, for backbones that timm does not have. A recipe names them with ``smearlab/`` in front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from smearlab.errors import RecipeError, did_you_mean

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
    """

    def __init__(
        self,
        pooling: str,
        channels: Sequence[int] = (32, 64, 128),
        kernel: int = 3,
        batch_norm: bool = True,
        in_chans: int = 3,
        flatten: bool = False,
    ) -> None:
        super().__init__()
        if not channels or kernel % 2 == 0:
            raise ValueError("channels must name at least one block, and kernel must be odd")
        blocks: list[nn.Module] = []
        for before, width in zip((in_chans, *channels), channels, strict=False):
            blocks += [nn.Conv2d(before, width, kernel, padding=kernel // 2, bias=not batch_norm)]
            blocks += [nn.BatchNorm2d(width)] if batch_norm else []
            blocks += [nn.ReLU(), nn.MaxPool2d(2)]
        self.blocks = nn.Sequential(*blocks)
        self.pool = _pooling(pooling, flatten=flatten)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the pooled features."""
        features: Tensor = self.pool(self.blocks(pictures)).flatten(1)
        return features


def _pooling(name: str, *, flatten: bool) -> nn.Module:
    if flatten:
        return nn.Identity()
    return nn.AdaptiveAvgPool2d(1) if name == "avg" else nn.AdaptiveMaxPool2d(1)


_NETWORKS: dict[str, Callable[..., nn.Module]] = {"plain_cnn": PlainCnn}


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
