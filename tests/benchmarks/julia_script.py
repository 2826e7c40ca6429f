"""LeNet-5 in a script of Julia's: a module with `setup` and `epoch!`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from juliacall import Main

FOLDER = Path(__file__).parent


def started(
    module: str,
    images: np.ndarray,
    labels: np.ndarray,
    parameters: Mapping[str, np.ndarray],
    learning_rate: float,
    momentum: float,
    threads: int,
    flipped: bool = True,
) -> Callable[[np.ndarray], np.ndarray]:
    """An epoch of the module, which is in the file of its name in small letters.

    flipped  whether its library computes true convolutions
    """
    turn = slice(None, None, -1 if flipped else None)
    weights = []
    for path, value in parameters.items():
        if path.startswith("conv") and value.ndim == 4:  # HWIO → OIHW
            value = value[turn, turn].transpose(3, 2, 0, 1)
        if path == "dense1/kernel":  # rows in the order C, H, W
            value = value.reshape(5, 5, 16, 120).transpose(2, 0, 1, 3).reshape(400, 120)
        weights.append(np.ascontiguousarray(value).T)  # NumPy's axes, reversed, are Julia's
    if not Main.seval(f"isdefined(Main, :{module})"):
        Main.include(str(FOLDER / f"bare_{module.removeprefix('Bare').lower()}.jl"))
    julia = getattr(Main, module)
    x = np.ascontiguousarray(images.transpose(0, 3, 1, 2)).T  # (32, 32, 1, N)
    state = julia.setup(x, labels, tuple(weights), learning_rate, momentum, threads)
    step = getattr(julia, "epoch!")

    def epoch(batches: np.ndarray) -> np.ndarray:
        return np.array(step(state, batches.T), np.float32)

    return epoch
