"""Forward and backward pass of a network, in NumPy float64, written to be checked by eye.

Every layer is a function from its input to its output and a pullback: a function from the
gradient at the output to the gradient at the input and the gradients of the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bench.contract import (
    RRELU_MEAN,
    Conv,
    Dense,
    Draws,
    Dropout,
    Flatten,
    Layer,
    ModelSpec,
    Noise,
    Pool,
    Weighted,
    zip_layers_with_draws,
)
from impls.reference.activations import derivative, value

Array = NDArray[np.float64]
Tree = dict[str, Array]
Pullback = Callable[[Array], tuple[Array, Tree]]


def forward(
    spec: ModelSpec, parameters: Mapping[str, Array], images: Array, draws: Draws = ()
) -> tuple[Array, list[Pullback]]:
    """The logits, (B, classes), of images (B, H, W, C), and the pullback of each layer.

    As in training with draws (B, *shape), as in evaluation without.
    """
    values, pullbacks = images, []
    for layer, draw in zip_layers_with_draws(spec.layers, draws):
        values, pullback = apply(layer, parameters, values, draw)
        pullbacks.append(pullback)
    return values, pullbacks


def loss_and_gradients(
    spec: ModelSpec,
    parameters: Mapping[str, Array],
    images: Array,
    labels: NDArray[np.int32],
    weights: Array,
    draws: Draws = (),
) -> tuple[float, Tree]:
    """Softmax cross-entropy, summed with the images' weights (B,), and its gradients."""
    logits, pullbacks = forward(spec, parameters, images, draws)
    loss, flowing = cross_entropy(logits, labels, weights)
    gradients: Tree = {}
    for pullback in reversed(pullbacks):
        flowing, own = pullback(flowing)
        gradients.update(own)
    return loss, {path: gradients[path] for path in spec.parameter_shapes()}


def cross_entropy(logits: Array, labels: NDArray[np.int32], weights: Array) -> tuple[float, Array]:
    """Σ weights · −log softmax(logits)[label], and its gradient at the logits, (B, classes)."""
    shifted = logits - logits.max(axis=1, keepdims=True)  # exp cannot overflow
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    gradient = np.exp(log_probabilities)
    gradient[rows, labels] -= 1
    return float(-log_probabilities[rows, labels] @ weights), gradient * weights[:, None]


def apply(
    layer: Layer,
    parameters: Mapping[str, Array],
    x: Array,
    draw: NDArray[np.bool_] | NDArray[np.float32] | None = None,
) -> tuple[Array, Pullback]:
    """One layer's output and pullback, with what it draws; None in evaluation."""
    match layer:
        case Conv():
            slope = slope_of(layer, parameters, draw)
            return _activated(layer, slope, *_conv(layer, parameters, x))
        case Dense():
            slope = slope_of(layer, parameters, draw)
            return _activated(layer, slope, *_dense(layer.name, parameters, x))
        case Dropout() if draw is not None:
            factors = draw.astype(np.float64) * layer.scale
            return x * factors, lambda dy: (dy * factors, {})
        case Noise() if draw is not None:
            return x + draw, lambda dy: (dy, {})
        case Dropout() | Noise():
            return x, lambda dy: (dy, {})
        case Pool(window=window, kind="max"):
            return _max_pool(window, x)
        case Pool(window=window):
            return _average_pool(window, x)
        case Flatten():
            return x.reshape(-1, layer.features), lambda dy: (dy.reshape(x.shape), {})


def _conv(layer: Conv, parameters: Mapping[str, Array], x: Array) -> tuple[Array, Pullback]:
    """Cross-correlation with stride 1 of an image in a frame of zeros; see `Conv.output_shape`."""
    kernel, bias = parameters[f"{layer.name}/kernel"], parameters[f"{layer.name}/bias"]
    kernel_h, kernel_w, channels, outputs = kernel.shape
    above, left = layer.padding
    framed = np.pad(x, ((0, 0), (above, above), (left, left), (0, 0)))
    # (B, H', W', kh, kw, C): the order of the kernel, and of the image within a row of a window
    windows = np.moveaxis(sliding_window_view(framed, (kernel_h, kernel_w), axis=(1, 2)), 3, 5)
    batch, height, width = windows.shape[:3]
    columns = windows.reshape(-1, kernel_h * kernel_w * channels)  # (B·H'·W', kh·kw·C)
    y = (columns @ kernel.reshape(-1, outputs) + bias).reshape(batch, height, width, outputs)

    def pullback(dy: Array) -> tuple[Array, Tree]:
        flat = dy.reshape(-1, outputs)  # (B·H'·W', O)
        d_framed = np.zeros_like(framed)
        for row in range(kernel_h):
            for column in range(kernel_w):
                part = (flat @ kernel[row, column].T).reshape(batch, height, width, channels)
                d_framed[:, row : row + height, column : column + width] += part
        own = {
            f"{layer.name}/kernel": (columns.T @ flat).reshape(kernel.shape),
            f"{layer.name}/bias": flat.sum(axis=0),
        }
        return d_framed[:, above : above + x.shape[1], left : left + x.shape[2]], own

    return y, pullback


