"""Parts of a training step alone, as `bench.contract.step_parts` has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from bench.contract import StepWork

Tensors = tuple[tf.Tensor, ...]


def repeated(
    once: Callable[[], Tensors], names: Sequence[str], *, compiled_by_xla: bool
) -> StepWork:
    """What does it in a loop inside TensorFlow, as an epoch is; its results have these names.

    Each time is a turn of the loop that hands its results on, so that none is left out.
    """

    @tf.function(autograph=False, jit_compile=compiled_by_xla)  # type: ignore[untyped-decorator]
    def loop(times: tf.Tensor) -> Tensors:
        def turn(done: tf.Tensor, *before: tf.Tensor) -> Tensors:
            return done + 1, *once()

        first = [tf.zeros(one.shape, one.dtype) for one in once_shaped]
        _, *made = tf.while_loop(
            lambda done, *_: done < times,
            turn,
            (tf.constant(0), *first),
            parallel_iterations=1,
        )
        return tuple(made)

    once_shaped = tf.function(once, autograph=False).get_concrete_function().structured_outputs
    last: list[Tensors] = [loop(tf.constant(1))]

    def run(times: int) -> None:
        last[0] = loop(tf.constant(times))
        tf.test.experimental.sync_devices()

    def results() -> Mapping[str, NDArray[np.float32]]:
        return {name: one.numpy() for name, one in zip(names, last[0], strict=True)}

    return StepWork(run, lambda: dict(results()))


def pulled(
    output: Callable[[tf.Tensor], tf.Tensor],
    images: tf.Tensor,
    above: tf.Tensor,
    weights: Sequence[tf.Variable],
    *,
    inputs: bool,
) -> Callable[[], Tensors]:
    """The output of the images, then the gradients at them if wanted, and of these weights."""

    def once() -> Tensors:
        with tf.GradientTape() as tape:
            tape.watch(images)
            made = output(images)
        wanted = [*([images] * inputs), *weights]
        return made, *(tape.gradient(made, wanted, above) if wanted else ())

    return once
