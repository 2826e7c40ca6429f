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
    function layer((kind, detail))
        if kind == "conv"
            return Conv(next(), next(), ACTIVATIONS[detail]; stride=1, pad=0, dilation=1, groups=1)
        elseif kind == "dense"
            return Dense(next(), next(), ACTIVATIONS[detail])
        elseif kind == "maxpool"
            return FirstMaxPool(reverse(detail))
        elseif kind == "flatten"
            return detail == "flux" ? Flux.flatten : flatten_canonical
        end
        throw(ArgumentError("unknown layer $kind: choose from conv, dense, maxpool, flatten"))
    end
    return Chain(map(layer, layers)...)
end

"""The arrays of a network, or of a gradient or state of the same structure: kernel, bias, ..."""
arrays_of(chain) =
    Any[array for layer in chain.layers if has_arrays(layer) for array in (layer.weight, layer.bias)]

has_arrays(layer) = hasproperty(layer, :weight)
