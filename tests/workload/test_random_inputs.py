"""The random numbers of a training: what decides them, how they are spread, how they are cut."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bench.contract import (
    EpochBatches,
    ModelOptions,
    blank_draws,
    is_random,
    require_draws,
    zip_layers_with_draws,
)
from bench.workload import models, order, random_inputs

EVERYTHING = ModelOptions("rrelu", dropout=0.3, noise=0.2)
NONE = np.empty(0, np.int32)


@pytest.fixture
def model():
    return models.build("lenet5", (16, 20, 2), 10, EVERYTHING)


def epoch(steps=6, batch_size=8, remainder=3):
    return order.epoch_order(0, 0, steps * batch_size + remainder, batch_size)


def test_what_is_random_comes_in_the_order_of_the_network(model):
    found = [(one.name, one.kind, one.shape, one.level) for one in model.drawn]
    assert found == [
        ("noise", "noise", (16, 20, 2), 0.2),
        ("conv1", "slope", (12, 16, 6), 0.0),
        ("conv2", "slope", (2, 4, 16), 0.0),
        ("dense1", "slope", (120,), 0.0),
        ("dropout1", "mask", (120,), 0.3),
        ("dense2", "slope", (84,), 0.0),
        ("dropout2", "mask", (84,), 0.3),
    ]
    assert len([layer for layer in model.layers if is_random(layer)]) == len(found)


def test_shapes_and_types(model):
    found = random_inputs.drawn(model, 0, 0, 0, epoch())
    for one, full, rest, blank in zip(
        model.drawn, found.draws, found.remainder_draws, blank_draws(model, 6, 8), strict=True
    ):
        assert full.shape == blank.shape == (6, 8, *one.shape)
        assert rest.shape == (3, *one.shape)
        assert full.dtype == rest.dtype == blank.dtype == one.dtype
        assert full.flags.c_contiguous


@pytest.mark.parametrize("cut", [1, 2, 4, 5])
def test_where_an_epoch_is_cut_changes_no_number(model, cut):
    whole = random_inputs.drawn(model, 1, 2, 0, epoch())
    first = 0
    for piece in order.pieces(epoch(), cut):
        found = random_inputs.drawn(model, 1, 2, first, piece)
        for one, of_whole in zip(found.draws, whole.draws, strict=True):
            np.testing.assert_array_equal(one, of_whole[first : first + len(piece.batches)])
        first += piece.steps
        if piece.remainder.size:
            for one, of_whole in zip(found.remainder_draws, whole.remainder_draws, strict=True):
                np.testing.assert_array_equal(one, of_whole)
    assert first == whole.steps


def test_seed_epoch_step_and_layer_each_change_every_number(model):
    def of(seed=0, number=0, first=0):
        return random_inputs.drawn(model, seed, number, first, epoch()).draws

    for other in (of(seed=1), of(number=1), of(first=1)):
        for one, two in zip(of(), other, strict=True):
            assert np.mean(one != two) > 0.3
    of_conv1, of_conv2 = of()[1].ravel(), of()[2].ravel()
    assert np.mean(of_conv1[: of_conv2.size] != of_conv2) > 0.9


def test_they_are_the_numbers_of_every_version(model):
    """Frozen: a change would make old records and checkpoints those of another training."""
    orders = [epoch(2), epoch(2)]
    assert random_inputs.first_steps_sha256(model, 3, orders) == FROZEN
    assert random_inputs.first_steps_sha256(model, 4, orders) != FROZEN


FROZEN = "d3bbd1e7930df7e927158a903d765a9263a786aae72a7af4c2500dd6b33bc524"


def test_a_mask_keeps_what_its_rate_leaves():
    for rate in (0.1, 0.5, 0.9):
        spec = models.build("lenet5", (32, 32, 1), 10, ModelOptions(dropout=rate))
        (mask, _) = random_inputs.drawn(spec, 0, 0, 0, epoch(60, 128, 0)).draws
        error = (rate * (1 - rate) / mask.size) ** 0.5
        assert abs(mask.mean() - (1 - rate)) < 4 * error
        along = mask.reshape(-1, 120).mean(axis=0)  # no feature is treated otherwise
        assert np.abs(along - (1 - rate)).max() < 5 * (rate * (1 - rate) / (60 * 128)) ** 0.5
        assert np.corrcoef(mask[0, :, 0], mask[1, :, 0])[0, 1] < 0.5


def test_rates_near_one_drop_nearly_all():
    spec = models.build("lenet5", (32, 32, 1), 10, ModelOptions(dropout=1 - 1e-12))
    assert not random_inputs.drawn(spec, 0, 0, 0, epoch()).draws[0].any()


def test_slopes_are_uniform_between_an_eighth_and_a_third():
    spec = models.build("lenet5", (32, 32, 1), 10, ModelOptions("rrelu"))
    slopes = random_inputs.drawn(spec, 0, 0, 0, epoch(4, 64, 0)).draws[0].astype(np.float64).ravel()
    assert 1 / 8 <= slopes.min() < 1 / 8 + 1e-5
    assert 1 / 3 - 1e-5 < slopes.max() <= 1 / 3
    width = 1 / 3 - 1 / 8
    assert abs(slopes.mean() - 11 / 48) < 4 * width / (12 * slopes.size) ** 0.5
    counts, _ = np.histogram(slopes, 50, (1 / 8, 1 / 3))
    assert np.abs(counts / slopes.size * 50 - 1).max() < 0.02


def test_noise_is_normal():
    spec = models.build("convnet", (28, 28, 1), 10, ModelOptions(noise=0.1))
    noise = (
        random_inputs.drawn(spec, 0, 0, 0, epoch(10, 100, 0)).draws[0].astype(np.float64).ravel()
    )
    z = noise / 0.1
    assert abs(z.mean()) < 4 / z.size**0.5
    assert abs(z.var() - 1) < 4 * (2 / z.size) ** 0.5
    assert abs((z**4).mean() - 3) < 0.03
    for edge, beyond in ((1.0, 0.317311), (2.0, 0.0455003), (3.0, 0.0026998)):  # P(|z| > edge)
        assert abs(np.mean(np.abs(z) > edge) - beyond) < 5 * (beyond / z.size) ** 0.5


def test_a_plain_network_draws_nothing():
    spec, whole = models.build("lenet5", (32, 32, 1), 10), epoch()
    assert spec.drawn == ()
    assert random_inputs.first_steps_sha256(spec, 3, [whole]) is None
    assert random_inputs.drawn(spec, 0, 0, 0, whole) is whole
    assert random_inputs.most_steps(spec, 128) is None


def test_as_many_steps_as_fit(model):
    each = sum(one.nbytes for one in random_inputs.drawn(model, 0, 0, 0, epoch(1)).draws)
    assert random_inputs.most_steps(model, 8, most_bytes=5 * each) == 5
    assert random_inputs.most_steps(model, 8, most_bytes=5 * each - 1) == 4
    assert random_inputs.most_steps(model, 8, most_bytes=1) == 1


def test_training_without_draws_is_refused(model):
    with pytest.raises(ValueError, match=r"takes 7 draws in training, and got 0"):
        require_draws(model, ())
    require_draws(model, random_inputs.drawn(model, 0, 0, 0, epoch()).draws)


def test_each_layer_gets_its_own_draw(model):
    names = [one.name for one in model.drawn]
    found = [
        (getattr(layer, "name", "noise"), draw)
        for layer, draw in zip_layers_with_draws(model.layers, names)
    ]
    assert [draw for _, draw in found if draw is not None] == names
    assert all(name == draw for name, draw in found if draw is not None)
    assert all(draw is None for _, draw in zip_layers_with_draws(model.layers, ()))


def test_steps_with_their_draws(model):
    whole = random_inputs.drawn(model, 0, 0, 0, epoch())
    each = list(whole.each())
    assert len(each) == whole.steps == 7
    np.testing.assert_array_equal(each[2][0], whole.batches[2])
    np.testing.assert_array_equal(each[2][1][1], whole.draws[1][2])
    np.testing.assert_array_equal(each[6][1][0], whole.remainder_draws[0])


def test_an_order_is_as_before_without_draws():
    plain = EpochBatches(epoch().batches, NONE)
    assert dataclasses.astuple(plain)[2:] == ((), ())
