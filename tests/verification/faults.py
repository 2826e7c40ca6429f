"""Adapters with one fault each: the float64 reference, changed in one place.

Most faults are what a framework's default would make of a network that was not written with care.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.contract import (
    Conv,
    Dense,
    EpochBatches,
    Flatten,
    ModelOptions,
    ModelSpec,
    OptimizerSpec,
)
from bench.workload.models import USUAL
from impls.reference.adapter import ReferenceAdapter
from impls.reference.optimizers import Array, Optimizer

ADAM = OptimizerSpec("adam")
ADAM_DECAY = OptimizerSpec("adam", weight_decay=5e-4)
ADAMW = OptimizerSpec("adamw", weight_decay=1e-2)
RMSPROP = OptimizerSpec("rmsprop")
MOMENTUM = OptimizerSpec("sgd", momentum=0.9, weight_decay=5e-4)


class Healthy(ReferenceAdapter):
    """No fault; every fault overrides one of these."""

    optimizer_class: type[Optimizer] = Optimizer

    def build(self, model, parameters, optimizer, device, threads):
        inside = {path: self.into(path, p) for path, p in parameters.items()}
        super().build(self.model(model), inside, self.spec(optimizer), device, threads)
        self._optimizer = self.optimizer_class(self.spec(optimizer), self._parameters)

    def model(self, model: ModelSpec) -> ModelSpec:
        return model

    def spec(self, spec: OptimizerSpec) -> OptimizerSpec:
        return spec

    def into(self, path: str, p: np.ndarray) -> np.ndarray:
        """A canonical parameter as the framework holds it."""
        return p

    def out(self, path: str, p: np.ndarray) -> np.ndarray:
        """The way back."""
        return p

    def export(self):
        return {path: self.out(path, p) for path, p in super().export().items()}

    def gradients(self, indices, draws=()):
        loss, tree = super().gradients(indices, draws)
        return loss, {path: self.out(path, g) for path, g in tree.items()}


# Optimizers


def changed(**constants: float | str) -> type[Healthy]:
    class Changed(Healthy):
        def spec(self, spec):
            return replace(spec, **constants)

    return Changed


def with_rule(kind: type[Optimizer]) -> type[Healthy]:
    class WithRule(Healthy):
        optimizer_class = kind

    return WithRule


class EpsilonHat(Optimizer):
    """ε beside √v instead of √v̂."""

    def _adam_step(self, path: str, p: Array, g: Array, rate: float) -> Array:
        beta1, beta2 = self._spec.beta1, self._spec.beta2
        self._first[path] = m = beta1 * self._first[path] + (1 - beta1) * g
        self._second[path] = v = beta2 * self._second[path] + (1 - beta2) * g**2
        rate *= np.sqrt(1 - beta2**self.steps) / (1 - beta1**self.steps)
        return p - rate * m / (np.sqrt(v) + self._spec.epsilon)


class EpsilonInsideAdam(Optimizer):
    """ε within Adam's root."""

    def _adam_step(self, path: str, p: Array, g: Array, rate: float) -> Array:
        beta1, beta2 = self._spec.beta1, self._spec.beta2
        self._first[path] = m = beta1 * self._first[path] + (1 - beta1) * g
        self._second[path] = v = beta2 * self._second[path] + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**self.steps), v / (1 - beta2**self.steps)
        return p - rate * m_hat / np.sqrt(v_hat + self._spec.epsilon)


class Uncorrected(Optimizer):
    """Adam without the correction of its bias to zero."""

    def _adam_step(self, path: str, p: Array, g: Array, rate: float) -> Array:
        beta1, beta2 = self._spec.beta1, self._spec.beta2
        self._first[path] = m = beta1 * self._first[path] + (1 - beta1) * g
        self._second[path] = v = beta2 * self._second[path] + (1 - beta2) * g**2
        return p - rate * m / (np.sqrt(v) + self._spec.epsilon)


class EpsilonInside(Optimizer):
    """ε under RMSprop's root, squared, so that its size is right."""

    def _rmsprop(self, path: str, p: Array, g: Array, rate: float) -> Array:
        alpha = self._spec.alpha
        self._second[path] = s = alpha * self._second[path] + (1 - alpha) * g**2
        return p - rate * g / np.sqrt(s + self._spec.epsilon**2)


class RateInside(Optimizer):
    """The learning rate within the momentum buffer."""

    def _sgd(self, path: str, p: Array, g: Array, rate: float) -> Array:
        g = g + self._spec.weight_decay * p
        self._first[path] = v = self._spec.momentum * self._first[path] + rate * g
        return p - v


