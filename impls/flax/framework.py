"""What the harness knows of Flax, without importing it."""

from bench.frameworks import TUNED, Default, Framework, Package, Variant
from impls._jax.framework import NO_SWITCHES, OF_OPTAX, PACKAGES, SWITCHES

# Read off Flax 0.12 (flax.nnx).
OWN = (
    Default("kernel-init", "kernel", "lecun_normal", "nnx.Conv and nnx.Linear, kernel_init"),
    Default("bias-init", "bias", "zeros", "nnx.Conv and nnx.Linear, bias_init"),
    *OF_OPTAX,
    Default(
        *("generator", "generator", "own"),
        "nnx.Dropout, rngs; for RReLU and noise, of which Flax has no layer, jax.random with keys "
        "of nnx.Rngs",
    ),
    NO_SWITCHES,
)

TUTORIAL = "impls.flax.tutorial:FlaxTutorial"
# From its first example on, one change more each; in the plain adapter a step is functional.
LADDER = {
    "tutorial": "as its first example trains",
    "tutorial+memory": "batches gathered on the device, no NumPy arrays",
    "tutorial+pooling": "pooling by a maximum over slices",
}

FRAMEWORK = Framework(
    name="flax",
    title="Flax",
    adapter="impls.flax.adapter:FlaxAdapter",
    version="flax",
    modules=("jax", "flax", "optax"),
    install="pip install 'lenet-bench[flax]'",
    packages=(*PACKAGES, Package("flax", "0.12")),
    own=OWN,
    switches=SWITCHES,
    variants=(
        Variant("scan", "an epoch in one lax.scan"),
        Variant("step", "a compiled call a step"),
        *(Variant(name, does, adapter=TUTORIAL) for name, does in LADDER.items()),
        Variant(
            TUNED,
            "one channel convolved as a sum of shifted images, pooling's gradient written out",
            adapter="impls.flax.tuned:FlaxTuned",
        ),
    ),
    ladder=tuple(LADDER),
)
