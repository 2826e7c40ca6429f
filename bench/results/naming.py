"""What checkpoint files are called: MNIST_torch_seed0_epoch43_acc0.9913.safetensors."""

from __future__ import annotations

import re
from pathlib import Path

from bench import frameworks
from bench.config.plan import Cell, Plan
from bench.frameworks.regimes import MATCHED
from bench.workload.datasets.own.npz import names

SUFFIX = ".safetensors"
PROPER = {
    "mnist": "MNIST",
    "fashionmnist": "FashionMNIST",
    "kmnist": "KMNIST",
    "qmnist": "QMNIST",
    "cifar10": "CIFAR10",
}
LONGEST = 40  # of a person's own name; a file's may have 255 in all


def stem(plan: Plan, cell: Cell) -> str:
    """What the names of a cell's checkpoints begin with; unique within its run."""
    device = f"_{cell.device}" if len(plan.settings.devices) > 1 else ""
    regime = "" if cell.regime == MATCHED else f"_{cell.regime}"
    framework = frameworks.in_file_names(cell.framework)
    varied = cell.varied.replace("-", "_")
    return (
        f"{title(plan.settings.dataset)}_{framework}{device}{regime}{varied}_seed{cell.seed}_epoch"
    )


def file_name(stem: str, epoch: int, accuracy: float | None) -> str:
    """Epochs are counted from 1; the accuracy is the one that decides which is the best."""
    of = "" if accuracy is None else f"_acc{accuracy:.4f}"
    return f"{stem}{epoch}{of}{SUFFIX}"


def title(dataset: str) -> str:
    """The proper name, or that of a person's own file with what a file name can hold anywhere.

    What the names of its checkpoints begin with.
    """
    kind, colon, path = dataset.partition(":")
    if not colon:
        return PROPER.get(kind, kind)
    return (
        re.sub(r"[^A-Za-z0-9-]+", "-", Path(names.parted(path)[0]).stem)[:LONGEST].strip("-")
        or kind
    )
