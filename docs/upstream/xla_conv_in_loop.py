"""XLA on a CPU: the gradient of a convolution within a scan, against the same a call at a time.

Needs JAX alone. Both take the same ten steps; prints that they agree, then the paired ratio.
"""

import os
import statistics
import time

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_experimental_ynn_fusion_type=")

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

draw = np.random.default_rng(0)
images = jnp.asarray(draw.standard_normal((10, 128, 14, 14, 6), np.float32))  # ten batches
kernel = jnp.asarray(0.1 * draw.standard_normal((5, 5, 6, 16), np.float32))


def loss(w: jax.Array, x: jax.Array) -> jax.Array:
    numbers = ("NHWC", "HWIO", "NHWC")
    y = lax.conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=numbers)
    return jnp.mean(y * y)


def step(w: jax.Array, x: jax.Array) -> tuple[jax.Array, None]:
    return w - 0.1 * jax.grad(loss)(w, x), None


in_a_loop = jax.jit(lambda w, batches: lax.scan(step, w, batches)[0])
one_step = jax.jit(lambda w, x: step(w, x)[0])
batches = [jax.block_until_ready(batch) for batch in images]


def by_calls(w: jax.Array, _: jax.Array) -> jax.Array:
    for batch in batches:
        w = one_step(w, batch)
    return w


def seconds(function) -> float:
    begun = time.perf_counter()
    jax.block_until_ready(function(kernel, images))
    return time.perf_counter() - begun


apart = jnp.abs(in_a_loop(kernel, images) - by_calls(kernel, images)).max()
print("largest difference", float(apart))
ratios = []
for turn in range(40):
    pair = [in_a_loop, by_calls] if turn % 2 else [by_calls, in_a_loop]
    taken = {function: seconds(function) for function in pair}
    ratios.append(taken[in_a_loop] / taken[by_calls])
low, *_, high = statistics.quantiles(ratios, n=10)
print(f"jaxlib {jax.lib.__version__}, {os.cpu_count()} CPUs: the loop takes", end=" ")
print(f"{statistics.median(ratios):.2f} times as long ({low:.2f} to {high:.2f})")
