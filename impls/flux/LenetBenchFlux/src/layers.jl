# What a network needs besides the layers of Flux.

"""
    FirstMaxPool(window)

Max pooling without padding whose stride is the window, (W, H, C, B) → (W ÷ w, H ÷ h, C, B).

The gradient goes to the first maximum of a window, its rows from top to bottom, each from left to
right. `Flux.MaxPool` has the same values, but its gradient goes to the first element that is `≈` the
maximum, one of 3.5e-4 less included.
"""
struct FirstMaxPool{Window} end

FirstMaxPool(window::NTuple{2,Integer}) = FirstMaxPool{Int.(window)}()

(::FirstMaxPool{Window})(x::AbstractArray{<:Any,4}) where {Window} = first_maxima(x, Val(Window))

first_maxima(x, window::Val) = first(maxima_and_places(x, window))

"""The maxima, and the linear index in `x` of each."""
function maxima_and_places(x::Array{T,4}, ::Val{Window}) where {T,Window}
    w, h = Window
    width, height, channels, batch = size(x)
    columns, rows = width ÷ w, height ÷ h
    maxima = similar(x, columns, rows, channels, batch)
    places = similar(maxima, Int32)
    @inbounds for plane in 1:channels*batch, row in 1:rows, column in 1:columns
        corner = (plane - 1) * width * height + (row - 1) * h * width + (column - 1) * w + 1
        greatest, place = x[corner], corner
        for down in 0:h-1, right in 0:w-1
            here = corner + down * width + right
            value = x[here]
            # A NaN wins and stays, so that a diverged network shows.
            wins = (value > greatest) | (isnan(value) & !isnan(greatest))
            greatest, place = ifelse(wins, value, greatest), ifelse(wins, here, place)
        end
        output = ((plane - 1) * rows + row - 1) * columns + column
        maxima[output], places[output] = greatest, place
    end
    return maxima, places
end

function ChainRulesCore.rrule(::typeof(first_maxima), x::Array, window::Val)
    maxima, places = maxima_and_places(x, window)
    function pullback(tangent)
        Δ = unthunk(tangent)
        gradient = zero(x)
        @inbounds for output in eachindex(places)  # windows do not overlap: each place occurs once
            gradient[places[output]] = Δ[output]
        end
        return NoTangent(), gradient, NoTangent()
    end
    return maxima, pullback
end

"""
    OfImages(conv)

A convolution that is a network's first layer: no gradient of its input, the images, is computed.
"""
struct OfImages{C<:Conv}
    conv::C
end

Flux.@layer OfImages

function (layer::OfImages)(images)
    conv = layer.conv
    dims = Flux.conv_dims(conv, images)
    return NNlib.bias_act!(
        conv.σ, conv_of_constant(images, conv.weight, dims), Flux.conv_reshape_bias(conv)
    )
end

conv_of_constant(x, weight, dims) = NNlib.conv(x, weight, dims)

function ChainRulesCore.rrule(::typeof(conv_of_constant), x, weight, dims)
    pullback(Δ) = NoTangent(), NoTangent(), NNlib.∇conv_filter(x, unthunk(Δ), dims), NoTangent()
    return NNlib.conv(x, weight, dims), pullback
end

"""(W, H, C, B) → (C · W · H, B), the canonical order: H, W, C as NumPy counts them."""
flatten_canonical(x::AbstractArray{<:Any,4}) = Flux.flatten(permutedims(x, (3, 1, 2, 4)))
