# The network from its description, and its parameters in their order.

const ACTIVATIONS = Dict("relu" => relu, "tanh" => tanh, "none" => identity)

"""
    chain(layers, arrays)

A `SimpleChain` of the described layers, whose parameters are shaped like these arrays: kernel, bias,
kernel, ... in order.

`layers` is a tuple that begins with ("input", (height, width, channels)), and has one of these for
each layer:

    ("conv", (activation, (0, 0)))
    ("dense", activation)
    ("maxpool", (height, width))
    ("flatten", "reversed"), or as the last one ("flatten", (height, width, channels))
"""
function chain(layers::Tuple, arrays::Tuple)
    kernels = Iterators.Stateful(arrays[1:2:end])
    function layer((kind, detail))
        if kind == "conv"
            kernel = popfirst!(kernels)
            return Conv(ACTIVATIONS[first(detail)], size(kernel)[1:2], size(kernel, 4))
        elseif kind == "dense"
            return TurboDense(ACTIVATIONS[detail], size(popfirst!(kernels), 1))
        elseif kind == "maxpool"
            return MaxPool(reverse(detail))
        elseif kind == "flatten"
            return Flatten(3)
        end
        throw(ArgumentError("unknown layer $kind: choose from conv, dense, maxpool, flatten"))
    end
    height, width, channels = last(first(layers))
    input = map(static, (width, height, channels))
    return SimpleChain(input, map(layer, Base.tail(layers)))
end

"""A chain and the layers that it was made of."""
struct Network{Chain<:SimpleChain}
    chain::Chain
    layers::Tuple
end

Network(layers::Tuple, arrays::Tuple) = Network(chain(layers, arrays), layers)

"""
They differ where a flattening is the last layer: W, H, C from the fastest in place of C, W, H.
"""
function order_of_logits(network::Network, classes)
    kind, sizes = last(network.layers)
    kind == "flatten" || return 1:classes
    height, width, channels = sizes
    return vec(permutedims(reshape(1:classes, width, height, channels), (3, 1, 2)))
end
