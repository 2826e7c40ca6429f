"""The network in Keras, layer by layer from its description, and the table of its parameters.

Keras keeps what the canonical layout asks for: images NHWC, convolution kernels HWIO, dense kernels
(in, out). So no parameter is transposed, and the flatten order is H, W, C by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from bench.contract import (
    Conv,
    Dense,
    Dropout,
    Flatten,
    Layer,
    ModelSpec,
    Noise,
    Pool,
    Weighted,
    is_random,
    parts,
)
from impls.keras.activations import Functions, MaxPooling, PReLU
from impls.keras.random_layers import TakesDraws, random_layers

# canonical name → how the layer's own name goes on, and Keras's name; the layouts are the same
PLACES = {
    "kernel": ("", "kernel"),  # (kernel_h, kernel_w, in, out) or (in, out)
    "bias": ("", "bias"),  # (out,)
    "slope": ("_prelu", "slope"),  # (1,)
}


def network(spec: ModelSpec, functions: Functions) -> keras.Sequential:
    """Images (B, H, W, C) → logits (B, classes), float32; every parameter is 0 at first.

    `functions` are those of the backend.
    """
    random = iter(random_layers(spec))
    return keras.Sequential(
        [
            keras.Input(spec.input_shape, dtype="float32"),
            *(one for layer in spec.layers for one in _layers(layer, random, functions)),
        ],
        name=spec.name,
    )


def in_training(spec: ModelSpec, model: keras.Sequential) -> keras.Model:
    """[images, *draws] → logits, by the layers of `network`; that itself where nothing is random.

    Draws are (B, *shape), in the order of `ModelSpec.drawn`.
    """
    if not spec.drawn:
        return model
    images = keras.Input(spec.input_shape, dtype="float32")
    draws = [
        keras.Input(one.shape, dtype="bool" if one.kind == "mask" else "float32")
        for one in spec.drawn
    ]
    x, remaining = images, iter(draws)
    for layer in model.layers:
        x = layer(x, next(remaining)) if isinstance(layer, TakesDraws) else layer(x)
    return keras.Model([images, *draws], x)


def variables(spec: ModelSpec, model: keras.Sequential) -> dict[str, keras.Variable]:
    """Canonical path → the variable that holds it, in canonical order."""
    return {
        f"{layer.name}/{part}": getattr(model.get_layer(layer.name + end), own)
        for layer in spec.weighted_layers
        for part, (end, own) in PLACES.items()
        if part in parts(layer)
    }


def _layers(
    layer: Layer, random: Iterator[keras.layers.Layer], functions: Functions
) -> Iterator[keras.layers.Layer]:
    """A layer of the description in one of Keras's, with what it needs before and after it.

    `random` are those that remain of the random ones.
    """
    if isinstance(layer, Dropout | Noise):
        yield next(random)
        return
    if isinstance(layer, Conv) and _padding(layer) is None:
        yield keras.layers.ZeroPadding2D(
            layer.padding, data_format="channels_last", dtype="float32"
        )
    yield _layer(layer, functions)
    if isinstance(layer, Conv | Dense) and layer.activation == "prelu":
        yield PReLU(functions.prelu, name=f"{layer.name}_prelu")
    if is_random(layer):
        yield next(random)


def _padding(layer: Conv) -> str | None:
    """Keras's word for the zeros around the image; None where it has none for so many."""
    if layer.padding == (0, 0):
        return "valid"
    around = tuple(2 * zeros + 1 for zeros in layer.padding)
    return "same" if around == layer.kernel else None


def _layer(layer: Conv | Dense | Pool | Flatten, functions: Functions) -> keras.layers.Layer:
    """The shapes in the comments are those of LeNet-5 on 32×32 images."""
    match layer:
        case Conv():  # (B, 28, 28, 6), (B, 10, 10, 16)
            return keras.layers.Conv2D(
                layer.out_channels,
                layer.kernel,
                strides=1,
                padding=_padding(layer) or "valid",
                data_format="channels_last",
                **_weighted(layer, functions),
            )
        case Pool(kind="max") if functions.max_pool is not None:
            return MaxPooling(functions.max_pool, layer.window)
        case Pool():  # (B, 14, 14, 6), (B, 5, 5, 16)
            kind = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}
            return kind[layer.kind](
                layer.window,
                strides=layer.window,
                padding="valid",
                data_format="channels_last",
                dtype="float32",
            )
        case Flatten():  # (B, 400)
            return keras.layers.Flatten(data_format="channels_last", dtype="float32")
        case Dense():  # (B, 120), (B, 84), (B, classes)
            return keras.layers.Dense(layer.out_features, **_weighted(layer, functions))


def _weighted(layer: Weighted, functions: Functions) -> dict[str, Any]:
    """What convolutions and dense layers take alike."""
    return {
        "activation": functions.activation(layer.activation),
        "use_bias": True,
        "kernel_initializer": "zeros",
        "bias_initializer": "zeros",
        "dtype": "float32",
        "name": layer.name,
    }
