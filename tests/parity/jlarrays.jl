# A device without a GPU: JLArrays, the reference of GPUArrays, which CUDA.jl's arrays are built on, too.
# Its arrays take the same code on the CPU, and refuse the same: no single element is read or written.
# What cuDNN does for CUDA's arrays, NNlib does here on the host.
module OnJLArrays

using JLArrays: GPUArrays, JLArray, JLArrays
using LenetBenchFlux: LenetBenchFlux, on_host
using NNlib: NNlib

JLArrays.allowscalar(false)

struct Reference <: LenetBenchFlux.Device end

LenetBenchFlux.place(::Reference, x) = JLArray(on_host(x))
LenetBenchFlux.synchronize(::Reference) = nothing
LenetBenchFlux.peak_bytes(::Reference) = 7
LenetBenchFlux.libraries(::Reference) = (("jlarrays", string(pkgversion(JLArrays))),)
LenetBenchFlux.compiled(::Reference) = 0

"""How often something was asked of the device: each is a copy to the host, if only of one number."""
const asked = Ref(0)

"""Copies that a library for this device would not make."""
function library(compute)
    before = asked[]
    result = compute()
    asked[] = before
    return result
end

# As JLArrays has it, and counted.
function Base.copyto!(
    host::Array{T}, to::Integer, array::JLArray{T}, from::Integer, count::Integer
) where {T}
    asked[] += 1
    GC.@preserve array copyto!(host, to, JLArrays.typed_data(array), from, count)
    return host
end

# As JLArrays has it, element by element where CUDA.jl has a kernel.
function GPUArrays.mapreducedim!(
    f, op, R::JLArrays.AnyJLArray, A::Union{AbstractArray,Broadcast.Broadcasted}; init=nothing
)
    if init !== nothing
        fill!(R, init)
    end
    in_place(x) = JLArrays.adapt(JLArrays.ArrayNoCopy(), x)
    library(() -> GPUArrays.@allowscalar Base.reducedim!(op, in_place(R), in_place(map(f, A))))
    return R
end

const Four = JLArray{Float32,4}

for name in (:conv!, :∇conv_data!, :∇conv_filter!)
    @eval NNlib.$name(y::Four, a::Four, b::Four, dims::NNlib.DenseConvDims; options...) =
        library(() -> copyto!(y, NNlib.$name(Array(y), Array(a), Array(b), dims; options...)))
end

# NNlib's own asks whether all is finite.
NNlib.logsoftmax!(y::JLArray{Float32}, x::JLArray{Float32}; dims=1) =
    library(() -> copyto!(y, NNlib.logsoftmax(Array(x); dims)))

for name in (:maxpool!, :meanpool!)
    @eval NNlib.$name(y::Four, x::Four, dims::NNlib.PoolDims; options...) =
        library(() -> copyto!(y, NNlib.$name(Array(y), Array(x), dims; options...)))
end

NNlib.∇meanpool!(dx::Four, dy::Four, y::Four, x::Four, dims::NNlib.PoolDims; options...) =
    library() do
        copyto!(dx, NNlib.∇meanpool!(Array(dx), Array(dy), Array(y), Array(x), dims; options...))
    end

# As cuDNN's, and unlike NNlib's on the CPU, it gives to the element that is the maximum.
NNlib.∇maxpool!(dx::Four, dy::Four, y::Four, x::Four, dims::NNlib.PoolDims; options...) =
    library() do
        window = Val(NNlib.kernel_size(dims))
        copyto!(dx, LenetBenchFlux.to_first_maxima(Array(dy), Array(y), Array(x), window))
    end

end
