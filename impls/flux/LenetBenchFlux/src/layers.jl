# What a network needs besides the layers of Flux.

"""
    PReLU(slope)

z where z > 0, else a z, with the learnt a = `only(slope)`. Flux has no such layer.
"""
struct PReLU{A<:AbstractVector}
    slope::A
end

Flux.@layer PReLU

(layer::PReLU)(z) = prelu(z, layer.slope)

prelu(z, slope) = ifelse.(z .> 0, z, slope .* z)

function ChainRulesCore.rrule(::typeof(prelu), z, slope)
    function pullback(Δ)
        dy = unthunk(Δ)
        dz = ifelse.(z .> 0, dy, slope .* dy)
        return NoTangent(), dz, summed(dy .* min.(z, 0), slope)
    end
    return prelu(z, slope), pullback
end

"""The sum of all elements, shaped as the one number of `slope`, and where it is."""
summed(x::Array, slope) = fill!(similar(slope), sum(x))
summed(x, slope) = reshape(sum(x; dims=ntuple(identity, ndims(x))), size(slope))
