"""The networks: parameter counts as published, shapes that fit together."""

from __future__ import annotations

import itertools

import pytest

from bench import models
from bench.contract import Dense, Flatten
from bench.errors import UnknownNameError, UsageError


@pytest.mark.parametrize(
    ("shape", "parameters"),
    # Counts as taught for the classic network; the third by hand: 4×4×16 = 256 features.
    [((32, 32, 1), 61_706), ((32, 32, 3), 62_006), ((28, 28, 1), 44_426)],
)
def test_parameter_counts(shape, parameters):
    assert models.build("lenet5", shape, 10).parameter_count() == parameters


@pytest.mark.parametrize("shape", [(32, 32, 1), (20, 28, 3), (12, 12, 1), (33, 47, 2)])
def test_layers_fit_together(shape):
    spec = models.build("lenet5", shape, 10)
    (flatten,) = (layer for layer in spec.layers if isinstance(layer, Flatten))
    dense = [layer for layer in spec.layers if isinstance(layer, Dense)]
    assert dense[0].in_features == flatten.height * flatten.width * flatten.channels
    for before, after in itertools.pairwise(dense):
        assert after.in_features == before.out_features
    assert dense[-1].out_features == 10


def test_too_small_an_image():
    with pytest.raises(UsageError, match="at least 12×12, got 11×32"):
        models.build("lenet5", (11, 32, 1), 10)


def test_unknown_model():
    with pytest.raises(UnknownNameError, match="unknown model 'vgg': choose from lenet5"):
        models.build("vgg", (32, 32, 1), 10)
