"""Operations counted by hand, layer by layer."""

from __future__ import annotations

from bench.contract import ModelOptions
from bench.workload import flops, models
from bench.workload.models import lenet5


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


def test_convnet_by_hand():
    """28×28×1; with padding a convolution keeps 28², 14² and 7², and 7 is pooled to 3."""
    layers = {x.name: x.forward for x in flops.by_layer(models.build("convnet", (28, 28, 1), 10))}
    assert layers == {
        "conv1": 2 * 784 * 16 * 9,
        "conv2": 2 * 196 * 32 * 144,
        "conv3": 2 * 49 * 32 * 288,
        "dense1": 2 * 2_880,
    }


def test_a_convolution_that_leaves_one_pixel_is_as_much_work_as_a_dense_layer():
    plain, other = (models.build(x, (32, 32, 1), 10) for x in ("lenet5", "lenet5-c5conv"))
    assert flops.by_layer(other)[2].name == "conv3"
    of_other = [layer.forward for layer in flops.by_layer(other)]
    assert of_other == [layer.forward for layer in flops.by_layer(plain)]


def test_lenet5_wide_by_hand():
    """32×32×3: convolutions 28²·18·75 and 10²·48·450 products, dense 1200·360, 360·252, 252·10."""
    wide = models.build("lenet5-wide", (32, 32, 3), 10)
    forward = [layer.forward // 2 for layer in flops.by_layer(wide)]
    assert forward == [1_058_400, 2_160_000, 432_000, 90_720, 2_520]


def test_activations_and_poolings_count_nothing():
    chosen = models.build("lenet5", (32, 32, 1), 10, ModelOptions("prelu", "average"))
    assert flops.by_layer(chosen) == flops.by_layer(lenet5((32, 32, 1), 10))


def test_the_product_of_two_matrices():
    assert flops.matrix_product(2) == 16  # 8 products and as many additions
