# Layers that draw by themselves, from the generator of the task that they run in: `NNlib.rrelu` knows
# no other, and it is what `Flux.Dropout` takes unless told.

"""NNlib's `rrelu`, a slope an element, within a gradient; otherwise with the mean of the slopes."""
struct DrawnSlopes{Mean} end

DrawnSlopes(mean::AbstractFloat) = DrawnSlopes{Float32(mean)}()

function (::DrawnSlopes{Mean})(z) where {Mean}
    return NNlib.within_gradient(z) ? NNlib.rrelu.(z) : sloped(z, Mean)
end

"""
Normal noise of this standard deviation on the images. Flux has no such layer. Added by `noisy`
before the network, so that nobody asks for the gradient of the images.
"""
struct DrawnNoise
    std::Float32
end

(::DrawnNoise)(x) = x

noisy(layer::DrawnNoise, images, draws::Tuple) =
    images .+ layer.std .* randn(Float32, size(images)), draws

"""
    generators(seed, parts)

A generator for each share of a batch, so that what a share draws does not depend on when its task
runs. None where there is no seed.
"""
generators(::Nothing, parts) = Xoshiro[]

function generators(seed, parts)
    first_of_all = Xoshiro(UInt64(seed))
    return [Xoshiro(rand(first_of_all, UInt64)) for _ in 1:parts]
end

"""Compute with this generator in place of the task's own, which is afterwards as it was."""
function drawing_from(compute, generator::Xoshiro)
    of_task = TaskLocalRNG()
    before = copy(of_task)
    copy!(of_task, generator)
    try
        return compute()
    finally
        copy!(generator, of_task)
        copy!(of_task, before)
    end
end
