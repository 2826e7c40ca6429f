"""Defects of the museum that an installed version would have, run as they were reported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.system import environment

# https://github.com/jax-ml/jax/issues/39103: the last row, of 32,769, as a program computes it that
# is compiled, and as one that is not.
ROWS_BEYOND = """
import jax
import jax.numpy as jnp

rows = jnp.arange(32_769, dtype=jnp.float32)
vectors = jnp.stack([rows, jnp.zeros_like(rows), jnp.zeros_like(rows)], axis=1)
matrix = jnp.eye(3, dtype=jnp.float32)

def squares(vectors):
    return jax.vmap(lambda vector: jnp.sum((matrix @ vector) ** 2))(vectors)

print(float(jax.jit(squares)(vectors)[-1]), float(squares(vectors)[-1]))
"""


@pytest.mark.long
def test_rows_beyond_32768(framework: str) -> None:
    """With nothing set, as in the regime native: JAX 0.10.2 would give 1071645696."""
    if framework != "flax":
        pytest.skip("a defect of XLA on a CPU")
    done = subprocess.run(
        [sys.executable, "-c", ROWS_BEYOND],
        env=environment.of_worker(1, os.environ) | {"JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["1073741824.0", "1073741824.0"]
