"""Backbones, heads, weights, and the way from a network to ONNX."""
