"""
The networks of lenet-bench in Flux: model, optimizers, training.

What comes from Python are NumPy arrays with their axes reversed, so that nothing is copied on the
way: images (W, H, C, N), convolution kernels (kernel_w, kernel_h, in, out) flipped, dense kernels
(out, in). Whatever stays is copied here.
"""
module LenetBenchFlux

using ChainRulesCore: ChainRulesCore, NoTangent, unthunk
using Flux: Flux, Chain, Conv, Dense, Dropout, MeanPool
using LenetBenchJulia: Examples, add_group!, after, draws, groups, product, rule, share_threads
using LenetBenchJulia: versions_of
using LenetBenchNNlib: FirstMaxPool, flatten_canonical, to_first_maxima
using LinearAlgebra: BLAS
using NNlib: NNlib
using Optimisers: Optimisers
using PrecompileTools: @compile_workload, @setup_workload
using Random: Random, TaskLocalRNG, Xoshiro
using Zygote: Zygote

import LenetBenchJulia: buffers, compilations, gather

include("devices.jl")
include("layers.jl")
include("random.jl")
include("own_random.jl")
include("model.jl")
include("training.jl")
include("queued.jl")
include("session.jl")
include("step_parts.jl")
include("tutorial.jl")
include("precompile.jl")

end
