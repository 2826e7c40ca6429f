"""The matrix that `Adapter.multiply` is given, the same for all frameworks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def factor(size: int) -> NDArray[np.float32]:
    """(size, size), dense and orthogonal, of elements with mean 0 and variance 1/size.

    Each row is the one above, moved by one place, and the discrete Fourier transform of the first
    one has random phases and absolute values of 1. These are the eigenvalues, so that its powers
    neither overflow nor vanish, however many they are: R. M. Gray, "Toeplitz and circulant
    matrices: a review", 2006. A matrix of zeros or ones would not do: a GPU computes with those
    faster, since they take less power.
    """
    drawn = np.fft.rfft(np.random.default_rng(0).standard_normal(size))
    row = np.fft.irfft(drawn / np.abs(drawn), size).astype(np.float32)
    moved = np.lib.stride_tricks.sliding_window_view(np.tile(row, 2), size)
    return moved[size:0:-1].copy()
