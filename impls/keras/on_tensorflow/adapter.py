"""Keras on TensorFlow behind the adapter interface."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own log is not for the reader

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from bench.contract import (
    AdapterBase,
    Device,
    Draws,
    EpochBatches,
    Gather,
    Images,
    Indices,
    Labels,
    Layers,
    Loss,
    Matrix,
    ModelSpec,
    OptimizerSpec,
    OptimizerState,
    Parameters,
    StepPart,
    StepWork,
    Update,
    require_draws,
)
from bench.errors import BenchError, NotSupportedError, UnavailableError
from impls._written.updates import FORMS
from impls.keras.backend import packages, require
from impls.keras.model import network, variables
from impls.keras.on_tensorflow.activations import FUNCTIONS
from impls.keras.on_tensorflow.optimizers import Optimizer, make_optimizer
from impls.keras.on_tensorflow.step_parts import Tensors, pulled, repeated
from impls.keras.on_tensorflow.training import Trainer, Xla, cross_entropy
from impls.keras.stock import StockOptimizer

PREDICT_BATCH = 1000  # one shape, so one trace, for any number of images
TENSORFLOW_DEVICES: dict[Device, str] = {"cpu": "/CPU:0", "gpu": "/GPU:0"}


class KerasAdapter(AdapterBase):
    """A Keras model in a training loop of its own; an epoch is one call of a `tf.function`.

    As Keras's `jit_compile="auto"` would have it, XLA compiles on a GPU and not on a CPU, where its
    convolutions are slower than TensorFlow's own, which oneDNN computes. In the variant `jit` it
    compiles each step everywhere; in the variant `step` the loop over the steps is Python's.
    """

    optimizers = FORMS

    _device: Device
    _model: ModelSpec
    _keras_model: keras.Sequential
    _variables: dict[str, tf.Variable]  # by canonical path
    _optimizer: Optimizer | StockOptimizer
    _trainer: Trainer
    _images: tf.Tensor
    _labels: tf.Tensor
    _counted = 0  # compilations, when `compiled_since` was asked last

    def __init__(self, variant: Literal["jit", "step"] | None = None) -> None:
        """UnavailableError where Keras runs on another backend already."""
        require("tensorflow")
        self._variant = variant

    def devices(self) -> tuple[Device, ...]:
        """See `Adapter.devices`."""
        return ("cpu", "gpu") if tf.config.list_physical_devices("GPU") else ("cpu",)

    def make_deterministic(self) -> None:
        """See `Adapter.make_deterministic`; what has no such operation raises."""
        tf.config.experimental.enable_op_determinism()

    def build(
        self,
        model: ModelSpec,
        parameters: Parameters,
        optimizer: OptimizerSpec,
        device: Device,
        threads: int,
    ) -> None:
        """See `Adapter.build`; the number of threads cannot change once TensorFlow has started."""
        if device not in self.devices():
            raise UnavailableError(
                "TensorFlow sees no gpu here: install tensorflow[and-cuda] in place of "
                "tensorflow-cpu, and the driver, or take the device cpu"
            )
        _configure(threads)
        self._device = device
        with self._placed():
            self._keras_model = network(model, FUNCTIONS)
            own = variables(model, self._keras_model)
            self._variables = {path: variable.value for path, variable in own.items()}
            for path, variable in self._variables.items():
                variable.assign(parameters[path])
            weights = list(self._variables.values())
            self._optimizer = make_optimizer(optimizer, list(own.values()))
            self._model = model
            self._trainer = Trainer(
                model,
                self._keras_model,
                weights,
                self._optimizer,
                xla=self._compiled_by_xla(),
                loops=self._variant != "step",
            )

    def load(self, images: Images, labels: Labels) -> None:
        """See `Adapter.load`; the whole set lies in the device's memory."""
        with self._placed():
            self._images = tf.constant(images)
            self._labels = tf.constant(labels)

    @property
    def compiles_for_steps(self) -> bool:
        """XLA compiles an epoch for a number of steps; without it, one trace serves for all."""
        return self._compiled_by_xla() == "epoch"

    def snapshot(self) -> object:
        """See `Adapter.snapshot`: the values of every variable, since traces hold on to these."""
        return [variable.numpy() for variable in self._changed()]

    def restore(self, snapshot: Any) -> None:
        """See `Adapter.restore`."""
        for variable, value in zip(self._changed(), snapshot, strict=True):
            variable.assign(value)

    def train_epoch(self, epoch: EpochBatches, learning_rate: float) -> NDArray[np.float32]:
        """See `Adapter.train_epoch`."""
        with self._placed():
            rate = tf.constant(learning_rate, tf.float32)
            losses = [tf.zeros(0)]  # something to join, in an epoch without steps too
            for group in epoch.groups:
                require_draws(self._model, group.draws)
                rows, *draws = map(tf.constant, (group.rows, *group.draws))
                losses.append(self._trainer.train(self._images, self._labels, rows, rate, draws))
            return np.asarray(tf.concat(losses, axis=0).numpy())

    def predict(self, images: Images) -> NDArray[np.float32]:
        """See `Adapter.predict`; the last batch is filled up with images of zeros."""
        padding = [(0, -len(images) % PREDICT_BATCH), (0, 0), (0, 0), (0, 0)]
        batches = np.pad(images, padding).reshape(-1, PREDICT_BATCH, *images.shape[1:])
        with self._placed():
            logits = [self._trainer.logits(tf.constant(batch)) for batch in batches]
            return np.asarray(tf.concat(logits, axis=0).numpy()[: len(images)])

    def gradients(
        self, indices: Indices, draws: Draws = ()
    ) -> tuple[float, dict[str, NDArray[np.float32]]]:
        """See `Adapter.gradients`."""
        require_draws(self._model, draws)
        with self._placed():
            seeds = [variable.numpy() for variable in self._trainer.seeds]
            loss, gradients = self._trainer.gradients(
                self._images, self._labels, *map(tf.constant, (indices, *draws))
            )
            for variable, value in zip(self._trainer.seeds, seeds, strict=True):
                variable.assign(value)
        return float(loss), _arrays(self._variables, gradients)

    def export(self) -> dict[str, NDArray[np.float32]]:
        """See `Adapter.export`."""
        return _arrays(self._variables, self._variables.values())

    def export_optimizer(self) -> OptimizerState:
        """See `Adapter.export_optimizer`."""
        buffers = {}
        for name, own in self._optimizer.buffers.items():
            sign = np.float32(self._optimizer.sign(name))
            arrays = _arrays(self._variables, own)
            buffers[name] = {path: sign * array for path, array in arrays.items()}
        return OptimizerState(int(self._optimizer.steps.numpy()), buffers)

    def restore_optimizer(self, state: OptimizerState) -> None:
        """See `Adapter.restore_optimizer`."""
        self._optimizer.steps.assign(state.steps)
        for name, own in self._optimizer.buffers.items():
            sign = np.float32(self._optimizer.sign(name))
            for path, variable in zip(self._variables, own, strict=True):
                variable.assign(sign * state.buffers[name][path])

    def synchronize(self) -> None:
        """See `Adapter.synchronize`."""
        tf.test.experimental.sync_devices()

    def compiled_since(self) -> bool:
        """Whether there were traces, or with XLA compilations for other shapes."""
        before, self._counted = self._counted, self._trainer.compilations
        return self._counted != before

    def multiply(self, matrix: Matrix, times: int) -> Matrix:
        """See `Adapter.multiply`."""
        with self._placed():
            factor = product = tf.constant(matrix)
            for _ in range(times):
                product = tf.matmul(factor, product)
        return np.asarray(product.numpy())

    def step_part(self, part: StepPart) -> StepWork:
        """See `Adapter.step_part`."""
        paths, weights = list(self._variables), list(self._variables.values())
        with self._placed():
            match part:
                case Gather():
                    rows = tf.constant(part.rows)

                    def once() -> Tensors:
                        return tf.gather(self._images, rows), tf.gather(self._labels, rows)

                    names = ["images", "labels"]
                case Layers():
                    once = pulled(
                        lambda images: self._keras_model(images, training=True),
                        self._images,
                        tf.constant(part.above),
                        weights if part.parameters else (),
                        inputs=part.inputs,
                    )
                    names = ["output", *(["inputs"] * part.inputs), *(paths * part.parameters)]
                case Loss():
                    once = pulled(
                        lambda logits: cross_entropy(logits, self._labels),
                        tf.constant(part.logits),
                        tf.constant(1.0),
                        (),
                        inputs=True,
                    )
                    names = ["loss", "logits"]
                case Update():
                    gradients = [tf.constant(part.gradients[path]) for path in paths]
                    rate = tf.constant(part.learning_rate, tf.float32)

                    def once() -> Tensors:
                        self._optimizer.apply(gradients, rate)
                        return tuple(weight.read_value() for weight in weights)

                    names = paths
            return repeated(once, names, compiled_by_xla=self._compiled_by_xla() is not None)

    def versions(self) -> dict[str, str]:
        """See `Adapter.versions`."""
        built_with = tf.sysconfig.get_build_info()
        libraries = ("cuda_version", "cudnn_version")
        threading = tf.config.threading
        return {
            **packages(),
            "tensorflow": tf.__version__,
            "numpy": np.__version__,
            "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
            "xla": self._compiled_by_xla() or "off",
            "tensor_float_32": str(tf.config.experimental.tensor_float_32_execution_enabled()),
            "intra_op_threads": str(threading.get_intra_op_parallelism_threads()),
            "inter_op_threads": str(threading.get_inter_op_parallelism_threads()),
            **{name: str(built_with[name]) for name in libraries if name in built_with},
        }

    def memory(self) -> int:
        """See `Adapter.memory`."""
        if self._device == "cpu":
            raise NotSupportedError("TensorFlow counts a GPU's memory only")
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])

    def _changed(self) -> list[tf.Variable]:
        """All that a step changes."""
        return [*self._variables.values(), *self._optimizer.variables, *self._trainer.seeds]

    def _compiled_by_xla(self) -> Xla | None:
        """What XLA compiles: a step, an epoch, or nothing."""
        if self._variant == "jit":
            return "step"
        if getattr(self, "_device", "cpu") == "cpu":
            return None
        return "step" if self._variant == "step" else "epoch"

    def _placed(self) -> AbstractContextManager[object]:
        device: AbstractContextManager[object] = tf.device(TENSORFLOW_DEVICES[self._device])
        return device


def _configure(threads: int) -> None:
    """Settings of the whole process; the same ones can be given again.

    Both pools have `threads` threads, as TensorFlow itself gives each as many as there are CPUs:
    within an operation, and for operations that do not wait for each other.
    """
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError as error:
        raise BenchError(
            f"TensorFlow has started with other settings than {threads} threads and growing GPU "
            "memory, and cannot change them: take a new process"
        ) from error


def _arrays(paths: Iterable[str], tensors: Iterable[tf.Tensor]) -> dict[str, NDArray[np.float32]]:
    """Copies, by canonical path."""
    return {path: tensor.numpy().copy() for path, tensor in zip(paths, tensors, strict=True)}
