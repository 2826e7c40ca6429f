"""Loss, step and epoch as TensorFlow functions; what the adapter calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import keras
import tensorflow as tf

from impls.keras_tf.optimizers import Optimizer
from impls.keras_tf.stock import StockOptimizer

Traced = Callable[..., Any]  # a function of tensors, traced for one signature


class Trainer:
    """A network with its optimizer, in functions that are traced once and never again.

    An epoch is one call: a loop over any number of steps inside TensorFlow. XLA compiles where
    `jit_compile` says so; it compiles anew for every number of steps.
    """

    def __init__(
        self,
        model: keras.Sequential,
        weights: Sequence[tf.Variable],
        optimizer: Optimizer | StockOptimizer,
        jit_compile: bool,
    ) -> None:
        """`weights` are those of the model, in the order in which gradients are wanted."""
        self._model = model
        self._weights = weights
        self._optimizer = optimizer
        self._jit_compile = jit_compile
        self._epochs: dict[int, Traced] = {}
        self._functions: list[Any] = []  # of TensorFlow, which counts the traces of each
        self._shapes: set[tuple[int, ...]] = set()  # of the indices that epochs were called with
        self._images = tf.TensorSpec(model.input_shape, tf.float32)  # (None, H, W, C)
        self._labels = tf.TensorSpec((None,), tf.int32)

    def epoch(self, batch_size: int) -> Traced:
        """(images, labels, indices (steps, batch_size), rate) → losses (steps,), for any steps."""
        if batch_size not in self._epochs:
            indices = tf.TensorSpec((None, batch_size), tf.int32)
            rate = tf.TensorSpec((), tf.float32)
            self._epochs[batch_size] = self._traced(
                self._train, self._images, self._labels, indices, rate
            )
        return self._epochs[batch_size]

    def train(
        self, images: tf.Tensor, labels: tf.Tensor, indices: tf.Tensor, rate: tf.Tensor
    ) -> tf.Tensor:
        """One step on each row of the indices (steps, B), in one call; the losses (steps,)."""
        self._shapes.add(tuple(indices.shape))
        return self.epoch(indices.shape[1])(images, labels, indices, rate)

    @property
    def compilations(self) -> int:
        """How often a function was traced or compiled; XLA compiles an epoch for each shape."""
        traces = sum(int(each.experimental_get_tracing_count()) for each in self._functions)
        return traces + (len(self._shapes) if self._jit_compile else 0)

    @cached_property
    def gradients(self) -> Traced:
        """(images, labels, indices (B,)) → loss (), gradients; for any batch size."""
        indices = tf.TensorSpec((None,), tf.int32)
        return self._traced(self._loss_and_gradients, self._images, self._labels, indices)

    @cached_property
    def logits(self) -> Traced:
        """(B, H, W, C) → (B, classes), for any batch size."""
        return self._traced(lambda images: self._model(images, training=False), self._images)

    def _traced(self, function: Traced, *signature: tf.TensorSpec) -> Traced:
        self._functions.append(
            tf.function(function, autograph=False, jit_compile=self._jit_compile)
        )
        traced: Traced = self._functions[-1].get_concrete_function(*signature)
        return traced

    def _train(
        self, images: tf.Tensor, labels: tf.Tensor, indices: tf.Tensor, rate: tf.Tensor
    ) -> tf.Tensor:
        steps = tf.shape(indices)[0]

        def step(done: tf.Tensor, losses: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            loss, gradients = self._loss_and_gradients(images, labels, indices[done])
            self._optimizer.apply(gradients, rate)
            return done + 1, losses.write(done, loss)

        _, losses = tf.while_loop(
            lambda done, _: done < steps,
            step,
            (tf.constant(0), tf.TensorArray(tf.float32, size=steps)),
            parallel_iterations=1,
        )
        return losses.stack()  # (steps,)

    def _loss_and_gradients(
        self, images: tf.Tensor, labels: tf.Tensor, indices: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Mean softmax cross-entropy over the batch, (), and its gradient for every weight."""
        batch = tf.gather(images, indices)  # (B, H, W, C)
        targets = tf.gather(labels, indices)  # (B,)
        with tf.GradientTape() as tape:
            logits = self._model(batch, training=True)  # (B, classes)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
            )
        return loss, tape.gradient(loss, self._weights)
