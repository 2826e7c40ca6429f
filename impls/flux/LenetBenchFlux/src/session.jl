# What Python calls. A session holds one network, its optimizer and the training set.

mutable struct Session
    model::Any  # the type is that of the network: each call below goes through one dispatch
    optimizer::Any
    examples::Union{Examples,Nothing}
    parts::Int
    generators::Vector{Xoshiro}  # one for each share of a batch where layers draw by themselves
    device::Device
end

"""
    start(layers, arrays, optimizer, constants, threads, seed=nothing, device=CPU())

A session with a new network, see `network`, an optimizer with empty buffers, see `rule`, whose
constants are a tuple of pairs, and no training set yet. BLAS gets one thread in each of ours. A
seed is for layers that draw by themselves.
"""
function start(
    layers::Tuple, arrays::Tuple, optimizer, constants::Tuple, threads, seed=nothing, device=CPU()
)
    if threads > Threads.nthreads()
        throw(ArgumentError("$threads threads asked for, and Julia has $(Threads.nthreads())"))
    end
    BLAS.set_num_threads(1)
    model = network(device, layers, arrays)
    chosen = rule(optimizer; (Symbol(name) => value for (name, value) in constants)...)
    state, own = Optimisers.setup(chosen, model), generators(seed, threads)
    return Session(model, state, nothing, threads, own, device)
end

"""Copy the training set to the device: images (W, H, C, N) and labels (N,) from 0."""
function load!(session::Session, images, labels, classes)
    from_one = UInt32.(labels) .+ UInt32(1)
    (; device) = session
    session.examples = Examples(place(device, images), place(device, from_one), classes)
    return nothing
end

"""Draws as arrays of Julia's, in the order of the layers."""
draws(arrays...) = map(Array, arrays)

"""
Groups of batches, none yet. Their number is no part of a type: an epoch with a last, smaller batch
compiles nothing anew for one without.
"""
groups() = Any[]

"""Add rows (B, steps), counted from 0, with their draws: as arrays of Julia's, rows from 1."""
function add_group!(groups::Vector{Any}, rows, arrays...)
    push!(groups, (Array(rows) .+ Int32(1), draws(arrays...)))
    return nothing
end

"""An epoch of these groups; see `steps!`. Touches nothing of Python's."""
function train!(session::Session, rate, groups::Vector{Any})
    Optimisers.adjust!(session.optimizer, rate)
    return steps!(session.device, session, groups)
end

steps!(::CPU, session::Session, groups::Vector{Any}) = alone() do
    (; model, optimizer, examples, parts, generators) = session
    losses = Float32[]
    for (batches, draws) in groups
        steps!(losses, model, optimizer, examples, batches, draws, parts, generators)
    end
    return losses
end

function steps!(device::Device, session::Session, groups::Vector{Any})
    (; model, optimizer, examples) = session
    check_rows(examples, groups)
    losses = similar(examples.images, sum(Int[size(batches, 2) for (batches, _) in groups]))
    done = 0
    for (batches, draws) in groups
        queue_steps!(losses, done, device, model, optimizer, examples, batches, draws)
        done += size(batches, 2)
    end
    return on_host(losses)
end

"""A session whose network, optimizer and generators are copies, on the same training set."""
function twin(session::Session)
    model, optimizer, own = deepcopy((session.model, session.optimizer, session.generators))
    (; examples, parts, device) = session
    return Session(model, optimizer, examples, parts, own, device)
end

function predict(session::Session, images)
    copied = place(session.device, images)
    return on_host(logits(session.device, session, copied))
end

logits(::CPU, session::Session, images) =
    alone(() -> logits(session.model, images, session.parts))

logits(::Device, session::Session, images) = session.model(images)

function gradients(session::Session, rows, own=())
    loss, gradient = gradients(session.device, session, Array(rows) .+ Int32(1), own)
    return loss, Any[on_host(array) for array in arrays_of(gradient)]
end

gradients(::CPU, session::Session, rows, own) = alone() do
    (; model, examples, parts, generators) = session
    return loss_and_gradient(model, examples, rows, own, parts, copy.(generators))
end

function gradients(device::Device, session::Session, rows, own)
    check_rows(session.examples, rows)
    placed_rows, placed_own = place(device, rows), map(draw -> place(device, draw), own)
    loss, gradient = loss_and_gradient(session.model, session.examples, placed_rows, placed_own)
    return only(on_host(loss)), gradient
end

"""Kernel, bias, ... in the memory of the host; those of the CPU are not copied."""
parameters(session::Session) = Any[on_host(array) for array in arrays_of(session.model)]

"""The buffers by name, each a vector of arrays in the order of the parameters, as they are now,
in the memory of the host."""
function buffers(session::Session)
    found = [buffers(leaf.rule, leaf.state) for leaf in arrays_of(session.optimizer)]
    names = keys(first(found))
    return Dict(String(name) => Any[on_host(each[name]) for each in found] for name in names)
end

"""Copy into the buffers, and set the count of steps taken."""
function restore!(session::Session, name_and_arrays::Tuple, steps)
    leaves = arrays_of(session.optimizer)
    for (name, arrays) in name_and_arrays, (leaf, array) in zip(leaves, arrays)
        copyto!(buffers(leaf.rule, leaf.state)[Symbol(name)], on_host(array))
    end
    for leaf in leaves
        leaf.state = after(leaf.rule, leaf.state, steps)
    end
    return nothing
end

"""A copy of a matrix where the session computes."""
placed(session::Session, matrix) = place(session.device, matrix)

"""
    multiply(session, factor, times)

The factor, (n, n) and placed, multiplied so many times from the left by itself, in the memory of the
host; by `mul!`, which is what `Dense` calls.

In training on the CPU every task multiplies its share of a batch with one thread of BLAS. One product
is shared out by BLAS itself here, over as many threads as there are tasks: it takes as long, and tasks
with a share of the columns each would need large matrices for that. BLAS has one thread again
afterwards.
"""
function multiply(session::Session, factor, times)
    A, B, C = factor, copy(factor), similar(factor)
    BLAS.set_num_threads(session.parts)
    try
        for _ in 1:times
            mul!(C, A, B)
            B, C = C, B
        end
        synchronize(session.device)
    finally
        BLAS.set_num_threads(1)
    end
    return on_host(B)
end

synchronize(session::Session) = synchronize(session.device)

peak_bytes(session::Session) = peak_bytes(session.device)

libraries(session::Session) = libraries(session.device)

"""
    compilations()

Nanoseconds that this process has spent on compiling, in all of Julia: what `@time` reports. Julia
does not count compilations; with every one of them this grows.

    compilations(session)

The same, and one more for every program that was compiled for the session's device.
"""
compilations() = Int(first(Base.cumulative_compile_time_ns()))
compilations(session::Session) = compilations() + compiled(session.device)

"""Without tasks that NNlib would start within ours."""
alone(compute) = NNlib.@disallow_spawns compute()

"""What computes, in pairs of name and version."""
function versions()
    packages = ("flux" => Flux, "zygote" => Zygote, "nnlib" => NNlib, "optimisers" => Optimisers)
    libraries = join((basename(lib.libname) for lib in BLAS.get_config().loaded_libs), ", ")
    return (
        ("julia", string(VERSION)),
        ((name, string(pkgversion(package))) for (name, package) in packages)...,
        ("blas", libraries),
        ("blas_threads", string(BLAS.get_num_threads())),
        ("julia_threads", string(Threads.nthreads())),
    )
end
