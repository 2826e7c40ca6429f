"""Operations counted by hand, layer by layer."""

from __future__ import annotations

from bench import flops
from bench.models import lenet5


def test_lenet5_by_hand():
    """32×32×1: convolutions 28²·6·25 and 10²·16·150 products, dense layers in × out."""
    layers = {layer.name: layer.forward for layer in flops.by_layer(lenet5((32, 32, 1), 10))}
    assert layers == {
        "conv1": 2 * 117_600,
        "conv2": 2 * 240_000,
        "dense1": 2 * 48_000,
        "dense2": 2 * 10_080,
        "dense3": 2 * 840,
    }


def test_a_training_step_is_three_times_forward_but_for_the_first_inputs():
    model = lenet5((32, 32, 1), 10)
    forward = sum(layer.forward for layer in flops.by_layer(model))
    assert forward == 833_040
    assert flops.training_step(model) == 3 * forward - 235_200 == 2_263_920


def test_colour_changes_the_first_layer_alone():
    grey, colour = (flops.by_layer(lenet5((32, 32, c), 10)) for c in (1, 3))
    assert colour[0].forward == 3 * grey[0].forward
    assert colour[1:] == grey[1:]


def test_the_product_of_two_matrices():
    assert flops.matrix_product(2) == 16  # 8 products and as many additions