def _dense(name: str, parameters: Mapping[str, Array], x: Array) -> tuple[Array, Pullback]:
    """(B, in) → (B, out)."""
    kernel, bias = parameters[f"{name}/kernel"], parameters[f"{name}/bias"]

    def pullback(dy: Array) -> tuple[Array, Tree]:
        return dy @ kernel.T, {f"{name}/kernel": x.T @ dy, f"{name}/bias": dy.sum(axis=0)}

    return x @ kernel + bias, pullback


def _max_pool(window: tuple[int, int], x: Array) -> tuple[Array, Pullback]:
    """(B, H, W, C) → (B, H // window_h, W // window_w, C); what does not fill a window is left.

    Where a window holds its maximum more than once, the gradient goes to the first in row-major
    order, as in PyTorch.
    """
    windows = windows_of(window, x)
    first = windows.argmax(axis=-1, keepdims=True)
    y = np.take_along_axis(windows, first, axis=-1)[..., 0]

    def pullback(dy: Array) -> tuple[Array, Tree]:
        d_windows = np.zeros_like(windows)
        np.put_along_axis(d_windows, first, dy[..., None], axis=-1)
        return _unwindowed(window, d_windows, x.shape), {}

    return y, pullback


def _average_pool(window: tuple[int, int], x: Array) -> tuple[Array, Pullback]:
    """As `_max_pool`, with the mean of each window, to which all its values add alike."""
    windows = windows_of(window, x)
    size = windows.shape[-1]

    def pullback(dy: Array) -> tuple[Array, Tree]:
        d_windows = np.repeat(dy[..., None] / size, size, axis=-1)
        return _unwindowed(window, d_windows, x.shape), {}

    return windows.mean(axis=-1), pullback


def windows_of(window: tuple[int, int], x: Array) -> Array:
    """What each pooling window covers: (B, H, W, C) → (B, rows, columns, C, values)."""
    window_h, window_w = window
    batch, height, width, channels = x.shape
    rows, columns = height // window_h, width // window_w
    covered = x[:, : rows * window_h, : columns * window_w]
    return (
        covered.reshape(batch, rows, window_h, columns, window_w, channels)
        .transpose(0, 1, 3, 5, 2, 4)  # (B, rows, columns, C, window_h, window_w)
        .reshape(batch, rows, columns, channels, window_h * window_w)
    )


def _unwindowed(window: tuple[int, int], windows: Array, shape: tuple[int, ...]) -> Array:
    """The way back from `windows_of` to (B, H, W, C), zero where no window is."""
    window_h, window_w = window
    batch, rows, columns, channels, _ = windows.shape
    x = np.zeros(shape)
    x[:, : rows * window_h, : columns * window_w] = (
        windows.reshape(batch, rows, columns, channels, window_h, window_w)
        .transpose(0, 1, 4, 2, 5, 3)  # (B, rows, window_h, columns, window_w, C)
        .reshape(batch, rows * window_h, columns * window_w, channels)
    )
    return x


def _activated(
    layer: Weighted, slope: Array, z: Array, pullback: Pullback
) -> tuple[Array, Pullback]:
    """The activation after a layer, whose pullback is given; `slope` as `slope_of` has it."""
    activation = layer.activation
    if activation == "none":
        return z, pullback

    def activated_pullback(dy: Array) -> tuple[Array, Tree]:
        dx, own = pullback(dy * derivative(activation, z, slope))
        if activation == "prelu":
            own[f"{layer.name}/slope"] = np.sum(dy * np.minimum(z, 0)).reshape(1)
        return dx, own

    return value(activation, z, slope), activated_pullback


def slope_of(
    layer: Weighted,
    parameters: Mapping[str, Array],
    draw: NDArray[np.bool_] | NDArray[np.float32] | None,
) -> Array:
    """What rrelu has drawn, for each element, or else its mean; what prelu has learnt, (1,)."""
    if layer.activation == "rrelu":
        return np.full(1, RRELU_MEAN) if draw is None else draw.astype(np.float64)
    return parameters.get(f"{layer.name}/slope", np.zeros(1))
