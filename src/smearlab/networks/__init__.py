"""Backbones, heads, weights, what of a network learns, and the way from a network to ONNX.

Imports nothing by itself, so that a recipe can be read without torch.
"""
