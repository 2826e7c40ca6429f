# What is told of the process, and what it can do.

"""Raises an error where Julia has fewer threads; BLAS gets one thread in each of them."""
function share_threads(threads)
    if threads > Threads.nthreads()
        throw(ArgumentError("$threads threads asked for, and Julia has $(Threads.nthreads())"))
    end
    BLAS.set_num_threads(1)
    return nothing
end

"""
    product(factor, times, threads, synchronize=() -> nothing)

The factor, (n, n), multiplied so many times from the left by itself by `mul!`, over so many threads of
BLAS, which has one again afterwards.

In training on the CPU every task multiplies its share of a batch with one thread of BLAS. One product
is shared out by BLAS itself here, over as many threads as there are tasks: it takes as long, and tasks
with a share of the columns each would need large matrices for that.
"""
function product(factor, times, threads, synchronize=() -> nothing)
    A, B, C = factor, copy(factor), similar(factor)
    BLAS.set_num_threads(threads)
    try
        for _ in 1:times
            mul!(C, A, B)
            B, C = C, B
        end
        synchronize()
    finally
        BLAS.set_num_threads(1)
    end
    return B
end

"""
    compilations()

Nanoseconds that this process has spent on compiling, in all of Julia: what `@time` reports. Julia
does not count compilations; with every one of them this grows.
"""
compilations() = Int(first(Base.cumulative_compile_time_ns()))

"""What computes, in pairs of name and version: Julia, these packages by their names, BLAS."""
function versions_of(packages...)
    libraries = join((basename(lib.libname) for lib in BLAS.get_config().loaded_libs), ", ")
    return (
        ("julia", string(VERSION)),
        ((name, string(pkgversion(package))) for (name, package) in packages)...,
        ("blas", libraries),
        ("blas_threads", string(BLAS.get_num_threads())),
        ("julia_threads", string(Threads.nthreads())),
    )
end
