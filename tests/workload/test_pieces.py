"""A network cut into its layers: every operation is in one piece, and what is cut fits together."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bench.contract import ModelOptions, NotSupportedError
from bench.workload import flops, models
from bench.workload.pieces import pieces


def cut(name="lenet5", shape=(32, 32, 1), **options):
    return pieces(models.build(name, shape, 10, ModelOptions(**options)))


def test_lenet_is_cut_at_every_layer_that_works():
    found = cut()
    assert [one.name for one in found] == [
        *("conv1", "pool1", "conv2", "pool2", "dense1", "dense2", "dense3"),
    ]
    assert [one.model.input_shape for one in found] == [
        *((32, 32, 1), (28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16)),
        *((1, 1, 120), (1, 1, 84)),
    ]
    assert [one.output for one in found][-2:] == [(84,), (10,)]
    assert [one.is_first for one in found] == [True] + 6 * [False]
    assert [one.has_parameters for one in found] == [True, False, True, False, True, True, True]


@pytest.mark.parametrize(("model", "options"), models.every())
def test_every_network_that_draws_nothing_is_cut_without_loss(model, options):
    spec = models.build(model, (*models.named(model).size, 3), 10, options)
    if spec.random:
        with pytest.raises(NotSupportedError, match="is not cut: take --dropout 0"):
            pieces(spec)
        return
    found = pieces(spec)
    assert {one.name: one.flops for one in found if one.flops} == {
        one.name: one.forward for one in flops.by_layer(spec)
    }
    parameters = [path for one in found for path in one.model.parameter_shapes()]
    assert parameters == list(spec.parameter_shapes())
    for one, following in pairwise(found):
        assert one.model.output_shapes()[-1] == one.output
        given = following.model.input_shape
        assert given == (one.output if len(one.output) == 3 else (1, 1, *one.output))
    assert len({one.name for one in found}) == len(found)
