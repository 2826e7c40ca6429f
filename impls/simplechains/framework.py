"""What the harness knows of SimpleChains.jl, without importing it."""

from bench.frameworks import Framework

FRAMEWORK = Framework(
    name="simplechains",
    title="SimpleChains.jl",
    adapter="impls.simplechains.adapter:SimpleChainsAdapter",
    version="juliacall",
    modules=("juliacall",),
    install="pip install 'lenet-bench[simplechains]'",
    default=False,
    personal=(".julia/config/startup.jl",),
    toolchain="impls.simplechains.toolchain:JULIA",
)