class Nesterov(Optimizer):
    """The momentum looks ahead."""

    def _sgd(self, path: str, p: Array, g: Array, rate: float) -> Array:
        g = g + self._spec.weight_decay * p
        self._first[path] = v = self._spec.momentum * self._first[path] + g
        return p - rate * (g + self._spec.momentum * v)


class CompilationCounts(Healthy):
    """Compiling takes steps at a rate of 0, and the optimizer is not named as changed by them."""

    changed_by_steps = ("_parameters",)

    def compile(self, epoch):
        self._optimizer.steps += 1


class CompilationTrains(Healthy):
    """Compiling takes steps, and the weights are not named as changed by them."""

    changed_by_steps = ("_optimizer",)

    def compile(self, epoch):
        self.train_epoch(epoch.beginning(1), 1e-3)


# Networks


class FlippedKernel(Healthy):
    """A true convolution instead of a cross-correlation."""

    def into(self, path, p):
        return p[::-1, ::-1] if p.ndim == 4 else p

    out = into


class TurnedKernel(Healthy):
    """Height and width of the kernels exchanged."""

    def into(self, path, p):
        return p.transpose(1, 0, 2, 3) if p.ndim == 4 else p

    out = into


class FlattenedChannelsFirst(Healthy):
    """Features in the order C, H, W, with weights that were not reordered."""

    def build(self, model, parameters, optimizer, device, threads):
        self._flat = next((x for x in model.layers if isinstance(x, Flatten)), None)
        super().build(model, parameters, optimizer, device, threads)

    def into(self, path, p):
        if path != "dense1/kernel" or self._flat is None:
            return p
        of = self._flat
        axes = p.reshape(of.channels, of.height, of.width, -1)
        return axes.transpose(1, 2, 0, 3).reshape(p.shape)

    def out(self, path, p):
        if path != "dense1/kernel" or self._flat is None:
            return p
        of = self._flat
        axes = p.reshape(of.height, of.width, of.channels, -1)
        return axes.transpose(2, 0, 1, 3).reshape(p.shape)


class TransposedDense(Healthy):
    """(out, in) read from the memory of (in, out)."""

    def into(self, path, p):
        return p.reshape(p.shape[::-1]).T if p.ndim == 2 else p

    def out(self, path, p):
        return p.T.reshape(p.shape) if p.ndim == 2 else p


def without_activation(name: str) -> type[Healthy]:
    class WithoutActivation(Healthy):
        def model(self, model):
            layers = (
                replace(x, activation="none") if getattr(x, "name", "") == name else x
                for x in model.layers
            )
            return replace(model, layers=tuple(layers))

    return WithoutActivation


class _OtherShapes(Healthy):
    """A network that came out larger, and was initialised by itself where nothing fits."""

    def build(self, model, parameters, optimizer, device, threads):
        draw = np.random.default_rng(0)
        fitting = {
            path: p
            if p.shape == (shape := self.model(model).parameter_shapes()[path])
            else draw.uniform(-0.05, 0.05, shape).astype(np.float32)
            for path, p in parameters.items()
        }
        super().build(model, fitting, optimizer, device, threads)


