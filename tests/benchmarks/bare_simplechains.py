"""LeNet-5 in SimpleChains as a plain script, in `bare_simplechains.jl`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .julia_script import started


def bare(
    images: np.ndarray,
    labels: np.ndarray,
    parameters: Mapping[str, np.ndarray],
    learning_rate: float,
    momentum: float,
    device: str,
    threads: int,
) -> Callable[[np.ndarray], np.ndarray]:
    assert device == "cpu"
    given = images, labels, parameters, learning_rate, momentum, threads
    return started("BareSimpleChains", *given, flipped=False)
