# The network from its description, and its parameters as Lux has them.

const ACTIVATIONS = Dict(
    "relu" => NNlib.relu,
    "leakyrelu" => NNlib.leakyrelu,  # its slope is 0.01, see `NNlib.leakyrelu_a`
    "elu" => NNlib.elu,
    "selu" => NNlib.selu,
    "tanh" => tanh,
    "none" => identity,
)

"""A chain, the states of its layers, which have none here, and the shapes of its parameters."""
struct Network{C<:Chain,States,Shapes}
    chain::C
    states::States
    shapes::Shapes
end

"""
    Network(layers, arrays)

A `Chain` of the described layers, whose parameters are shaped like these arrays: kernel, bias,
kernel, ... in order.

`layers` is a tuple with one of these for each layer:

    ("conv", (activation, (rows, columns)))   of zeros around the image
    ("dense", activation)
    ("maxpool", (height, width)), ("averagepool", (height, width))
    ("flatten", "canonical"), ("flatten", "reversed")

the last where the features of the following dense kernel are in the order W, H, C.
"""
function Network(layers::Tuple, arrays::Tuple)
    kernels = Iterators.Stateful(map(size, arrays[1:2:end]))
    function layer((kind, detail))
        if kind == "conv"
            activation, (rows, columns) = detail
            kernel = popfirst!(kernels)
            channels, pad = kernel[3] => kernel[4], (columns, rows)
            return Conv(kernel[1:2], channels, ACTIVATIONS[activation]; pad)
        elseif kind == "dense"
            outputs, inputs = popfirst!(kernels)
            return Dense(inputs => outputs, ACTIVATIONS[detail])
        elseif kind == "averagepool"
            return MeanPool(reverse(detail))
        elseif kind == "maxpool"
            pool = FirstMaxPool(reverse(detail))
            return WrappedFunction(x -> pool(x))
        elseif kind == "flatten"
            return detail == "reversed" ? FlattenLayer() : WrappedFunction(flatten_canonical)
        end
        known = "conv, dense, maxpool, averagepool, flatten"
        throw(ArgumentError("unknown layer $kind: choose from $known"))
    end
    chain = Chain(map(layer, layers)...)
    of_its_own, states = Lux.setup(Xoshiro(0), chain)  # their values are not used
    return Network(chain, states, shapes_of(of_its_own))
end

shapes_of(array::AbstractArray) = size(array)
shapes_of(parts::NamedTuple) = map(shapes_of, parts)

"""
    arrays_over(network, p)

The parameters as Lux has them: arrays in the memory of the vector `p`, which the caller preserves.
Lux has a layer's weight before its bias, as the vector has.
"""
function arrays_over(network::Network, p::Vector{Float32})
    done = Ref(0)
    array(shape::Tuple) = unsafe_wrap(Array, pointer(p, (done[] += prod(shape)) - prod(shape) + 1), shape)
    array(shapes::NamedTuple) = map(array, shapes)
    return array(network.shapes)
end

"""Copy a gradient, structured as the parameters are, into a vector behind `done` elements."""
function copy_into!(vector, done, gradient::AbstractArray)
    copyto!(vector, done + 1, gradient, 1, length(gradient))
    return done + length(gradient)
end

copy_into!(vector, done, ::Nothing) = done  # a layer without parameters
copy_into!(vector, done, parts::NamedTuple) =
    foldl((from, part) -> copy_into!(vector, from, part), values(parts); init=done)
