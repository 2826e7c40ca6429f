"""What the harness knows of Flux.jl, without importing it."""

from bench.frameworks import TUNED, Default, Framework, Variant

# Read off Flux 0.16 and Optimisers 0.4. RMSProp takes no momentum, so none of its own is known;
# L2 decay is a rule of its own, WeightDecay, and its place is what a person types.
OWN = (
    Default("kernel-init", "kernel", "glorot_uniform", "Conv and Dense, init"),
    Default("bias-init", "bias", "zeros", "Conv and Dense, create_bias"),
    Default("alpha", "alpha", 0.9, "Optimisers.RMSProp, ρ", ("rmsprop",)),
    Default("momentum-form", "rate_in_momentum", True, "Optimisers.Momentum, apply!", ("sgd",)),
    Default("weight-decay", "weight_decay", 0.0, "Optimisers.AdamW, λ", ("adamw",)),
    Default(
        *("generator", "generator", "own"),
        "Flux.Dropout and NNlib.rrelu; for noise, of which Flux has no layer, randn",
    ),
)

FRAMEWORK = Framework(
    name="flux",
    title="Flux.jl",
    adapter="impls.flux.adapter:FluxAdapter",
    version="juliacall",
    modules=("juliacall",),
    install="pip install 'lenet-bench[flux]'",
    own=OWN,
    personal=(".julia/config/startup.jl",),
    toolchain="impls.flux.toolchain:JULIA",
    variants=(
        Variant(
            "tutorial", "as its first example trains", adapter="impls.flux.tutorial:FluxTutorial"
        ),
        Variant(
            TUNED, "`col2im!` without tests for the edge", adapter="impls.flux.tuned:FluxTuned"
        ),
    ),
    ladder=("tutorial",),
    for_gpu="install the driver, then python -m bench setup flux --devices gpu",
)
