"""LeNet-5 in Flux as a plain script, in `bare_flux.jl`; Python starts it and waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from juliacall import Main


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
    weights = []
    for path, value in parameters.items():
        if path.startswith("conv") and value.ndim == 4:  # HWIO → OIHW, flipped
            value = value[::-1, ::-1].transpose(3, 2, 0, 1)
        if path == "dense1/kernel":  # rows in the order C, H, W
            value = value.reshape(5, 5, 16, 120).transpose(2, 0, 1, 3).reshape(400, 120)
        weights.append(np.ascontiguousarray(value).T)  # NumPy's axes, reversed, are Julia's
    if not Main.seval("isdefined(Main, :BareFlux)"):
        Main.include(str(Path(__file__).with_suffix(".jl")))
    julia = Main.BareFlux
    x = np.ascontiguousarray(images.transpose(0, 3, 1, 2)).T  # (32, 32, 1, N)
    state = julia.setup(x, labels, tuple(weights), learning_rate, momentum, threads)
    step = getattr(julia, "epoch!")

    def epoch(batches: np.ndarray) -> np.ndarray:
        return np.array(step(state, batches.T), np.float32)

    return epoch
