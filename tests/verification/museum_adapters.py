"""Adapters of the museum: the float64 reference with one defect that a framework had or has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bench.contract import EpochBatches, OptimizerSpec
from impls.reference import model as passes
from impls.reference.optimizers import Array, Optimizer

from .faults import Healthy


class DecayWithoutRate(Optimizer):
    """AdamW whose decay is not multiplied by the learning rate."""

    def _decayed(self, p: Array, g: Array, rate: float) -> tuple[Array, Array]:
        return super()._decayed(p, g, 1.0)


class DecayAfterStep(Optimizer):
    """AdamW that decays what the step has come to."""

    def _adam(self, path: str, p: Array, g: Array, rate: float) -> Array:
        spec = self._spec
        self._spec = replace(spec, weight_decay=0.0)
        stepped = super()._adam(path, p, g, rate)
        self._spec = spec
        return stepped * (1 - rate * spec.weight_decay)


class SwappedConstants(Healthy):
    """AdamW's ε and decay taken for each other."""

    def spec(self, spec: OptimizerSpec) -> OptimizerSpec:
        return replace(spec, epsilon=spec.weight_decay, weight_decay=spec.epsilon)


class DecayOnlyWithMomentum(Healthy):
    def spec(self, spec: OptimizerSpec) -> OptimizerSpec:
        return spec if spec.momentum else replace(spec, weight_decay=0.0)


class SquaresFromOne(Optimizer):
    """RMSprop whose mean of squares starts at 1."""

    def __init__(self, spec: OptimizerSpec, parameters: Mapping[str, Array]) -> None:
        super().__init__(spec, parameters)
        self._second = {path: np.ones_like(value) for path, value in parameters.items()}


class FirstRateForever(Healthy):
    """The learning rate of the first step, as a constant of the compiled program."""

    def build(self, *arguments):
        super().build(*arguments)
        self._rate = None

    def train_epoch64(self, order, learning_rate):
        self._rate = learning_rate if self._rate is None else self._rate
        return super().train_epoch64(order, self._rate)


class RacingKernels(Healthy):
    """Of each 64 images, one is lost in the gradient of the kernels: two threads added at once."""

    def gradients64(self, indices, draws=(), times=None):
        loss, tree = super().gradients64(indices, draws)
        lost = indices[63::64] if len(indices) > 63 else indices[-1:]
        with_draws = tuple(d[63::64] if len(indices) > 63 else d[-1:] for d in draws)
        _, of_lost = super().gradients64(lost, with_draws)
        share = len(lost) / len(indices)
        return loss, {
            path: g - share * of_lost[path] if g.ndim == 4 else g for path, g in tree.items()
        }


class MixedImages(Healthy):
    """The convolutions of two images of a batch exchanged."""

    def predict64(self, images):
        swapped = images.copy()
        swapped[:2] = images[:2][::-1]
        return super().predict64(swapped)


class LastOfWindow(Healthy):
    """The gradient of max pooling goes to the last of a window, whichever was the maximum."""

    def gradients64(self, indices, draws=(), times=None):
        usual, passes._max_pool = passes._max_pool, _pool_to_the_last
        try:
            return super().gradients64(indices, draws)
        finally:
            passes._max_pool = usual


def _pool_to_the_last(window, x):
    windows = passes.windows_of(window, x)

    def pullback(dy):
        d_windows = np.zeros_like(windows)
        d_windows[..., -1] = dy
        return passes._unwindowed(window, d_windows, x.shape), {}

    return windows.max(axis=-1), pullback


class SoftmaxTwice(Healthy):
    """The loss takes the softmax of what is a softmax already."""

    def gradients64(self, indices, draws=(), times=None):
        usual, passes.cross_entropy = passes.cross_entropy, _entropy_of_softmax
        try:
            return super().gradients64(indices, draws)
        finally:
            passes.cross_entropy = usual


_cross_entropy = passes.cross_entropy


def _entropy_of_softmax(logits, labels, weights):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss, at_p = _cross_entropy(p, labels, weights)
    return loss, p * (at_p - (at_p * p).sum(axis=1, keepdims=True))


class SharedMemory(Healthy):
    """The parameters that were given are those that it trains, not copies of them."""

    def build(self, model, parameters, optimizer, device, threads):
        self._given = parameters
        super().build(model, parameters, optimizer, device, threads)

    def export(self):
        return {path: p.copy() for path, p in self._given.items()}


class WrongFromRow(Healthy):
    """Of what is predicted at once, rows beyond 32,768 have the logits of 1,024 rows before."""

    def predict64(self, images):
        logits = super().predict64(images)
        logits[32_768:] = logits[32_768 - 1024 : len(logits) - 1024]
        return logits


class NothingFromRow(Healthy):
    """Of what is predicted at once, rows from 65,535 on have logits of 0."""

    def predict64(self, images):
        logits = super().predict64(images[:65_535])
        return np.concatenate([logits, np.zeros((len(images) - len(logits), logits.shape[1]))])


class WrappedRows(Healthy):
    """Kernel gradients of batches beyond 65,535 take the images from the beginning again."""

    def gradients64(self, indices, draws=(), times=None):
        loss, tree = super().gradients64(indices, draws)
        if len(indices) <= 65_535:
            return loss, tree
        _, wrapped = super().gradients64(indices[np.arange(len(indices)) % 65_536], draws)
        return loss, {path: wrapped[path] if g.ndim == 4 else g for path, g in tree.items()}


class FirstColumnAlone(Healthy):
    """The gradient of a dense kernel is 0 but for its first column, in large batches."""

    def gradients64(self, indices, draws=(), times=None):
        loss, tree = super().gradients64(indices, draws)
        if len(indices) < 1000:
            return loss, tree
        return loss, {
            path: g * (np.arange(g.shape[1]) == 0) if g.ndim == 2 else g for path, g in tree.items()
        }


class MaskDrawnAgain(Healthy):
    """The backward pass drops other units than the forward pass did."""

    def gradients64(self, indices, draws=(), times=None):
        loss, _ = super().gradients64(indices, draws)
        again = tuple(np.roll(draw, 1, axis=0) if draw.dtype == bool else draw for draw in draws)
        return loss, super().gradients64(indices, again)[1]


class MaskOfFirstStep(Healthy):
    """What was drawn when the step was traced, in every step of its shape."""

    def train_epoch64(self, order, learning_rate):
        first = np.zeros(len(order.batches), np.intp)
        return super().train_epoch64(
            replace(order, draws=tuple(draw[first] for draw in order.draws)), learning_rate
        )


class ShortBatch(Healthy):
    """The last full batch has two images fewer."""

    def train_epoch64(self, order, learning_rate):
        *before, last = order.batches
        steps = [super(ShortBatch, self).train_epoch64(_single(b), learning_rate) for b in before]
        steps.append(super().train_epoch64(_single(last[:-2]), learning_rate))
        if order.remainder.size:
            steps.append(super().train_epoch64(_single(order.remainder), learning_rate))
        return np.concatenate(steps)


def _single(rows: np.ndarray) -> EpochBatches:
    return EpochBatches(rows[np.newaxis], np.empty(0, np.int32))
