"""LeNet-5 in Keras on PyTorch as a plain script: what the adapter is measured against."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (the name that PyTorch's own examples use)
from keras import layers


def lenet5() -> keras.Sequential:
    return keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            layers.Conv2D(6, 5, activation="relu", name="conv1"),
            layers.MaxPooling2D(),  # (B, 14, 14, 6)
            layers.Conv2D(16, 5, activation="relu", name="conv2"),
            layers.MaxPooling2D(),  # (B, 5, 5, 16)
            layers.Flatten(),  # (B, 400) in the order H, W, C
            layers.Dense(120, activation="relu", name="dense1"),
            layers.Dense(84, activation="relu", name="dense2"),
            layers.Dense(10, name="dense3"),
        ]
    )


def bare(
    images: np.ndarray,
    labels: np.ndarray,
    parameters: Mapping[str, np.ndarray],
    learning_rate: float,
    momentum: float,
    device: str,
    threads: int,
) -> Callable[[np.ndarray], np.ndarray]:
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    torch.backends.cudnn.conv.fp32_precision = "ieee"
    torch.backends.cudnn.benchmark = True
    where = torch.device("cuda" if device == "gpu" else "cpu")
    x = torch.tensor(images, device=where)  # (N, 32, 32, 1)
    y = torch.tensor(labels, dtype=torch.int64, device=where)
    with keras.device("gpu:0" if device == "gpu" else "cpu"):
        model = lenet5()
        for layer in model.layers:
            if layer.weights:
                layer.kernel.assign(parameters[f"{layer.name}/kernel"])
                layer.bias.assign(parameters[f"{layer.name}/bias"])
    weights = [variable.value for variable in model.trainable_variables]
    optimizer = torch.optim.SGD(weights, learning_rate, momentum, fused=True)

    def epoch(batches: np.ndarray) -> np.ndarray:
        losses = []
        with keras.device("gpu:0" if device == "gpu" else "cpu"):
            for rows in torch.tensor(batches, device=where):
                optimizer.zero_grad()
                logits = model(x.index_select(0, rows), training=True)
                loss = F.cross_entropy(logits, y.index_select(0, rows))
                loss.backward()
                optimizer.step()
                losses.append(loss.detach())
        return torch.stack(losses).cpu().numpy()

    return epoch
