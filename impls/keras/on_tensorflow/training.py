"""Loss, step and epoch as TensorFlow functions; what the adapter calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Literal

import keras
import tensorflow as tf

from bench.contract import ModelSpec
from impls.keras.model import in_training
from impls.keras.on_tensorflow.optimizers import Optimizer
from impls.keras.stock import StockOptimizer

Traced = Callable[..., Any]  # a function of tensors, traced for one signature
Xla = Literal["step", "epoch"]


class Trainer:
    """A network with its optimizer, in functions that are traced once and never again.

    An epoch is one call: a loop over any number of steps inside TensorFlow, or with `loops` False a
    call a step. `xla` says what XLA compiles, and None that it compiles nothing. It compiles an
    epoch anew for every number of steps.
    """

    def __init__(
        self,
        spec: ModelSpec,
        model: keras.Sequential,
        weights: Sequence[tf.Variable],
        optimizer: Optimizer | StockOptimizer,
        *,
        xla: Xla | None,
        loops: bool = True,
    ) -> None:
        """`weights` are those of the model, in the order in which gradients are wanted."""
        self._model = model
        self._in_training = in_training(spec, model)
        self._drawn = spec.drawn
        self._weights = weights
        self._optimizer = optimizer
        self._xla, self._loops = xla, loops
        self._traces: dict[int, Traced] = {}  # of an epoch or a step, by the size of a batch
        self._functions: list[Any] = []  # of TensorFlow, which counts the traces of each
        self._shapes: set[tuple[int, ...]] = set()  # of the indices that epochs were called with
        self._images = tf.TensorSpec(model.input_shape, tf.float32)  # (None, H, W, C)
        self._labels = tf.TensorSpec((None,), tf.int32)

    def train(
        self,
        images: tf.Tensor,
        labels: tf.Tensor,
        indices: tf.Tensor,
        rate: tf.Tensor,
        draws: Sequence[tf.Tensor] = (),
    ) -> tf.Tensor:
        """One step on each row of the indices (steps, B); the losses (steps,).

        The draws are (steps, B, *shape).
        """
        steps, batch_size = indices.shape
        self._shapes.add((steps if self._xla == "epoch" else 1, batch_size))
        if self._loops:
            return self._traced_for(batch_size)(images, labels, indices, rate, *draws)
        step = self._traced_for(batch_size)
        batches = zip(*map(tf.unstack, (indices, *draws)), strict=True)
        return tf.stack([step(images, labels, rows, rate, *own) for rows, *own in batches])

    @property
    def seeds(self) -> list[tf.Variable]:
        """The state of each layer's own generator, for those that draw by themselves."""
        return [variable.value for variable in self._model.non_trainable_variables]

    @property
    def compilations(self) -> int:
        """How often a function was traced, or compiled by XLA for another shape."""
        traces = sum(int(each.experimental_get_tracing_count()) for each in self._functions)
        return traces + (len(self._shapes) if self._xla else 0)

    def _traced_for(self, batch_size: int) -> Traced:
        """An epoch of any number of batches of this size, or a step, as a traced function.

        (images, labels, indices, rate, *draws) → losses; the indices (steps, batch_size), the
        draws (steps, batch_size, *shape) and the losses (steps,), or all without the first axis.
        """
        if batch_size not in self._traces:
            shape = (None, batch_size) if self._loops else (batch_size,)
            self._traces[batch_size] = self._traced(
                self._epoch if self._loops else self._step,
                self._images,
                self._labels,
                tf.TensorSpec(shape, tf.int32),
                tf.TensorSpec((), tf.float32),
                *self._specs(shape),
            )
        return self._traces[batch_size]

    @cached_property
    def gradients(self) -> Traced:
        """(images, labels, indices (B,), *draws) → loss (), gradients; for any batch size."""
        indices = tf.TensorSpec((None,), tf.int32)
        return self._traced(
            *(self._loss_and_gradients, self._images, self._labels, indices),
            *self._specs((None,)),
        )

    @cached_property
    def logits(self) -> Traced:
        """(B, H, W, C) → (B, classes), for any batch size."""
        return self._traced(lambda images: self._model(images, training=False), self._images)

    def _specs(self, leading: tuple[int | None, ...]) -> list[tf.TensorSpec]:
        """Of the draws."""
        return [tf.TensorSpec((*leading, *one.shape), one.dtype) for one in self._drawn]

    def _traced(self, function: Traced, *signature: tf.TensorSpec) -> Traced:
        # Within an epoch XLA compiles the step alone, which its part of the loop calls.
        in_parts = self._xla == "step" and function == self._epoch
        self._functions.append(
            tf.function(
                function, autograph=False, jit_compile=self._xla is not None and not in_parts
            )
        )
        traced: Traced = self._functions[-1].get_concrete_function(*signature)
        return traced

    def _epoch(
        self,
        images: tf.Tensor,
        labels: tf.Tensor,
        indices: tf.Tensor,
        rate: tf.Tensor,
        *draws: tf.Tensor,
    ) -> tf.Tensor:
        steps = tf.shape(indices)[0]
        take = self._step
        if self._xla == "step":
            take = tf.function(self._step, autograph=False, jit_compile=True)

        def step(done: tf.Tensor, losses: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            own = [draw[done] for draw in draws]
            return done + 1, losses.write(done, take(images, labels, indices[done], rate, *own))

        _, losses = tf.while_loop(
            lambda done, _: done < steps,
            step,
            (tf.constant(0), tf.TensorArray(tf.float32, size=steps)),
            parallel_iterations=1,
        )
        return losses.stack()  # (steps,)

    def _step(
        self,
        images: tf.Tensor,
        labels: tf.Tensor,
        rows: tf.Tensor,
        rate: tf.Tensor,
        *draws: tf.Tensor,
    ) -> tf.Tensor:
        """One step on the images in these rows, (B,); the loss before it, ()."""
        loss, gradients = self._loss_and_gradients(images, labels, rows, *draws)
        self._optimizer.apply(gradients, rate)
        return loss

    def _loss_and_gradients(
        self, images: tf.Tensor, labels: tf.Tensor, indices: tf.Tensor, *draws: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Mean softmax cross-entropy over the batch, (), and its gradient for every weight."""
        batch = tf.gather(images, indices)  # (B, H, W, C)
        targets = tf.gather(labels, indices)  # (B,)
        with tf.GradientTape() as tape:
            inputs = [batch, *draws] if draws else batch
            logits = self._in_training(inputs, training=True)  # (B, classes)
            loss = cross_entropy(logits, targets)
        return loss, tape.gradient(loss, self._weights)


def cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Mean over the batch, (), of logits (B, classes) and labels (B,)."""
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    )
