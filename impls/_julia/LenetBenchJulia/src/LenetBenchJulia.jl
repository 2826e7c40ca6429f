"""
What the networks of lenet-bench share in all libraries of Julia: optimizers, examples, groups of
batches, what is told of the process, and sessions on the CPU.

What comes from Python are NumPy arrays with their axes reversed, so that nothing is copied on the
way. Whatever stays is copied.
"""
module LenetBenchJulia

using LinearAlgebra: BLAS, mul!
using Optimisers: Optimisers

include("optimizers.jl")
include("examples.jl")
include("process.jl")
include("session.jl")

__init__() = Base.cumulative_compile_timing(true)  # for `compilations`

end
