# The network from its description, and its parameters in their order.

const ACTIVATIONS = Dict("relu" => relu, "none" => identity)

"""
    network(layers, arrays)

A `Chain` of the described layers with copies of these arrays: kernel, bias, kernel, ... in order.

`layers` is a tuple with one of `("conv", activation)`, `("dense", activation)`,
`("maxpool", (height, width))`, `("flatten", "canonical")` and `("flatten", "flux")` for each layer,
the last where the following dense kernel is in Flux's order of features.
"""
function network(layers::Tuple, arrays::Tuple)
    remaining = Iterators.Stateful(arrays)
    next() = Array(popfirst!(remaining))
    function layer(position, (kind, detail))
        if kind == "conv"
            conv = Conv(next(), next(), ACTIVATIONS[detail]; stride=1, pad=0, dilation=1, groups=1)
            return position == 1 ? OfImages(conv) : conv
        elseif kind == "dense"
            return Dense(next(), next(), ACTIVATIONS[detail])
        elseif kind == "maxpool"
            return FirstMaxPool(reverse(detail))
        elseif kind == "flatten"
            return detail == "flux" ? Flux.flatten : flatten_canonical
        end
        throw(ArgumentError("unknown layer $kind: choose from conv, dense, maxpool, flatten"))
    end
    return Chain((layer(position, each) for (position, each) in enumerate(layers))...)
end

"""The arrays of a network, or of a gradient or state of the same structure: kernel, bias, ..."""
arrays_of(chain) = Any[array for layer in chain.layers for array in arrays_of_layer(layer)]

arrays_of_layer(layer) =
    hasproperty(layer, :weight) ? (layer.weight, layer.bias) :
    hasproperty(layer, :conv) ? (layer.conv.weight, layer.conv.bias) : ()
