"""A person's own images: `npz:PATH`, a NumPy archive of arrays for training and test."""

from __future__ import annotations

from bench.workload.datasets.npz.dataset import PREFIX, NpzDataset

__all__ = ["PREFIX", "NpzDataset"]
