"""
The networks of lenet-bench in SimpleChains: chain, training, what Python calls.

All parameters lie in one vector, layer by layer: a convolution's kernel (kernel_w, kernel_h, in, out),
a dense one's (out, in), each followed by its bias. Sizes of images and layers are part of a chain's
type, those of a batch are not.
"""
module LenetBenchSimpleChains

using LenetBenchJulia: Examples, add_group!, after, compilations, draws, gather!, groups, product
using LenetBenchJulia: rule, share_threads, versions_of
using Optimisers: Optimisers
using SimpleChains: SimpleChains, Conv, Flatten, LogitCrossEntropyLoss, MaxPool, SimpleChain
using SimpleChains: TurboDense, relu, static, valgrad!

import LenetBenchJulia: buffers

include("chain.jl")
include("training.jl")
include("session.jl")

end
