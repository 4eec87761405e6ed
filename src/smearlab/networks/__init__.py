"""Backbones, heads, weights, what of a network learns, and the way from a network to ONNX."""

from smearlab.networks.build import SCALINGS, CellNetwork, build_network, count_parameters
from smearlab.networks.config import HeadConfig, NetworkConfig, TrainableConfig
from smearlab.networks.freezing import set_mode, set_trainable
from smearlab.networks.onnx import check_onnx, export_onnx

__all__ = [
    "SCALINGS",
    "CellNetwork",
    "HeadConfig",
    "NetworkConfig",
    "TrainableConfig",
    "build_network",
    "check_onnx",
    "count_parameters",
    "export_onnx",
    "set_mode",
    "set_trainable",
]
