"""
lenet-bench's networks in Flux on an NVIDIA GPU, by CUDA.jl and cuDNN.

A package of its own, so that neither is loaded, or needed, where nobody asks for a GPU. All that is
computed is in LenetBenchFlux; Flux and NNlib call cuDNN and cuBLAS where arrays are CUDA's.
"""
module LenetBenchFluxCUDA

using CUDA: CUDA, CuArray
using LenetBenchFlux: LenetBenchFlux
using cuDNN: cuDNN

"""The GPU that CUDA.jl takes: the first that is visible."""
struct GPU <: LenetBenchFlux.Device end

"""
    gpu()

The GPU, held to float32; an error of one line where it cannot be used.

cuBLAS takes TF32 only in CUDA.jl's `FAST_MATH`. cuDNN takes it in all of CUDA.jl's modes: none of them
is `CUDNN_FMA_MATH`, and cuDNN's documentation of `cudnnMathType_t` names NVIDIA_TF32_OVERRIDE=0 as
what forbids it in the others. NVIDIA's libraries read that when they are loaded.
"""
function gpu()
    CUDA.functional(true)  # an error with the reason where it is not
    cuDNN.has_cudnn() || error("cuDNN is not found, or none for this version of CUDA")
    if get(ENV, "NVIDIA_TF32_OVERRIDE", "") != "0"
        error("NVIDIA_TF32_OVERRIDE is not 0, so that cuDNN would compute in TF32")
    end
    CUDA.allowscalar(false)
    CUDA.math_mode!(CUDA.DEFAULT_MATH)  # `julia --math-mode=fast` would begin with FAST_MATH
    return GPU()
end

LenetBenchFlux.place(::GPU, x) = CuArray(LenetBenchFlux.on_host(x))

LenetBenchFlux.synchronize(::GPU) = CUDA.device_synchronize()

"""The pool's own record since the process began: what arrays and cuDNN's workspaces have taken, with
those that Julia's collector had not freed yet. Nothing where there is no pool."""
function LenetBenchFlux.peak_bytes(::GPU)
    device = CUDA.device()
    CUDA.stream_ordered(device) || return nothing
    pool = CUDA.pool_create(device)  # the one that there is
    return Int(CUDA.attribute(UInt64, pool, CUDA.MEMPOOL_ATTR_USED_MEM_HIGH))
end

LenetBenchFlux.libraries(::GPU) = (
    ("cuda_jl", string(pkgversion(CUDA))),
    ("cuda", string(CUDA.runtime_version())),
    ("cuda_driver", string(CUDA.driver_version())),
    ("cudnn", string(cuDNN.version())),
    ("gpu", CUDA.name(CUDA.device())),
    ("tf32", "off"),
)

"""The GPU and its libraries in one line."""
described() = join(("$name $version" for (name, version) in LenetBenchFlux.libraries(gpu())), ", ")

"""Kernels that CUDA.jl has compiled: each is kept until the process ends."""
LenetBenchFlux.compiled(::GPU) = length(CUDA.compiler_cache(CUDA.context()))

end
