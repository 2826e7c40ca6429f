"""Split, order and initial weights: frozen by their hashes, and what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.workload import models, order


@given(
    seed=st.integers(0, 2**64),
    parts=st.tuples(*[st.integers(0, 60)] * 3),
    unused=st.integers(0, 20),
)
def test_split_is_disjoint_and_within_the_pool(seed, parts, unused):
    pool = sum(parts) + unused
    drawn = order.split(seed, pool, *parts)
    rows = np.concatenate([drawn.train, drawn.validation, drawn.test])
    assert (len(drawn.train), len(drawn.validation), len(drawn.test)) == parts
    assert len(set(rows.tolist())) == sum(parts)
    assert not len(rows) or (rows.min() >= 0 and rows.max() < pool)


def test_split_larger_than_the_pool_is_refused():
    with pytest.raises(ValueError, match="6 \\+ 3 \\+ 2 images out of 10"):
        order.split(0, 10, 6, 3, 2)


@given(seed=st.integers(0, 1000), images=st.integers(1, 300), batch=st.integers(1, 300))
def test_an_epoch_takes_every_image_once(seed, images, batch):
    if batch > images:
        batch = images
    epoch = order.epoch_order(seed, 0, images, batch)
    rows = np.concatenate([epoch.batches.ravel(), epoch.remainder])
    assert sorted(rows.tolist()) == list(range(images))
    assert epoch.batches.dtype == epoch.remainder.dtype == np.int32
    assert epoch.batches.shape == (images // batch, batch)
    assert epoch.remainder.size == images % batch
    assert epoch.sizes().sum() == epoch.images == images
    assert len(epoch.sizes()) == epoch.steps


def test_epochs_and_seeds_differ():
    hashes = {
        order.order_sha256([order.epoch_order(seed, epoch, 100, 10)])
        for seed in range(3)
        for epoch in range(3)
    }
    assert len(hashes) == 9


def test_the_hash_sees_a_batch_moved():
    epoch = order.epoch_order(0, 0, 100, 10)
    swapped = epoch.batches.copy()
    swapped[[0, 1]] = swapped[[1, 0]]
    other = type(epoch)(swapped, epoch.remainder)
    assert order.order_sha256([epoch]) != order.order_sha256([other])


def test_frozen_hashes():
    """A change here would make every stored figure incomparable: it needs a new major version."""
    spec = models.build("lenet5", (32, 32, 1), 10)
    weights = order.parameters_sha256(order.initial_parameters(0, spec))
    assert weights == "2760238ad384013896711182a809aee3c60af40ede813002203fdf004e96c3ed"
    parts = order.split_sha256(order.split(0, 1797, 1258, 180, 359))
    assert parts == "58195bc192c1053351e22374cae2782b3e46b4604cb9409df59d3a8b4393400d"
    epochs = (order.epoch_order(0, epoch, 1258, 64) for epoch in range(2))
    assert (
        order.order_sha256(epochs)
        == "2e77e0911b57a24d3bb16c9d07a001692ced28f33b0bcd0d4fe37b038bf5c049"
    )


def test_initial_parameters_are_pytorchs_distribution():
    spec = models.build("lenet5", (32, 32, 3), 10)
    parameters = order.initial_parameters(7, spec)
    assert list(parameters) == list(spec.parameter_shapes())
    for layer in spec.weighted_layers:
        bound = 1 / np.sqrt(layer.fan_in)
        kernel = parameters[f"{layer.name}/kernel"]
        assert kernel.dtype == np.float32
        assert np.abs(kernel).max() <= np.float32(bound)
        # The standard deviation of U(−b, b) is b/√3; 3 standard errors of it for n values.
        tolerance = 3 * 0.45 / np.sqrt(kernel.size)
        assert kernel.std() == pytest.approx(bound / np.sqrt(3), rel=tolerance)
