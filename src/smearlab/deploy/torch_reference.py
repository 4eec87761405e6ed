"""The PyTorch network of a model, as the reference of an exported file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from smearlab.data.framing import frame_pictures
from smearlab.deploy.comparison import Contender
from smearlab.deploy.timing import BATCH
from smearlab.evaluation.rebuilding import rebuild_network
from smearlab.networks.onnx import DeployedNetwork

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from smearlab.data.cells import UInt8Array
    from smearlab.inference.predictor import Predictor
    from smearlab.inference.spread import Floats


def torch_contender(name: str, predictor: Predictor, model: str | Path) -> Contender:
    """Rebuild a model's network, to run eagerly on the CPU.

    Raises:
        ModelError: nothing says how to rebuild it.
    """
    network = DeployedNetwork(rebuild_network(predictor, model, "the comparison with PyTorch")).eval()

    def load(threads: int) -> Callable[[Sequence[UInt8Array]], Floats]:
        def run(pictures: Sequence[UInt8Array]) -> Floats:
            torch.set_num_threads(threads)
            framed = torch.from_numpy(np.ascontiguousarray(frame_pictures(pictures, predictor.framing)))
            with torch.inference_mode():
                logits = [network(framed[start : start + BATCH])[0] for start in range(0, len(framed), BATCH)]
            return np.asarray(torch.cat(logits).numpy(), np.float32)

        return run

    return Contender(name, predictor.folder.weights.stat().st_size / 1e6, load)
