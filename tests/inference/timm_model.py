"""A model folder around a real convolutional network with random weights."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from tests.inference.tiny_model import tiny_info

from smearlab.data.framing import Framing
from smearlab.inference.info import IsCell
from smearlab.inference.model_folder import write_model_folder
from smearlab.inference.trust import fit_trust


class _Whole(torch.nn.Module):
    """Scaling and network in one graph: uint8 ``(n, h, w, 3)`` in, logits and features out."""

    def __init__(self) -> None:
        super().__init__()
        self.body: Any = timm.create_model("mobilenetv3_small_050", pretrained=False, num_classes=3)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        scaled = images.permute(0, 3, 1, 2).float() / 127.5 - 1.0
        features = self.body.forward_head(self.body.forward_features(scaled), pre_logits=True)
        return self.body.get_classifier()(features), features


def write_timm_folder(target: Path, size: int) -> Path:
    """Export MobileNetV3-small with random weights, made sharp enough that its classes differ."""
    network = _Whole().eval()
    images = torch.randint(0, 256, (32, size, size, 3), dtype=torch.uint8)
    with torch.no_grad():
        network.train()(images)  # fills the batch norms' statistics
        network.eval().body.get_classifier().weight.mul_(100.0)
        logits, features = (output.numpy() for output in network(images))
    program = torch.onnx.export(
        network,
        (images[:2],),
        input_names=["images"],
        output_names=["logits", "features"],
        dynamic_shapes={"images": {0: torch.export.Dim("n")}},
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        program.save(file)
        onnx = file.read_bytes()
    trust, threshold = fit_trust(logits, np.arange(32) % 3, features)
    info = tiny_info(framing=Framing(size=size), is_cell=IsCell(threshold=threshold))
    return write_model_folder(target, onnx=onnx, weights={}, trust=trust, info=info)
