"""
What the networks of lenet-bench share in libraries that compute with NNlib: Flux and Lux.
"""
module LenetBenchNNlib

using ChainRulesCore: ChainRulesCore, NoTangent, unthunk
using NNlib: NNlib

"""
    FirstMaxPool((width, height))

Max pooling without padding whose stride is the window, (W, H, C, B) → (W ÷ width, H ÷ height, C, B).

The values are NNlib's, and so is everything but one thing: the gradient goes to the first maximum of
a window, its rows from top to bottom, each from left to right. NNlib's goes to the first element
that is `≈` the maximum, one that is smaller by 3.4e-4 of it included, and takes four times as long.
"""
struct FirstMaxPool{Window} end

FirstMaxPool(window::NTuple{2,Integer}) = FirstMaxPool{Int.(window)}()

(::FirstMaxPool{Window})(x::AbstractArray{<:Any,4}) where {Window} = pool(x, Val(Window))

pool(x, ::Val{Window}) where {Window} = NNlib.maxpool(x, Window; pad=0, stride=Window)

function ChainRulesCore.rrule(::typeof(pool), x::Array, window::Val)
    maxima = pool(x, window)
    pullback(Δ) = NoTangent(), to_first_maxima(unthunk(Δ), maxima, x, window), NoTangent()
    return maxima, pullback
end

"""The gradient of each window's maximum at its place in `x`, zero elsewhere."""
function to_first_maxima(Δ, maxima, x::Array, ::Val{Window}) where {Window}
    wide, high = Window
    width, height = size(x)
    columns, rows = size(maxima)
    covered = columns * wide == width && rows * high == height
    gradient = covered ? similar(x) : zero(x)
    @inbounds for plane in 1:size(x, 3)*size(x, 4), row in 1:rows, column in 1:columns
        window = ((plane - 1) * rows + row - 1) * columns + column
        corner = ((plane - 1) * height + (row - 1) * high) * width + (column - 1) * wide + 1
        maximum, given, is_open = maxima[window], Δ[window], true
        for down in 0:high-1, right in 0:wide-1  # without a branch: it is half as fast with one
            here = corner + down * width + right
            wins = is_open & (x[here] == maximum)
            gradient[here] = ifelse(wins, given, zero(given))
            is_open &= !wins
        end
    end
    return gradient
end

"""(W, H, C, B) → (C · W · H, B), the canonical order: H, W, C as NumPy counts them."""
flatten_canonical(x::AbstractArray{<:Any,4}) = reshape(permutedims(x, (3, 1, 2, 4)), :, size(x, 4))

end
