# The network from its description, and its parameters in their order.

# But for prelu and rrelu, which are layers of their own.
const ACTIVATIONS = Dict(
    "relu" => NNlib.relu,
    "leakyrelu" => NNlib.leakyrelu,  # its slope is 0.01, see `NNlib.leakyrelu_a`
    "elu" => NNlib.elu,
    "selu" => NNlib.selu,
    "tanh" => tanh,
    "none" => identity,
)

"""
    network(device, layers, arrays)

A `Chain` of the described layers with copies of these arrays on the device: kernel, bias, slope if
any, kernel, ... in order.

`layers` is a tuple with one of these for each layer:

    ("conv", (activation, (rows, columns)))   of zeros around the image
    ("dense", activation)
    ("prelu", nothing), ("rrelu", mean)
    ("dropout", rate), ("noise", std)
    ("drawn dropout", rate), ("drawn rrelu", mean), ("drawn noise", std)
    ("maxpool", (height, width)), ("averagepool", (height, width))
    ("flatten", "canonical"), ("flatten", "reversed")

the last where the features of the following dense kernel are in the order W, H, C. What is drawn is drawn by
the layer itself.
"""
function network(device::Device, layers::Tuple, arrays::Tuple)
    remaining = Iterators.Stateful(arrays)
    next() = place(device, popfirst!(remaining))
    function layer((kind, detail))
        if kind == "conv"
            activation, (rows, columns) = detail
            σ, pad = ACTIVATIONS[activation], (columns, columns, rows, rows)
            return Conv(next(), next(), σ; stride=1, pad=pad, dilation=1, groups=1)
        elseif kind == "dense"
            return Dense(next(), next(), ACTIVATIONS[detail])
        elseif kind == "prelu"
            return PReLU(next())
        elseif kind == "rrelu"
            return RandomSlopes(detail)
        elseif kind == "dropout"
            return MaskedDropout(detail)
        elseif kind == "noise"
            return AddedNoise()
        elseif kind == "drawn rrelu"
            return DrawnSlopes(detail)
        elseif kind == "drawn dropout"
            return Dropout(Float32(detail))
        elseif kind == "drawn noise"
            return DrawnNoise(detail)
        elseif kind == "averagepool"
            return MeanPool(reverse(detail); pad=0, stride=reverse(detail))
        elseif kind == "maxpool"
            return FirstMaxPool(reverse(detail))
        elseif kind == "flatten"
            return detail == "reversed" ? Flux.flatten : flatten_canonical
        end
        known = "conv, dense, prelu, rrelu, dropout, noise, maxpool, averagepool, flatten, and " *
            "drawn rrelu, dropout or noise"
        throw(ArgumentError("unknown layer $kind: choose from $known"))
    end
    return Chain(map(layer, layers)...)
end

"""The arrays of a network, or of a gradient or state of the same structure: kernel, bias, ..."""
arrays_of(chain) = Any[array for layer in chain.layers for array in own_arrays(layer)]

function own_arrays(layer)
    hasproperty(layer, :weight) && return (layer.weight, layer.bias)
    return hasproperty(layer, :slope) ? (layer.slope,) : ()
end
