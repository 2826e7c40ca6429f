"""LeNet-5 in MLX as a plain script: what the adapter is measured against."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np


def max_pool(x: mx.array) -> mx.array:
    """2×2 in place of nn.MaxPool2d, whose gradient is shared by equal places."""
    top, bottom = (
        mx.where(x[:, i::2, 0::2] >= x[:, i::2, 1::2], x[:, i::2, 0::2], x[:, i::2, 1::2])
        for i in (0, 1)
    )
    return mx.where(top >= bottom, top, bottom)


class LeNet5(nn.Module):
    """Takes (B, 32, 32, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.dense1 = nn.Linear(400, 120)
        self.dense2 = nn.Linear(120, 84)
        self.dense3 = nn.Linear(84, 10)

    def __call__(self, x: mx.array) -> mx.array:
        x = max_pool(nn.relu(self.conv1(x)))  # (B, 14, 14, 6)
        x = max_pool(nn.relu(self.conv2(x)))  # (B, 5, 5, 16)
        x = x.reshape(x.shape[0], -1)  # (B, 400) in the order H, W, C
        x = nn.relu(self.dense1(x))
        x = nn.relu(self.dense2(x))
        return self.dense3(x)


def bare(
    images: np.ndarray,
    labels: np.ndarray,
    parameters: Mapping[str, np.ndarray],
    learning_rate: float,
    momentum: float,
    device: str,
    threads: int,  # an operation of MLX takes one on a CPU
) -> Callable[[np.ndarray], np.ndarray]:
    mx.set_default_device(mx.gpu if device == "gpu" else mx.cpu)
    x, y = mx.array(images), mx.array(labels)
    model = LeNet5()
    weights: dict[str, dict[str, mx.array]] = {}
    for path, value in parameters.items():
        layer, part = path.split("/")
        turned = {4: (3, 0, 1, 2), 2: (1, 0), 1: (0,)}[value.ndim]
        own = {"kernel": "weight", "bias": "bias"}[part]
        array = mx.array(np.ascontiguousarray(value.transpose(turned)))
        weights.setdefault(layer, {})[own] = array
    model.update(weights)
    optimizer = optim.SGD(learning_rate, momentum)
    optimizer.init(model.trainable_parameters())
    state = [model.state, optimizer.state]

    def loss_of(rows):
        return nn.losses.cross_entropy(model(x[rows]), y[rows], reduction="mean")

    def step(rows):
        loss, gradients = nn.value_and_grad(model, loss_of)(rows)
        optimizer.update(model, gradients)
        return loss

    compiled = mx.compile(step, inputs=state, outputs=state)

    def epoch(batches: np.ndarray) -> np.ndarray:
        losses = []
        for rows in batches:
            losses.append(compiled(mx.array(rows)))
            mx.eval(losses[-1], state)
        return np.array(losses, np.float32)

    return epoch
