"""The interpreters inside a bundle know the operators of the networks that the recipes train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import load_from_string
from tests.deploy.networks import pictures
from tests.deploy.test_flat_graph import expected, in_torch, written

from smearlab.deploy.flat_graph import refuse_unknown

pytestmark = pytest.mark.slow

# The smallest of each family; larger ones have the same operators, more often.
FAMILIES: dict[str, dict[str, Any]] = {
    "plain": {"backbone": "smearlab/plain_cnn"},
    "mobilenetv2": {"backbone": "mobilenetv2_035", "input_norm": "standardise"},
    "mobilenetv3": {"backbone": "mobilenetv3_small_050", "input_norm": "both"},
    "enlarged": {"backbone": "mobilenetv3_small_050", "enlarge": 96},
    "joined": {"backbone": "mobilenetv3_small_050", "further": ["resnet10t"]},
    "efficientnet": {"backbone": "efficientnet_lite0"},
    "efficientnetv2": {"backbone": "tf_efficientnetv2_b0"},
    "convnext": {"backbone": "convnext_atto"},
    "resnet": {"backbone": "resnet10t"},
    "blurred": {"backbone": "resnet18", "options": {"channels": [8, 8, 8, 8]}, "blur_pool": True},
    "resnetv2": {"backbone": "resnetv2_18"},
    "densenet": {"backbone": "densenet121", "options": {"growth_rate": 8, "block_config": [2, 2, 2, 2]}},
    "vgg": {"backbone": "vgg11", "ending": "last_map"},
    "detailed": {"backbone": "smearlab/plain_cnn", "input_norm": "detail"},
    "balanced": {"backbone": "smearlab/plain_cnn", "input_norm": "white_balance"},
}
HEAD = {"layers": (16, 12), "activation": "gelu", "normalisation": "group", "groups": 4, "normalise_features": True}


@pytest.mark.parametrize("family", FAMILIES)
def test_its_operators_are_known_and_computed(family: str, tmp_path: Path) -> None:
    from smearlab.networks.build import build_network
    from smearlab.networks.config import HeadConfig, NetworkConfig
    from smearlab.networks.onnx import export_onnx

    config = NetworkConfig.model_validate({"weights": "none", **FAMILIES[family]})
    size = 64
    network = build_network(config, HeadConfig.model_validate(HEAD), 8, size=size).eval()
    model = export_onnx(network, size)
    images = pictures(3, size, size)
    found = in_torch(written(tmp_path, model), images)
    np.testing.assert_allclose(found, expected(model, images), atol=1e-3)
    refuse_unknown(list(load_from_string(model).graph.node), "tensorflow")
