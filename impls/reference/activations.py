"""The activations of `bench.contract.activations` and their derivatives, in NumPy float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.contract import LEAKY_SLOPE, SELU_ALPHA, SELU_SCALE, Activation

Array = NDArray[np.float64]


def value(activation: Activation, z: Array, slope: Array) -> Array:
    """Of each element; `slope` is that of prelu, (1,), or of rrelu, and else not looked at."""
    below = np.minimum(z, 0)  # exp cannot overflow
    match activation:
        case "relu":
            return np.maximum(z, 0)
        case "leakyrelu":
            return np.where(z > 0, z, LEAKY_SLOPE * z)
        case "prelu" | "rrelu":
            return np.where(z > 0, z, slope * z)
        case "elu":
            return np.where(z > 0, z, np.expm1(below))
        case "selu":
            return SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * np.expm1(below))
        case "tanh":
            return np.tanh(z)
        case "none":
            return z


def derivative(activation: Activation, z: Array, slope: Array) -> Array:
    """At each element, by the element; at 0 that of the branch below."""
    below = np.minimum(z, 0)
    match activation:
        case "relu":
            return np.where(z > 0, 1.0, 0.0)
        case "leakyrelu":
            return np.where(z > 0, 1.0, LEAKY_SLOPE)
        case "prelu" | "rrelu":
            return np.where(z > 0, 1.0, slope)
        case "elu":
            return np.where(z > 0, 1.0, np.exp(below))
        case "selu":
            return SELU_SCALE * np.where(z > 0, 1.0, SELU_ALPHA * np.exp(below))
        case "tanh":
            return np.asarray(1 - np.tanh(z) ** 2)
        case "none":
            return np.ones_like(z)
