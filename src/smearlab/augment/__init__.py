"""Batched, per-picture random augmentation on any device, a function of (pictures, generator) alone.

Imports nothing by itself, so that a recipe can be read without torch.
"""
