"""Loss, step and epoch as TensorFlow functions; what the adapter traces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from impls.keras_tf.optimizers import Optimizer

Function = Callable[..., tf.Tensor]  # traced for one signature


class Trainer:
    """A network with its optimizer, in functions that are traced once a batch size.

    An epoch is one call: a loop over steps inside TensorFlow, of any length, without a retrace.
    XLA compiles it where `jit_compile` says so; then it compiles every number of steps anew.
    """

    def __init__(
        self,
        model: keras.Sequential,
        weights: Sequence[tf.Variable],
        optimizer: Optimizer,
        jit_compile: bool,
    ) -> None:
        self._model = model
        self._weights = weights
        self._optimizer = optimizer
        self._epochs: dict[int, Function] = {}
        self._epoch = tf.function(self._train, jit_compile=jit_compile)
        self.logits = tf.function(self._logits, jit_compile=jit_compile)
        self.gradients = tf.function(self._loss_and_gradients, jit_compile=jit_compile)

    def epoch(self, batch_size: int) -> Function:
        """(images, labels, indices (steps, batch_size), rate) → losses (steps,), for any steps."""
        if batch_size not in self._epochs:
            images = tf.TensorSpec((None, *self._model.input_shape[1:]), tf.float32)
            labels = tf.TensorSpec((None,), tf.int32)
            indices = tf.TensorSpec((None, batch_size), tf.int32)
            rate = tf.TensorSpec((), tf.float32)
            self._epochs[batch_size] = self._epoch.get_concrete_function(
                images, labels, indices, rate
            )
        return self._epochs[batch_size]

    def _train(
        self, images: tf.Tensor, labels: tf.Tensor, indices: tf.Tensor, rate: tf.Tensor
    ) -> tf.Tensor:
        steps = tf.shape(indices)[0]
        losses = tf.TensorArray(tf.float32, size=steps)
        for step in tf.range(steps):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            loss, gradients = self._loss_and_gradients(images, labels, indices[step])
            self._optimizer.apply(gradients, rate)
            losses = losses.write(step, loss)
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

    def _logits(self, images: tf.Tensor) -> tf.Tensor:
        return self._model(images, training=False)  # (B, classes)
