"""What the harness knows of Lux.jl, without importing it."""

from bench.frameworks import Default, Framework

# Read off Lux 1.31 and Optimisers 0.4. Biases are PyTorch's. Kernels are of a uniform distribution
# whose width goes with the activation of the layer, which is no initialiser of the harness's.
OWN = (
    Default("alpha", "alpha", 0.9, "Optimisers.RMSProp, ρ", ("rmsprop",)),
    Default("momentum-form", "rate_in_momentum", True, "Optimisers.Momentum, apply!", ("sgd",)),
    Default("weight-decay", "weight_decay", 0.0, "Optimisers.AdamW, λ", ("adamw",)),
)

FRAMEWORK = Framework(
    name="lux",
    title="Lux.jl",
    adapter="impls.lux.adapter:LuxAdapter",
    version="juliacall",
    modules=("juliacall",),
    install="pip install 'lenet-bench[lux]'",
    default=False,
    own=OWN,
    personal=(".julia/config/startup.jl",),
    toolchain="impls.lux.toolchain:JULIA",
)
