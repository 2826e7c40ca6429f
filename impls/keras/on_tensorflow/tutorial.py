"""Keras as its own first example for images trains: `compile` and `fit` with arrays.

"Simple MNIST convnet", https://keras.io/examples/vision/mnist_convnet/. What is given in place of
the example's own: the order of the images, since `fit` shuffles in an order of its own; arrays in
that order, and `shuffle=False`. It prints no progress.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from bench.contract import (
    Device,
    EpochBatches,
    Images,
    Labels,
    ModelSpec,
    OptimizerSpec,
    Parameters,
    require_draws,
)
from impls.keras.model import in_training
from impls.keras.on_tensorflow.adapter import KerasAdapter
from impls.keras.on_tensorflow.optimizers import Optimizer
from impls.keras.stock import StockOptimizer


class KerasTutorial(KerasAdapter):
    """`fit`, with the accuracy as a metric; images stay in NumPy arrays."""

    _fitted: keras.Model
    _as_compiled: OfSpecification
    _last: tf.Variable  # the loss of the last step
    _arrays: tuple[Images, Labels]
    _traces = 0  # of `fit`'s steps, and how many when `compiled_since` was asked last
    _traces_counted = 0

    def __init__(self, variant: str) -> None:
        super().__init__()

    def build(
        self,
        model: ModelSpec,
        parameters: Parameters,
        optimizer: OptimizerSpec,
        device: Device,
        threads: int,
    ) -> None:
        """See `Adapter.build`."""
        super().build(model, parameters, optimizer, device, threads)
        with self._placed():
            self._last = tf.Variable(0.0, trainable=False)
            self._fitted = in_training(model, self._keras_model)
            weights = [variable.value for variable in self._fitted.trainable_variables]
            order = [
                next(at for at, other in enumerate(weights) if other is one)
                for one in self._variables.values()
            ]
            self._as_compiled = OfSpecification(self._optimizer, order)
            self._fitted.compile(
                loss=self._losses, optimizer=self._as_compiled, metrics=["accuracy"]
            )

    def load(self, images: Images, labels: Labels) -> None:
        """See `Adapter.load`."""
        super().load(images, labels)
        self._arrays = np.array(images), np.array(labels)

    def train_epoch(self, epoch: EpochBatches, learning_rate: float) -> NDArray[np.float32]:
        """See `Adapter.train_epoch`."""
        self._as_compiled.learning_rate = learning_rate
        losses: list[float] = []
        images, labels = self._arrays
        with self._placed():
            for group in epoch.groups:
                require_draws(self._model, group.draws)
                rows = group.rows.ravel()
                draws = [draw.reshape(-1, *draw.shape[2:]) for draw in group.draws]
                given = images[rows]
                self._fitted.fit(
                    [given, *draws] if draws else given,
                    labels[rows],
                    batch_size=group.rows.shape[1],
                    epochs=1,
                    shuffle=False,
                    verbose=0,
                    callbacks=[Losses(self._last, losses)],
                )
        return np.array(losses, np.float32)

    def compiled_since(self) -> bool:
        """See `Adapter.compiled_since`."""
        before, self._traces_counted = self._traces_counted, self._traces
        return super().compiled_since() or before != self._traces

    def _losses(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Cross-entropies (B,); it is called where `fit` traces its step, and never else."""
        self._traces += 1
        found = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        self._last.assign(tf.reduce_mean(found))
        return found


class Losses(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the loss of each step; that of Keras's own logs is a mean over the epoch so far."""

    def __init__(self, last: tf.Variable, kept: list[float]) -> None:
        super().__init__()
        self._last, self._kept = last, kept

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """See Keras."""
        self._kept.append(float(self._last.numpy()))


class OfSpecification(keras.optimizers.Optimizer):  # type: ignore[misc]
    """The optimizer of an `OptimizerSpec` for `compile`, with its own learning rate.

    order  where in the model's weights each of the optimizer's is
    """

    def __init__(self, own: Optimizer | StockOptimizer, order: list[int]) -> None:
        super().__init__(learning_rate=0.0)
        self._own, self._order = own, order

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """See Keras; the updates are those of the plain adapter."""
        gradients = list(grads)
        self._own.apply([gradients[at] for at in self._order], self.learning_rate.value)
