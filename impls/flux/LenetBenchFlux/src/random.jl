# Layers whose random numbers are given: those of Flux draw by themselves and cannot be told what.
# Called with an input alone they do what they do in evaluation.

"""x · `Scale` where a mask keeps it, else 0; both (features, B). `Scale` is 1 / (1 − rate)."""
struct MaskedDropout{Scale} end

MaskedDropout(rate::AbstractFloat) = MaskedDropout{Float32(1 / (1 - rate))}()

(::MaskedDropout)(x) = x
(::MaskedDropout{Scale})(x, mask) where {Scale} = masked(x, mask, Scale)

masked(x, mask, scale) = ifelse.(mask, x .* scale, zero(scale))

function ChainRulesCore.rrule(::typeof(masked), x, mask, scale)
    pullback(Δ) = NoTangent(), masked(unthunk(Δ), mask, scale), NoTangent(), NoTangent()
    return masked(x, mask, scale), pullback
end

"""z where z > 0, else slope · z; in evaluation with the mean of the slopes."""
struct RandomSlopes{Mean} end

RandomSlopes(mean::AbstractFloat) = RandomSlopes{Float32(mean)}()

(::RandomSlopes{Mean})(z) where {Mean} = sloped(z, Mean)
(::RandomSlopes)(z, slopes) = sloped(z, slopes)

sloped(z, slopes) = ifelse.(z .> 0, z, slopes .* z)

function ChainRulesCore.rrule(::typeof(sloped), z, slopes)
    function pullback(Δ)
        dy = unthunk(Δ)
        return NoTangent(), ifelse.(z .> 0, dy, slopes .* dy), NoTangent()
    end
    return sloped(z, slopes), pullback
end

"""Images plus noise: added by `noisy` before the network, so that nobody asks for their gradient."""
struct AddedNoise end

(::AddedNoise)(x) = x

"""The images with their noise, if the network begins with it, and the other draws."""
noisy(::Any, images, draws::Tuple) = images, draws
noisy(::AddedNoise, images, draws::Tuple{Any,Vararg}) = images .+ first(draws), Base.tail(draws)

"""The output of a network, with draws as in training: one for each layer that takes some."""
through(model, x, ::Tuple{}) = model(x)
through(model, x, draws::Tuple) = layer_by_layer(model.layers, x, draws)

layer_by_layer(::Tuple{}, x, ::Tuple{}) = x
layer_by_layer(layers::Tuple, x, draws::Tuple) =
    after_first(first(layers), Base.tail(layers), x, draws)

after_first(layer, others, x, draws) = layer_by_layer(others, layer(x), draws)
after_first(layer::Union{MaskedDropout,RandomSlopes}, others, x, draws) =
    layer_by_layer(others, layer(x, first(draws)), Base.tail(draws))

"""Of an array whose last axis counts steps, or images, one or some of them."""
at(draw::AbstractArray{<:Any,N}, step::Integer) where {N} = view(draw, ntuple(_ -> :, N - 1)..., step)
at(draw::AbstractArray{<:Any,N}, some) where {N} = draw[ntuple(_ -> :, N - 1)..., some]
