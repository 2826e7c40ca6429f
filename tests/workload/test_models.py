"""The networks: parameter counts as published, shapes that fit together, what can be chosen."""

from __future__ import annotations

import itertools
import math

import pytest

from bench.contract import Conv, Dense, Flatten, ModelOptions, Pool
from bench.errors import UnknownNameError, UsageError
from bench.workload import models


@pytest.mark.parametrize(
    ("name", "shape", "parameters"),
    # Counts as taught for the classic network, its third by hand: 4×4×16 = 256 features. Those of
    # the others are published with the trainings that they come from.
    [
        ("lenet5", (32, 32, 1), 61_706),
        ("lenet5", (32, 32, 3), 62_006),
        ("lenet5-28", (28, 28, 1), 44_426),
        ("lenet5-c5conv", (32, 32, 1), 61_706),
        ("lenet5-wide", (32, 32, 3), 548_878),
        ("lenet5-wide", (32, 32, 1), 61_706),
        ("convnet", (28, 28, 1), 16_938),
    ],
)
def test_parameter_counts(name, shape, parameters):
    assert models.build(name, shape, 10).parameter_count() == parameters


@pytest.mark.parametrize(
    ("name", "shape", "by_layer"),
    [
        # Kernel area × inputs × outputs + outputs.
        ("lenet5", (32, 32, 1), [156, 2_416, 48_120, 10_164, 850]),
        ("lenet5-c5conv", (32, 32, 1), [156, 2_416, 48_120, 10_164, 850]),
        # As published for three channels.
        ("lenet5-wide", (32, 32, 3), [1_368, 21_648, 432_360, 90_972, 2_530]),
        ("convnet", (28, 28, 1), [160, 4_640, 9_248, 2_890]),
    ],
)
def test_parameters_layer_by_layer(name, shape, by_layer):
    spec = models.build(name, shape, 10)
    counts = dict.fromkeys((layer.name for layer in spec.weighted_layers), 0)
    for path, of in spec.parameter_shapes().items():
        counts[path.partition("/")[0]] += math.prod(of)
    assert list(counts.values()) == by_layer


def test_each_activation_of_prelu_has_a_slope():
    spec = models.build("lenet5", (32, 32, 1), 10, ModelOptions(activation="prelu"))
    assert spec.parameter_count() == 61_706 + 4
    shapes = spec.parameter_shapes()
    assert list(shapes)[:3] == ["conv1/kernel", "conv1/bias", "conv1/slope"]
    slopes = [path for path in shapes if path.endswith("/slope")]
    assert slopes == ["conv1/slope", "conv2/slope", "dense1/slope", "dense2/slope"]
    assert {shapes[path] for path in slopes} == {(1,)}


def test_options_reach_every_layer_but_the_last():
    spec = models.build("lenet5", (32, 32, 1), 10, ModelOptions("tanh", "average"))
    assert [x.activation for x in spec.weighted_layers] == ["tanh"] * 4 + ["none"]
    assert [x.kind for x in spec.layers if isinstance(x, Pool)] == ["average", "average"]
    assert spec.options.of(spec.name) == "lenet5 (tanh, average pooling)"
    assert ModelOptions().of("lenet5") == "lenet5"


@pytest.mark.parametrize("name", models.CATALOGUE)
@pytest.mark.parametrize("shape", [(32, 32, 1), (33, 47, 2), (40, 32, 3)])
def test_layers_fit_together(name, shape):
    spec = models.build(name, shape, 7)
    height, width, channels = shape
    features = 0
    for layer in spec.layers:
        match layer:
            case Conv():
                assert layer.in_channels == channels
                height = height + 2 * layer.padding[0] - layer.kernel[0] + 1
                width = width + 2 * layer.padding[1] - layer.kernel[1] + 1
                channels = layer.out_channels
            case Pool():
                height, width = height // layer.window[0], width // layer.window[1]
            case Flatten():
                assert (layer.height, layer.width, layer.channels) == (height, width, channels)
                assert min(height, width) > 0
                features = layer.features
            case Dense():
                assert layer.in_features == features
                features = layer.out_features
    assert features == 7
    dense = [layer for layer in spec.layers if isinstance(layer, Dense)]
    assert all(after.in_features == one.out_features for one, after in itertools.pairwise(dense))


@pytest.mark.parametrize("name", models.CATALOGUE)
def test_each_has_a_usual_size_that_it_can_be_built_for(name):
    size = models.named(name).size
    assert models.build(name, (*size, 1), 10).input_shape == (*size, 1)


@pytest.mark.parametrize(
    ("name", "least"), [("lenet5", 16), ("lenet5-wide", 16), ("lenet5-c5conv", 32), ("convnet", 8)]
)
def test_too_small_an_image(name, least):
    spec = models.build(name, (least, least, 1), 10)
    (flat,) = (layer for layer in spec.layers if isinstance(layer, Flatten))
    assert (flat.height, flat.width) == (1, 1)
    with pytest.raises(UsageError, match=f"at least {least}×{least}, got {least - 1}×32"):
        models.build(name, (least - 1, 32, 1), 10)


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="unknown model 'vgg': choose from lenet5, "):
        models.build("vgg", (32, 32, 1), 10)
    with pytest.raises(UnknownNameError, match="unknown activation 'sigmoid': choose from relu, "):
        models.choose("lenet5", "sigmoid", None)
    with pytest.raises(UnknownNameError, match="unknown activation 'none': choose from relu, "):
        models.choose("lenet5", "none", None)
    with pytest.raises(UnknownNameError, match="unknown pooling 'min': choose from max, average"):
        models.choose("lenet5", None, "min")


@pytest.mark.parametrize("name", ["lenet5-c5conv", "lenet5-wide", "convnet", "lenet5-28"])
def test_what_a_network_does_not_leave_open(name):
    with pytest.raises(UsageError, match=f"--activation selu does not apply to {name}, whose"):
        models.choose(name, "selu", None)
    with pytest.raises(UsageError, match=r"--pooling average .* or take --model lenet5"):
        models.build(name, (32, 32, 1), 10, ModelOptions(pooling="average"))
    assert models.choose(name, "relu", "max") == models.choose(name, None, None) == ModelOptions()
