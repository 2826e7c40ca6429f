"""Distributions of initial weights, each against its formula with many values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bench.contract import Conv, Dense
from bench.workload import initialisers, models, order
from bench.workload.initialisers import KERNELS

# A quarter of a million values: the standard error of their standard deviation is below 0.2 %.
WIDE = Dense("wide", in_features=640, out_features=400, activation="relu")
CONV = Conv("conv", kernel=(5, 3), in_channels=8, out_channels=32, activation="relu")
UNIFORM = np.random.Generator(np.random.PCG64(1)).random(WIDE.kernel_shape)
SPEC = models.build("lenet5", (32, 32, 3), 10)

# name → variance by fan_in and fan_out, and the distribution of value/std
FORMULAS = {
    "pytorch": (lambda n_in, n_out: 1 / (3 * n_in), "uniform"),  # U(±1/√n): variance b²/3
    "glorot_uniform": (lambda n_in, n_out: 2 / (n_in + n_out), "uniform"),
    "glorot_normal": (lambda n_in, n_out: 2 / (n_in + n_out), "truncated"),
    "lecun_uniform": (lambda n_in, n_out: 1 / n_in, "uniform"),
    "lecun_normal": (lambda n_in, n_out: 1 / n_in, "truncated"),
    "he_uniform": (lambda n_in, n_out: 2 / n_in, "uniform"),
    "he_normal": (lambda n_in, n_out: 2 / n_in, "truncated"),
    "kaiming_uniform": (lambda n_in, n_out: 2 / n_in, "uniform"),
    "kaiming_normal": (lambda n_in, n_out: 2 / n_in, "normal"),
    "kaiming_uniform_fan_out": (lambda n_in, n_out: 2 / n_out, "uniform"),
    "kaiming_normal_fan_out": (lambda n_in, n_out: 2 / n_out, "normal"),
}
# SciPy's own distributions, of standard deviation 1.
SHAPES = {
    "uniform": stats.uniform(-math.sqrt(3), 2 * math.sqrt(3)),
    "normal": stats.norm(),
    "truncated": stats.truncnorm(-2, 2, scale=1 / stats.truncnorm(-2, 2).std()),
}


def test_every_distribution_has_a_formula_here():
    assert set(FORMULAS) == {*KERNELS, "pytorch"}


@pytest.mark.parametrize("name", FORMULAS)
def test_distribution(name):
    variance, shape = FORMULAS[name]
    std = math.sqrt(variance(640, 400))
    values = initialisers.kernel(name, WIDE, UNIFORM)
    assert values.shape == (640, 400)
    assert values.dtype == np.float32
    exact = values.astype(np.float64)
    assert exact.std() == pytest.approx(std, rel=0.005)
    assert abs(exact.mean()) < 4 * std / math.sqrt(values.size)
    # The distance to the distribution function; its 1 − 1e-6 quantile is 2.69/√n.
    distance = stats.kstest((exact / std).ravel(), SHAPES[shape].cdf).statistic
    assert distance < 2.69 / math.sqrt(values.size)


@pytest.mark.parametrize("name", FORMULAS)
def test_bounds(name):
    """The extremes of the uniform numbers, 0 and 1 − 2⁻⁵³, give the extremes of the values."""
    variance, shape = FORMULAS[name]
    std = math.sqrt(variance(640, 400))
    edges = np.full(WIDE.kernel_shape, 0.5)
    edges[0, 0], edges[0, 1] = 0.0, 1 - 2.0**-53
    values = initialisers.kernel(name, WIDE, edges)
    bound = {"uniform": math.sqrt(3), "truncated": 2 / initialisers.TRUNCATED_STD}.get(shape)
    low, middle, high = (float(values[place]) for place in ((0, 0), (1, 1), (0, 1)))
    assert np.isfinite(values).all()
    assert middle == pytest.approx(0, abs=1e-7)
    if bound is not None:
        assert (low, high) == pytest.approx((-bound * std, bound * std), rel=1e-6)
    else:  # 2⁻⁵⁴ and 2⁻⁵³ of a normal distribution lie below and above
        assert (low, high) == pytest.approx(
            (stats.norm.ppf(2.0**-54) * std, stats.norm.isf(2.0**-53) * std), rel=1e-6
        )


def test_the_truncated_deviation_is_scipys():
    theirs = stats.truncnorm(-2, 2).std()
    assert theirs == pytest.approx(initialisers.TRUNCATED_STD, rel=1e-12)


def test_fans():
    assert (WIDE.fan_in, initialisers.fan_out(WIDE)) == (640, 400)
    assert (CONV.fan_in, initialisers.fan_out(CONV)) == (5 * 3 * 8, 5 * 3 * 32)
    values = initialisers.kernel("glorot_uniform", CONV, np.zeros(CONV.kernel_shape))
    assert float(values[0, 0, 0, 0]) == pytest.approx(-math.sqrt(6 / (120 + 480)))


def test_where_two_are_uniform_their_values_are_in_proportion():
    one = initialisers.kernel("pytorch", WIDE, UNIFORM)
    two = initialisers.kernel("lecun_uniform", WIDE, UNIFORM)
    np.testing.assert_allclose(two, math.sqrt(3) * one, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("kernel", FORMULAS)
def test_another_bias_leaves_every_kernel_as_it_was(kernel):
    drawn = order.initial_parameters(3, SPEC, kernel, "pytorch")
    zeros = order.initial_parameters(3, SPEC, kernel, "zeros")
    for path, shape in SPEC.parameter_shapes().items():
        for values in (drawn[path], zeros[path]):
            assert values.shape == shape
            assert values.dtype == np.float32
        if path.endswith("/kernel"):
            assert drawn[path].tobytes() == zeros[path].tobytes()
        else:
            assert drawn[path].any()
            assert not zeros[path].any()


def test_another_kernel_leaves_every_bias_as_it_was():
    one = order.initial_parameters(3, SPEC)
    two = order.initial_parameters(3, SPEC, "lecun_normal")
    for path in SPEC.parameter_shapes():
        same = one[path].tobytes() == two[path].tobytes()
        assert same == path.endswith("/bias"), path


def test_the_default_is_pytorchs():
    for seed in (0, 7):
        default = order.parameters_sha256(order.initial_parameters(seed, SPEC))
        named = order.initial_parameters(seed, SPEC, "pytorch", "pytorch")
        assert order.parameters_sha256(named) == default


def test_a_bias_of_pytorchs_is_bound_by_the_fan_of_its_kernel():
    uniform = np.linspace(0, 1, 33)[:32].reshape(CONV.bias_shape)
    values = initialisers.bias("pytorch", CONV, uniform)
    assert float(values[0]) == pytest.approx(-1 / math.sqrt(120))
    assert float(values[16]) == 0
    assert np.abs(values).max() <= np.float32(1 / math.sqrt(120))


def test_unknown_names_raise():
    with pytest.raises(KeyError):
        initialisers.kernel("xavier", WIDE, UNIFORM)
    with pytest.raises(KeyError):
        initialisers.bias("ones", WIDE, UNIFORM[0])
