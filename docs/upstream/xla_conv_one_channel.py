"""XLA on a CPU: a convolution of one channel, against the same as a sum of shifted images.

Needs JAX alone. Prints both results' largest difference, then the paired ratio of their seconds.
"""

import os
import statistics
import time

# Fusions of YNNPACK off, which jaxlib 0.10.2 computes some sums wrongly with; the ratio is alike.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_experimental_ynn_fusion_type=")

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

draw = np.random.default_rng(0)
images = jnp.asarray(draw.standard_normal((128, 32, 32, 1), np.float32))
kernel = jnp.asarray(draw.standard_normal((5, 5, 1, 6), np.float32))


@jax.jit
def convolved(x: jax.Array, w: jax.Array) -> jax.Array:
    """(B, 32, 32, 1) → (B, 28, 28, 6)."""
    numbers = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=numbers)


@jax.jit
def shifted(x: jax.Array, w: jax.Array) -> jax.Array:
    """The same: 25 products of a shifted image and six numbers, in one fused loop."""
    rows, columns = x.shape[1] - w.shape[0] + 1, x.shape[2] - w.shape[1] + 1
    places = np.ndindex(w.shape[:2])
    return sum(x[:, i : i + rows, j : j + columns] * w[i, j, 0] for i, j in places)


def seconds(function) -> float:
    begun = time.perf_counter()
    for _ in range(10):
        jax.block_until_ready(function(images, kernel))
    return (time.perf_counter() - begun) / 10


print(
    "largest difference", float(jnp.abs(convolved(images, kernel) - shifted(images, kernel)).max())
)
ratios = []
for turn in range(40):
    pair = [convolved, shifted] if turn % 2 else [shifted, convolved]
    taken = {function: seconds(function) for function in pair}
    ratios.append(taken[convolved] / taken[shifted])
low, *_, high = statistics.quantiles(ratios, n=10)
print(f"jaxlib {jax.lib.__version__}, {os.cpu_count()} CPUs: the convolution takes", end=" ")
print(f"{statistics.median(ratios):.2f} times as long ({low:.2f} to {high:.2f})")
