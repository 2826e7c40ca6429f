"""LeNet-5 in PyTorch as a plain script: the loop that the adapter is measured against."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (the name that PyTorch's own examples use)
from torch import Tensor, nn


class LeNet5(nn.Module):
    """Takes (B, 1, 32, 32)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.dense1 = nn.Linear(400, 120)
        self.dense2 = nn.Linear(120, 84)
        self.dense3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # (B, 6, 14, 14)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)  # (B, 16, 5, 5)
        x = x.permute(0, 2, 3, 1).flatten(1)  # (B, 400) in the order H, W, C
        x = F.relu(self.dense1(x))
        x = F.relu(self.dense2(x))
        return self.dense3(x)


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
    on_gpu = where.type == "cuda"

    x = torch.tensor(images, device=where)  # (N, 32, 32, 1)
    if on_gpu:
        x = x.permute(0, 3, 1, 2).contiguous()  # (N, 1, 32, 32)
    y = torch.tensor(labels, dtype=torch.int64, device=where)
    model = LeNet5()
    for name, layer in model.named_children():
        kernel, bias = (torch.tensor(parameters[f"{name}/{part}"]) for part in ("kernel", "bias"))
        layer.weight.data = (
            kernel.permute(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T.contiguous()
        )
        layer.bias.data = bias
    model.to(where)
    if not on_gpu:
        model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), learning_rate, momentum, fused=True)

    def epoch(batches: np.ndarray) -> np.ndarray:
        losses = []
        for rows in torch.tensor(batches, device=where):
            batch = x.index_select(0, rows)
            if not on_gpu:
                batch = batch.permute(0, 3, 1, 2)  # (B, 1, 32, 32), a view
            optimizer.zero_grad()
            loss = F.cross_entropy(model(batch), y.index_select(0, rows))
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return torch.stack(losses).cpu().numpy()

    return epoch
