"""Batched, per-picture random augmentation on any device."""
