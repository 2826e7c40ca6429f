"""
The networks of lenet-bench in SimpleChains: chain, training, what Python calls.

All parameters lie in one vector, layer by layer: a convolution's kernel (kernel_w, kernel_h, in, out),
a dense one's (out, in), each followed by its bias. Sizes of images and layers are part of a chain's
type, those of a batch are not.
"""
module LenetBenchSimpleChains

using LenetBenchJulia: CPU, Examples, add_group!, buffers, compilations, draws, gather!, gradients
using LenetBenchJulia: groups, load!, multiply, parameters, placed, predict, restore!, session, train!
using LenetBenchJulia: twin, versions_of
using Optimisers: Optimisers
using SimpleChains: SimpleChains, Conv, Flatten, LogitCrossEntropyLoss, MaxPool, SimpleChain
using SimpleChains: TurboDense, relu, static, valgrad!

import LenetBenchJulia: logits, order_of_logits, share, sum_of_losses!

include("chain.jl")
include("training.jl")

"""See `session` of LenetBenchJulia; nothing here draws, and there is no other device."""
start(layers::Tuple, arrays::Tuple, optimizer, constants::Tuple, threads, seed=nothing, device=CPU()) =
    session(Network(layers, arrays), arrays, optimizer, constants, threads)

"""What computes, in pairs of name and version."""
versions() = versions_of("simplechains" => SimpleChains, "optimisers" => Optimisers)

end
