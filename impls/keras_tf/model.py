"""The network in Keras, layer by layer from its description, and the table of its parameters.

Keras keeps what the canonical layout asks for: images NHWC, convolution kernels HWIO, dense kernels
(in, out). So no parameter is transposed, and the flatten order is H, W, C by itself.
"""

from __future__ import annotations

import keras

from bench.contract import Conv, Dense, Flatten, Layer, MaxPool, ModelSpec

# canonical name → Keras's name, within each layer; the layouts are the same
KERNEL_AND_BIAS = {
    "kernel": "kernel",  # (kernel_h, kernel_w, in, out) or (in, out)
    "bias": "bias",  # (out,)
}


def network(spec: ModelSpec) -> keras.Sequential:
    """Images (B, H, W, C) → logits (B, classes), float32; every parameter is 0 at first."""
    return keras.Sequential(
        [keras.Input(spec.input_shape, dtype="float32"), *map(_layer, spec.layers)],
        name=spec.name,
    )


def variables(spec: ModelSpec, model: keras.Sequential) -> dict[str, keras.Variable]:
    """Canonical path → the variable that holds it, in canonical order."""
    return {
        f"{layer.name}/{canonical}": getattr(model.get_layer(layer.name), own)
        for layer in spec.weighted_layers
        for canonical, own in KERNEL_AND_BIAS.items()
    }


def _layer(layer: Layer) -> keras.layers.Layer:
    """The shapes in the comments are those of LeNet-5 on 32×32 images."""
    match layer:
        case Conv():  # (B, 28, 28, 6), (B, 10, 10, 16)
            return keras.layers.Conv2D(
                layer.out_channels,
                layer.kernel,
                strides=1,
                padding="valid",
                data_format="channels_last",
                activation=_activation(layer),
                use_bias=True,
                kernel_initializer="zeros",
                bias_initializer="zeros",
                dtype="float32",
                name=layer.name,
            )
        case MaxPool():  # (B, 14, 14, 6), (B, 5, 5, 16)
            return keras.layers.MaxPooling2D(
                layer.window,
                strides=layer.window,
                padding="valid",
                data_format="channels_last",
                dtype="float32",
            )
        case Flatten():  # (B, 400)
            return keras.layers.Flatten(data_format="channels_last", dtype="float32")
        case Dense():  # (B, 120), (B, 84), (B, classes)
            return keras.layers.Dense(
                layer.out_features,
                activation=_activation(layer),
                use_bias=True,
                kernel_initializer="zeros",
                bias_initializer="zeros",
                dtype="float32",
                name=layer.name,
            )


def _activation(layer: Conv | Dense) -> str:
    return {"relu": "relu", "none": "linear"}[layer.activation]