class SamePadding(_OtherShapes):
    """Convolutions that keep the size of their input: images get a margin, conv2 gets its own."""

    def model(self, model):
        if model.name != "lenet5":
            return model
        height, width, channels = model.input_shape
        rows, columns = ((size // 2 - 4) // 2 for size in (height, width))
        return _reshaped(model, (height + 4, width + 4, channels), (rows, columns))

    def load(self, images, labels):
        super().load(self._padded(images), labels)

    def predict64(self, images):
        return super().predict64(self._padded(images))

    def _padded(self, images):
        more = self._model.input_shape[0] - images.shape[1]
        margin = (more // 2, more - more // 2)
        return np.pad(images, ((0, 0), margin, margin, (0, 0)))


class PoolStrideOne(_OtherShapes):
    """Overlapping windows; the oracle's layers cannot, so the last pooling is left out instead."""

    def model(self, model):
        if model.name != "lenet5":
            return model
        height, width, _ = model.input_shape
        rows, columns = ((size - 4) // 2 - 4 for size in (height, width))
        smaller = [x for i, x in enumerate(model.layers) if i != 3]
        return _reshaped(replace(model, layers=tuple(smaller)), model.input_shape, (rows, columns))


def _reshaped(model: ModelSpec, input_shape, flat: tuple[int, int]) -> ModelSpec:
    """The model for other images, with what follows from the flattened size."""
    features = 16 * flat[0] * flat[1]
    layers = tuple(
        replace(x, height=flat[0], width=flat[1])
        if isinstance(x, Flatten)
        else replace(x, in_features=features)
        if getattr(x, "name", "") == "dense1"
        else x
        for x in model.layers
    )
    return replace(model, input_shape=input_shape, layers=layers)


class OneMoreBias(Healthy):
    """A parameter that the description does not have."""

    def export(self):
        last = list(self._parameters)[-1]
        return super().export() | {"extra/bias": np.zeros(self._parameters[last].shape, np.float32)}


class HiddenBias(Healthy):
    """A second bias on the logits that is trained and never shown."""

    def build(self, model, parameters, optimizer, device, threads):
        super().build(model, parameters, optimizer, device, threads)
        self._last = next(x.name for x in reversed(model.layers) if isinstance(x, Dense | Conv))
        self._shown = self._parameters[f"{self._last}/bias"].copy()

    def export(self):
        now = super().export()
        path = f"{self._last}/bias"
        return now | {path: ((now[path] + self._shown) / 2).astype(np.float32)}


# Losses


class SumForMean(Healthy):
    """The loss summed over the batch."""

    def gradients64(self, indices, draws=()):
        loss, tree = super().gradients64(indices, draws)
        n = len(indices)
        return loss * n, {path: g * n for path, g in tree.items()}


class UnweightedPartial(Healthy):
    """A partial batch filled up to a full one, whose mean still divides by the full size."""

    def train_epoch64(self, order, learning_rate):
        self._full = order.batches.shape[1]
        losses = super().train_epoch64(order, learning_rate)
        self._full = None
        return losses

    def gradients64(self, indices, draws=()):
        loss, tree = super().gradients64(indices, draws)
        part = len(indices) / (getattr(self, "_full", None) or len(indices))
        return loss * part, {path: g * part for path, g in tree.items()}


class ShiftedLabels(Healthy):
    """Images paired with the labels of their neighbours."""

    def load(self, images, labels):
        super().load(images, np.roll(labels, 1))


class StalePrediction(Healthy):
    """Predicts with the weights that it was built with."""

    def build(self, model, parameters, optimizer, device, threads):
        super().build(model, parameters, optimizer, device, threads)
        self._first_ones = dict(self._parameters)

    def predict64(self, images):
        now, self._parameters = self._parameters, self._first_ones
        try:
            return super().predict64(images)
        finally:
            self._parameters = now


# Batches


def reordered(change: Callable[[EpochBatches], EpochBatches]) -> type[Healthy]:
    class Reordered(Healthy):
        def train_epoch64(self, order, learning_rate):
            return super().train_epoch64(change(order), learning_rate)

    return Reordered


def shuffled(order: EpochBatches) -> EpochBatches:
    """The images of the epoch in an order of its own."""
    rows = np.random.default_rng(0).permutation(order.batches.ravel())
    return EpochBatches(rows.reshape(order.batches.shape).astype(np.int32), order.remainder)


def first_again(order: EpochBatches) -> EpochBatches:
    """The first batch in the place of the second, too."""
    batches = order.batches.copy()
    batches[1:2] = batches[:1]
    return EpochBatches(batches, order.remainder)


def repeated_image(order: EpochBatches) -> EpochBatches:
    """An image twice in a batch, in the place of another."""
    batches = order.batches.copy()
    if batches.size:
        batches[0, 1] = batches[0, 0]
    return EpochBatches(batches, order.remainder)


class FirstEpochForever(Healthy):
    """The order of the first epoch of a shape, kept for all that follow."""

    def build(self, *arguments):
        super().build(*arguments)
        self._kept: dict[tuple[int, ...], EpochBatches] = {}

    def train_epoch64(self, order, learning_rate):
        shape = (*order.batches.shape, *order.remainder.shape)
        return super().train_epoch64(self._kept.setdefault(shape, order), learning_rate)


class DroppedRemainder(Healthy):
    """The last, smaller batch is not trained on; its loss is told all the same."""

    def train_epoch64(self, order, learning_rate):
        losses = super().train_epoch64(
            EpochBatches(order.batches, order.remainder[:0]), learning_rate
        )
        if order.remainder.size:
            losses = np.append(losses, self.gradients64(order.remainder)[0])
        return losses


# Arithmetic


def rounded_to(bits: int) -> type[Healthy]:
    """Weights and images enter the products with so many bits after the first."""

    def low(x: np.ndarray) -> np.ndarray:
        mantissa, exponent = np.frexp(x)
        return np.ldexp(np.rint(np.ldexp(mantissa, bits + 1)), exponent - bits - 1)

    class Rounded(Healthy):
        def predict64(self, images):
            return self._low(lambda: super(Rounded, self).predict64(low(images)))

        def gradients64(self, indices, draws=()):
            images, self._images = self._images, low(self._images)
            try:
                return self._low(lambda: super(Rounded, self).gradients64(indices, draws))
            finally:
                self._images = images

        def _low(self, compute):
            exact: Mapping[str, Array] = self._parameters
            self._parameters = {p: low(x) if x.ndim > 1 else x for p, x in exact.items()}
            try:
                return compute()
            finally:
                self._parameters = exact

    return Rounded


class MoreThreads(Healthy):
    """Keeps threads of its own busy besides, whatever it was allowed."""

    def train_epoch64(self, order, learning_rate):
        done = threading.Event()

        def burn():
            while not done.is_set():
                hashlib.pbkdf2_hmac("sha256", b"x", b"y", 20_000)  # without Python's lock

        burners = [threading.Thread(target=burn) for _ in range(4)]
        for burner in burners:
            burner.start()
        try:
            return super().train_epoch64(order, learning_rate)
        finally:
            done.set()
            for burner in burners:
                burner.join()


@dataclass(frozen=True)
class Fault:
    """A faulty adapter, the optimizer that it is examined with, and the checks meant for it."""

    name: str
    adapter: type[Healthy]
    caught_by: tuple[str, ...]
    optimizer: OptimizerSpec = ADAM
    options: ModelOptions = USUAL

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


OF_OPTIMIZER = ("optimizer",)
OF_NETWORK = ("logits", "gradients")
OF_BATCHES = ("batches gathered",)

FAULTS = (
    Fault("Adam's ε 1e-7 for 1e-8", changed(epsilon=1e-7), OF_OPTIMIZER),
    Fault("Adam's ε-hat form", with_rule(EpsilonHat), OF_OPTIMIZER),
    Fault("Adam's ε within the root", with_rule(EpsilonInsideAdam), OF_OPTIMIZER),
    Fault("Adam without bias correction", with_rule(Uncorrected), OF_OPTIMIZER),
    Fault("coupled for decoupled decay", changed(name="adam"), OF_OPTIMIZER, ADAMW),
    Fault("decoupled for coupled decay", changed(name="adamw"), OF_OPTIMIZER, ADAM_DECAY),
    Fault("decay forgotten", changed(weight_decay=0.0), OF_OPTIMIZER, ADAMW),
    Fault("RMSprop's ε within the root", with_rule(EpsilonInside), OF_OPTIMIZER, RMSPROP),
    Fault("RMSprop's ε 1e-7 for 1e-8", changed(epsilon=1e-7), OF_OPTIMIZER, RMSPROP),
    Fault("RMSprop's α 0.9 for 0.99", changed(alpha=0.9), OF_OPTIMIZER, RMSPROP),
    Fault("learning rate within the momentum", with_rule(RateInside), OF_OPTIMIZER, MOMENTUM),
    Fault("Nesterov's momentum", with_rule(Nesterov), OF_OPTIMIZER, MOMENTUM),
    Fault("compilation counts as a step", CompilationCounts, OF_OPTIMIZER),
    Fault("compilation trains", CompilationTrains, ("round trip",)),
    Fault("kernels flipped", FlippedKernel, OF_NETWORK),
    Fault("kernels' height and width exchanged", TurnedKernel, OF_NETWORK),
    Fault("flattened C, H, W", FlattenedChannelsFirst, OF_NETWORK),
    Fault("dense layer transposed", TransposedDense, OF_NETWORK),
    Fault("activation of conv2 missing", without_activation("conv2"), OF_NETWORK),
    Fault("activation of dense2 missing", without_activation("dense2"), OF_NETWORK),
    Fault("SAME padding", SamePadding, ("parameters",)),
    Fault("pooling with stride 1", PoolStrideOne, ("parameters",)),
    Fault("one more bias", OneMoreBias, ("parameters",)),
    Fault("one more bias, hidden", HiddenBias, ("evaluation, loss",)),
    Fault("sum for mean in the loss", SumForMean, ("loss", "gradients")),
    Fault(
        "partial batch unweighted",
        UnweightedPartial,
        ("training step, loss", "training step, gradients"),
    ),
    Fault("labels of the neighbours", ShiftedLabels, ("loss",)),
    Fault("prediction with stale weights", StalePrediction, ("evaluation, loss",)),
    Fault("batches shuffled", reordered(shuffled), OF_BATCHES),
    Fault("a batch repeated", reordered(first_again), OF_BATCHES),
    Fault("an image repeated", reordered(repeated_image), OF_BATCHES),
    Fault("first epoch's order forever", FirstEpochForever, OF_BATCHES),
    Fault("last batch dropped", DroppedRemainder, OF_BATCHES),
    Fault("TF32 products", rounded_to(10), ("precision",)),
    Fault("bfloat16 products", rounded_to(7), ("precision",)),
    Fault("more threads than allowed", MoreThreads, ("threads",)),
)
