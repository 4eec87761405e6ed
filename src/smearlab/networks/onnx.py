"""From a trained network to one ONNX file that takes raw bytes, checked against the network on real pictures."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from smearlab.errors import ModelError
from smearlab.networks.norms import without_standardisation

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from smearlab.data.cells import UInt8Array
    from smearlab.networks.build import CellNetwork

    _Floats = npt.NDArray[np.floating[Any]]

OPSET = 18
TOLERANCE = 1e-3
"""Largest difference of a logit between network and file, relative to the largest logit (at least 1)."""
_ROUNDINGS = 10
"""How many times the network's own rounding the two may differ by where that is larger."""


class DeployedNetwork(nn.Module):
    """A network that takes ``uint8 (n, h, w, 3)`` and gives logits and features."""

    def __init__(self, network: CellNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits ``(n, classes)`` and features ``(n, d)``, both ``float32``."""
        pictures = images.permute(0, 3, 1, 2).to(torch.float32) / 255
        features = self.network.features(pictures)
        return self.network.head(features), features


def export_onnx(network: CellNetwork, size: int) -> bytes:
    """Export a network to ONNX with the scaling inside.

    Args:
        network: on the CPU; left in evaluation mode.
        size: height and width of the pictures in pixels.

    Returns:
        The file's bytes: input ``images`` ``uint8 (n, size, size, 3)``, outputs ``logits`` and ``features``; nothing
        in them tells of the machine that wrote them.
    """
    deployed = DeployedNetwork(without_standardisation(network.cpu().float().eval())).eval()
    # A strided copy (channels_last) would be written into the file as a transposed weight and a Transpose node.
    deployed.to(memory_format=torch.contiguous_format)
    example = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    with _quiet():
        program = torch.onnx.export(
            deployed,
            (example,),
            dynamo=True,
            input_names=["images"],
            output_names=["logits", "features"],
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
            opset_version=OPSET,
            verbose=False,
        )
    if program is None:
        raise ModelError("The network could not be written as ONNX.")
    model = program.model_proto
    strip_origins(model)
    return bytes(model.SerializeToString())


def strip_origins(message: Any) -> None:  # noqa: ANN401 - any message of the ONNX format
    """Remove metadata and doc strings from an ONNX model and all that is in it.

    The exporter writes a stack trace beside every node, with the paths of the machine it ran on. Nothing of it is
    needed to compute: the outputs stay the same, bit for bit.

    Args:
        message: an ``onnx.ModelProto`` or any part of one; changed in place.
    """
    for field, value in message.ListFields():
        if field.name in ("metadata_props", "doc_string"):
            message.ClearField(field.name)
        elif field.message_type is not None:
            for part in (value,) if hasattr(value, "ListFields") else value:
                strip_origins(part)


def check_onnx(model: bytes, network: CellNetwork, pictures: UInt8Array) -> float:
    """Compare an ONNX file with its network on real pictures.

    Args:
        model: the file's bytes.
        network: on the CPU.
        pictures: ``uint8 (n, size, size, 3)``, n ≥ 1.

    Returns:
        The largest difference of any logit, relative to the largest logit (at least 1).

    Raises:
        ModelError: the two differ by more than `TOLERANCE`, and by more than the network's own rounding explains: deep
            networks that have seen a few batches only can magnify the last digit to the first, and no two programs
            then agree.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = DeployedNetwork(network).eval()(torch.from_numpy(np.ascontiguousarray(pictures)))[0].numpy()
    (logits,) = session.run(["logits"], {"images": np.ascontiguousarray(pictures)})
    difference = _difference(logits, expected)
    # Written so that NaN is refused, too.
    if not difference <= TOLERANCE and not difference <= _ROUNDINGS * _own_rounding(network, pictures, expected):
        raise ModelError(
            f"The exported ONNX file differs from the network it was made from by {difference:.2g} on {len(pictures)} "
            f"pictures (allowed: {TOLERANCE:g}). Train with precision.mode = 'float32', or report this network's name."
        )
    return difference


def _difference(logits: _Floats, expected: _Floats) -> float:
    return float(np.abs(logits - expected).max() / max(1.0, np.abs(expected).max()))


def _own_rounding(network: CellNetwork, pictures: UInt8Array, expected: _Floats) -> float:
    """How far the network's own logits in float32 lie from those that it gives in float64."""
    exact = DeployedNetwork(deepcopy(network).double()).eval()
    with torch.inference_mode():
        logits = exact(torch.from_numpy(np.ascontiguousarray(pictures)))[0].numpy()
    return _difference(expected, logits)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's own log, which speaks to its developers."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)
