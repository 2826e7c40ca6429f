"""LeNet-5 in tinygrad as a plain script: what the adapter is measured against."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from tinygrad import Context, Tensor, TinyJit, nn
from tinygrad.helpers import NUM_CPU_THREADS


def max_pool(x: Tensor) -> Tensor:
    """2×2 in place of max_pool2d, whose gradient is shared by equal places."""
    top, bottom = (
        (x[:, :, i::2, 0::2] >= x[:, :, i::2, 1::2]).where(x[:, :, i::2, 0::2], x[:, :, i::2, 1::2])
        for i in (0, 1)
    )
    return (top >= bottom).where(top, bottom)


class LeNet5:
    """Takes (B, 1, 32, 32)."""

    def __init__(self) -> None:
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.dense1 = nn.Linear(400, 120)
        self.dense2 = nn.Linear(120, 84)
        self.dense3 = nn.Linear(84, 10)

    def __call__(self, x: Tensor) -> Tensor:
        x = max_pool(self.conv1(x).relu())  # (B, 6, 14, 14)
        x = max_pool(self.conv2(x).relu())  # (B, 16, 5, 5)
        x = x.permute(0, 2, 3, 1).flatten(1)  # (B, 400) in the order H, W, C
        x = self.dense1(x).relu()
        x = self.dense2(x).relu()
        return self.dense3(x)


def bare(
    images: np.ndarray,
    labels: np.ndarray,
    parameters: Mapping[str, np.ndarray],
    learning_rate: float,
    momentum: float,
    device: str,  # tinygrad takes the first that it finds
    threads: int,
) -> Callable[[np.ndarray], np.ndarray]:
    NUM_CPU_THREADS.value = threads
    x = Tensor(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).clone().realize()
    y = Tensor(labels).clone().realize()
    model = LeNet5()
    for path, value in parameters.items():
        layer, part = path.split("/")
        turned = value.transpose({4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[value.ndim])
        own = getattr(getattr(model, layer), {"kernel": "weight", "bias": "bias"}[part])
        own.assign(Tensor(np.ascontiguousarray(turned))).realize()
    optimizer = nn.optim.SGD(nn.state.get_parameters(model), learning_rate, momentum)

    @TinyJit
    def step(rows: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = model(x[rows]).sparse_categorical_crossentropy(y[rows]).backward()
        return loss.realize(*optimizer.schedule_step())

    def epoch(batches: np.ndarray) -> np.ndarray:
        with Context(TRAINING=1):
            losses = [step(Tensor(rows).clone().realize()).item() for rows in batches]
        return np.array(losses, np.float32)

    return epoch
