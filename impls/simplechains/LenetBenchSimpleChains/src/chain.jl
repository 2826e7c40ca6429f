# The network from its description, and its parameters in their order.

const ACTIVATIONS = Dict("relu" => relu, "none" => identity)

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

"""
    order_of_logits(layers, classes)

Where in SimpleChains' logits each of the canonical ones is. They differ where a flattening is the last
layer: W, H, C from the fastest in place of C, W, H. Cross-entropy depends on no order.
"""
function order_of_logits(layers::Tuple, classes)
    kind, sizes = last(layers)
    kind == "flatten" || return collect(1:classes)
    height, width, channels = sizes
    return vec(permutedims(reshape(1:classes, width, height, channels), (3, 1, 2)))
end

"""One vector of all elements, in their order."""
joined(arrays) = reduce(vcat, (vec(Array{Float32}(array)) for array in arrays))

"""Copies of the parts of a vector, in these shapes."""
function parted(vector, shapes)
    ends = cumsum(map(prod, shapes))
    return Any[
        reshape(vector[stop-prod(shape)+1:stop], shape) for (stop, shape) in zip(ends, shapes)
    ]
end
