"""LeNet-5 in Keras on TensorFlow as a plain script: what the adapter is measured against."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import tensorflow as tf
from keras import layers


def lenet5() -> keras.Sequential:
    return keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            layers.Conv2D(6, 5, activation="relu", name="conv1"),
            layers.MaxPooling2D(),  # (B, 14, 14, 6)
            layers.Conv2D(16, 5, activation="relu", name="conv2"),
            layers.MaxPooling2D(),  # (B, 5, 5, 16)
            layers.Flatten(),  # (B, 400) in the order H, W, C
            layers.Dense(120, activation="relu", name="dense1"),
            layers.Dense(84, activation="relu", name="dense2"),
            layers.Dense(10, name="dense3"),
        ]
    )


def bare(
    images: np.ndarray,
    labels: np.ndarray,
    parameters: Mapping[str, np.ndarray],
    learning_rate: float,
    momentum: float,
    device: str,
    threads: int,
) -> Callable[[np.ndarray], np.ndarray]:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_tensor_float_32_execution(False)
    where = tf.device(f"/{device.upper()}:0")
    with where:
        x, y = tf.constant(images), tf.constant(labels)
        model = lenet5()
        for layer in model.layers:
            if layer.weights:
                layer.kernel.assign(parameters[f"{layer.name}/kernel"])
                layer.bias.assign(parameters[f"{layer.name}/bias"])
        # Its buffer holds the learning rate: PyTorch's momentum as long as the rate is constant.
        optimizer = keras.optimizers.SGD(learning_rate, momentum)
        optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=device == "gpu", reduce_retracing=True)
    def train(batches):
        steps = tf.shape(batches)[0]
        losses = tf.TensorArray(tf.float32, steps)
        for step in tf.range(steps):
            rows = batches[step]
            with tf.GradientTape() as tape:
                logits = model(tf.gather(x, rows), training=True)
                loss = tf.reduce_mean(
                    tf.nn.sparse_softmax_cross_entropy_with_logits(tf.gather(y, rows), logits)
                )
            optimizer.apply(tape.gradient(loss, [v.value for v in model.trainable_variables]))
            losses = losses.write(step, loss)
        return losses.stack()

    def epoch(batches: np.ndarray) -> np.ndarray:
        with where:
            return train(tf.constant(batches)).numpy()

    return epoch
