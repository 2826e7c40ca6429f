"""Lux without Julia: what it is refused for, and what it needs beside Flux."""

from __future__ import annotations

import pytest

from bench import frameworks
from bench.contract import ModelOptions
from bench.workload import models
from impls.lux.limits import lacking
from impls.lux.toolchain import JULIA

SHAPE = (32, 32, 1)


@pytest.mark.parametrize(
    "options",
    [
        ModelOptions(),
        *(ModelOptions(name) for name in ("leakyrelu", "elu", "selu", "tanh")),
        ModelOptions(pooling="average"),
    ],
)
def test_what_it_has_is_trained(options):
    assert lacking(models.build("lenet5", SHAPE, 10, options)) is None


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (ModelOptions("prelu"), "no activation prelu"),
        (ModelOptions("rrelu"), "no activation rrelu"),
        (ModelOptions(dropout=0.5), "no random layer"),
        (ModelOptions(noise=0.1), "no random layer"),
    ],
)
def test_what_it_has_not_is_refused(options, reason):
    assert reason in lacking(models.build("lenet5", SHAPE, 10, options))


def test_it_is_set_up_beside_flux():
    assert [*JULIA.added] == ["Lux"]
    assert JULIA.help == "python -m bench setup lux"
    assert frameworks.named("lux").default is False
