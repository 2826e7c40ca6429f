"""
The networks of lenet-bench in Lux: network, training, what Python calls.

Images are (W, H, C, N), convolution kernels (kernel_w, kernel_h, in, out) flipped, dense kernels
(out, in). All parameters lie in one vector, of which Lux sees the parts as arrays.
"""
module LenetBenchLux

using LenetBenchJulia: CPU, Examples, add_group!, buffers, compilations, draws, gather, groups, load!
using LenetBenchJulia: multiply, parameters, placed, restore!, session, twin, versions_of
using LenetBenchJulia: LenetBenchJulia, Session
using LenetBenchNNlib: FirstMaxPool, flatten_canonical
using LinearAlgebra: BLAS
using Lux: Lux, Chain, Conv, CrossEntropyLoss, Dense, FlattenLayer, MeanPool, WrappedFunction
using NNlib: NNlib
using OneHotArrays: OneHotMatrix
using Optimisers: Optimisers
using PrecompileTools: @compile_workload, @setup_workload
using Random: Xoshiro
using Zygote: Zygote

import LenetBenchJulia: logits, share, sum_of_losses!

include("network.jl")
include("training.jl")
include("precompile.jl")

end
