"""Accuracy, loss and time to target: computed once, for all frameworks alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.contract import Labels


def accuracy(logits: NDArray[np.floating], labels: Labels) -> float:
    """Share of rows of logits (n, classes) whose largest entry is the label's; ties: the first."""
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def cross_entropy(logits: NDArray[np.floating], labels: Labels) -> float:
    """Mean over rows of log Σ exp(logits) − logits[label], in float64."""
    exact = logits.astype(np.float64)
    shifted = exact - exact.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    return float(np.mean(log_sums - shifted[np.arange(len(labels)), labels]))


def scores(logits: NDArray[np.floating], labels: Labels) -> dict[str, float | None]:
    """The loss, None where it is not finite, and the accuracy of logits (n, classes)."""
    return {
        "loss": finite(cross_entropy(logits, labels)),
        "accuracy": accuracy(logits, labels),
    }


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Softmax of each row of logits (n, classes), in float64."""
    exact = logits.astype(np.float64)
    powers = np.exp(exact - exact.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def finite(value: float) -> float | None:
    """The number, or None for what JSON cannot hold."""
    return float(value) if math.isfinite(value) else None


def first_not_finite(values: NDArray[np.floating]) -> int | None:
    """Index of the first value that is infinite or not a number."""
    bad = np.flatnonzero(~np.isfinite(values))
    return int(bad[0]) if bad.size else None


def epochs_to_target(val_accuracy: Sequence[float], target: float | None) -> int | None:
    """How many epochs it took until the validation accuracy was at least the target."""
    if target is None:
        return None
    return next((n for n, value in enumerate(val_accuracy, 1) if value >= target), None)
