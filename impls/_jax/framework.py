"""What holds for every library on JAX whose users take Optax, without importing them."""

from bench.frameworks import Default, Package, Switch

# Read off Optax 0.2.8. It has no argument for L2 decay outside of `adamw`: where it stands in a
# chain is what a person types.
OF_OPTAX = (
    Default("epsilon-form", "epsilon_form", "inside", "optax.rmsprop, eps_in_sqrt", ("rmsprop",)),
    Default("alpha", "alpha", 0.9, "optax.rmsprop, decay", ("rmsprop",)),
    Default(
        "momentum-form",
        "rate_in_momentum",
        True,
        "optax.rmsprop: scale_by_learning_rate stands before trace",
        ("rmsprop",),
    ),
    Default("weight-decay", "weight_decay", 1e-4, "optax.adamw, weight_decay", ("adamw",)),
)
# Of JAX and Optax, whose versions are those of all libraries on them.
PACKAGES = (Package("jax", "0.8"), Package("optax", "0.2.6"))
NO_SWITCHES = Default("switches", "switches", False, "XLA_FLAGS, which nobody has set")

# No fusions of YNNPACK in XLA on a CPU: with them jaxlib 0.10.2 computes some sums over more than
# 32,768 rows wrongly (https://github.com/jax-ml/jax/issues/39103), and this network trains slower.
# A version of XLA that does not know a flag ends the process; no later one has been tried.
SWITCHES = (
    Switch(
        "XLA_FLAGS",
        "--xla_cpu_experimental_ynn_fusion_type=",
        "no fusions of YNNPACK",
        of="jaxlib>=0.9,<0.11",
    ),
)
