"""Batched, per-picture random augmentation on any device, a function of (pictures, generator) alone."""

from smearlab.augment.config import AugmentConfig
from smearlab.augment.mixing import mix
from smearlab.augment.policy import augment

__all__ = ["AugmentConfig", "augment", "mix"]
