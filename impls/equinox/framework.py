"""What the harness knows of Equinox, without importing it."""

from bench.frameworks import Default, Framework, Package, Variant
from impls._jax.framework import NO_SWITCHES, OF_OPTAX, PACKAGES, SWITCHES

# Read off Equinox 0.13. Its own initial weights are the matched ones: uniform within 1/√fan_in, for
# kernels and biases alike (equinox/nn/_conv.py, equinox/nn/_linear.py).
OWN = (
    *OF_OPTAX,
    Default(
        *("generator", "generator", "own"),
        "eqx.nn.Dropout, key; for RReLU and noise, of which Equinox has no layer, jax.random",
    ),
    NO_SWITCHES,
)

FRAMEWORK = Framework(
    name="equinox",
    title="Equinox",
    adapter="impls.equinox.adapter:EquinoxAdapter",
    version="equinox",
    modules=("jax", "equinox", "optax"),
    install="pip install 'lenet-bench[equinox]'",
    packages=(*PACKAGES, Package("equinox", "0.13")),
    default=False,
    own=OWN,
    switches=SWITCHES,
    variants=(Variant("filter_jit", "a call of eqx.filter_jit a step"),),
)
