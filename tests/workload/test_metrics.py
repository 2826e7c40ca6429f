"""Accuracy, loss and time to target against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.workload import metrics


def test_accuracy():
    logits = np.array([[1, 2, 0], [3, 1, 1], [0, 0, 5], [2, 2, 1]], dtype=np.float32)
    labels = np.array([1, 0, 0, 0], dtype=np.int32)
    assert metrics.accuracy(logits, labels) == 0.75  # a tie counts for the first class


def test_cross_entropy():
    logits = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], dtype=np.float32))
    labels = np.array([0, 1], dtype=np.int32)
    expected = -(np.log(0.5) + np.log(0.1)) / 2
    assert metrics.cross_entropy(logits, labels) == pytest.approx(expected, rel=1e-6)


def test_cross_entropy_does_not_overflow():
    logits = np.array([[1000, 0], [0, 1000]], dtype=np.float32)
    assert metrics.cross_entropy(logits, np.array([0, 0], dtype=np.int32)) == 500


def test_first_not_finite():
    assert metrics.first_not_finite(np.array([1.0, 2.0])) is None
    assert metrics.first_not_finite(np.array([1.0, np.inf, np.nan])) == 1


def test_epochs_to_target():
    assert metrics.epochs_to_target([0.5, 0.9, 0.8, 0.95], 0.9) == 2
    assert metrics.epochs_to_target([0.5, 0.9], 0.95) is None
    assert metrics.epochs_to_target([0.5], None) is None
    assert metrics.epochs_to_target([], 0.5) is None
