"""Distributions of initial weights, by name: uniform numbers on [0, 1) → values.

All transform the same uniform numbers, one for each value, so that a change of distribution is a
change of nothing else: where two draw uniformly, their values are in proportion.

Every framework counts fans alike: fan_in is the inputs that an output sums over, fan_out the
kernel's area times its output channels (Keras' and JAX's `compute_fans`, PyTorch's
`_calculate_fan_in_and_fan_out`, Flux' `nfan`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.contract import Conv, Dense

Distribution = Literal["uniform", "normal", "truncated"]
Fan = Literal["in", "out", "average"]

PYTORCH = "pytorch"
ZEROS = "zeros"

TRUNCATED_AT = 2.0  # standard deviations of the normal distribution before it is cut
# What is left of a standard deviation of 1 when a normal distribution is cut there: √(1 − 4φ(2)/
# (2Φ(2) − 1)), with which Keras' and JAX's `variance_scaling` divide.
TRUNCATED_STD = 0.87962566103423978


@dataclass(frozen=True, slots=True)
class VarianceScaling:
    """Zero mean, variance scale/fan, as in `variance_scaling` of Keras and of JAX."""

    scale: float
    fan: Fan
    distribution: Distribution

    def std(self, layer: Conv | Dense) -> float:
        """The standard deviation of the values in this layer's kernel."""
        inputs, outputs = layer.fan_in, fan_out(layer)
        fans = {"in": inputs, "out": outputs, "average": (inputs + outputs) / 2}
        return math.sqrt(self.scale / fans[self.fan])


# `he` is what PyTorch names `kaiming` and `glorot` what it names `xavier`; its normal ones are not
# truncated, those of Keras and of JAX are. PyTorch's `kaiming` takes fan_in unless told otherwise.
KERNELS = {
    "glorot_uniform": VarianceScaling(1.0, "average", "uniform"),
    "glorot_normal": VarianceScaling(1.0, "average", "truncated"),
    "lecun_uniform": VarianceScaling(1.0, "in", "uniform"),
    "lecun_normal": VarianceScaling(1.0, "in", "truncated"),
    "he_uniform": VarianceScaling(2.0, "in", "uniform"),
    "he_normal": VarianceScaling(2.0, "in", "truncated"),
    "kaiming_uniform": VarianceScaling(2.0, "in", "uniform"),
    "kaiming_normal": VarianceScaling(2.0, "in", "normal"),
    "kaiming_uniform_fan_out": VarianceScaling(2.0, "out", "uniform"),
    "kaiming_normal_fan_out": VarianceScaling(2.0, "out", "normal"),
}


def fan_out(layer: Conv | Dense) -> int:
    """To how many outputs each input goes, but for the edges."""
    *area, _, outputs = layer.kernel_shape
    return math.prod(area) * outputs


def kernel(name: str, layer: Conv | Dense, uniform: NDArray[np.float64]) -> NDArray[np.float32]:
    """A kernel's values from uniform numbers on [0, 1), both of the kernel's shape.

    `pytorch` is U(±1/√fan_in): `reset_parameters` of torch.nn.Linear and of torch.nn.Conv2d.
    """
    if name == PYTORCH:
        return _pytorch(layer, uniform)
    scaling = KERNELS[name]
    values = scaling.std(layer) * _UNIT[scaling.distribution](uniform)
    return np.asarray(values, dtype=np.float32)


def bias(name: str, layer: Conv | Dense, uniform: NDArray[np.float64]) -> NDArray[np.float32]:
    """A bias's values: `pytorch`, distributed as its kernel, or `zeros`."""
    values = {
        PYTORCH: _pytorch(layer, uniform),
        ZEROS: np.zeros(uniform.shape, dtype=np.float32),
    }
    return values[name]


def _pytorch(layer: Conv | Dense, uniform: NDArray[np.float64]) -> NDArray[np.float32]:
    bound = layer.fan_in**-0.5
    return np.asarray(bound * (2 * uniform - 1), dtype=np.float32)


def _unit_uniform(uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    return math.sqrt(3) * (2 * uniform - 1)


def _unit_normal(uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtri  # not at the top: most cells need no SciPy in their memory

    smallest = 2.0**-54  # in place of 0, whose quantile is −∞; half the distance to the next
    return np.asarray(ndtri(np.maximum(uniform, smallest)))


def _unit_truncated(uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtr, ndtri

    lowest = ndtr(-TRUNCATED_AT)
    cut = ndtri(lowest + uniform * (1 - 2 * lowest))
    return np.asarray(cut / TRUNCATED_STD)


_UNIT = {"uniform": _unit_uniform, "normal": _unit_normal, "truncated": _unit_truncated}
