"""The matrix that `Adapter.multiply` is given, the same for all frameworks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def factor(size: int) -> NDArray[np.float32]:
    """(size, size), dense, of elements drawn from N(0, 1/size).

    Its spectral radius is about 1 (the circular law), so that its powers neither overflow nor
    vanish. A matrix of zeros or ones would not do: a GPU computes with those faster, since they
    take less power.
    """
    drawn = np.random.default_rng(0).standard_normal((size, size), dtype=np.float32)
    return drawn / np.float32(np.sqrt(size))
