# What Python calls. A session holds one network, its optimizer and the training set.

mutable struct Session
    model::Any  # the type is that of the network: each call below goes through one dispatch
    optimizer::Any
    examples::Union{Examples,Nothing}
    parts::Int
    factors::NTuple{3,Matrix{Float32}}  # of `multiply!`: C = A · B
    generators::Vector{Xoshiro}  # one for each share of a batch where layers draw by themselves
end

"""
    start(layers, arrays, optimizer, constants, threads, seed)

A session with a new network, see `network`, an optimizer with empty buffers, see `rule`, whose
constants are a tuple of pairs, and no training set yet. BLAS gets one thread in each of ours. A
seed is for layers that draw by themselves.
"""
function start(layers::Tuple, arrays::Tuple, optimizer, constants::Tuple, threads, seed=nothing)
    if threads > Threads.nthreads()
        throw(ArgumentError("$threads threads asked for, and Julia has $(Threads.nthreads())"))
    end
    BLAS.set_num_threads(1)
    model = network(layers, arrays)
    chosen = rule(optimizer; (Symbol(name) => value for (name, value) in constants)...)
    none = Matrix{Float32}(undef, 0, 0)
    state, own = Optimisers.setup(chosen, model), generators(seed, threads)
    return Session(model, state, nothing, threads, (none, none, none), own)
end

"""Copy the training set: images (W, H, C, N) and labels (N,) from 0."""
function load!(session::Session, images, labels, classes)
    session.examples = Examples(Array(images), UInt32.(labels) .+ UInt32(1), classes)
    return nothing
end

"""Rows (B, steps) and (r,), counted from 0, as arrays of Julia's and counted from 1."""
batches(full, rest) = (Array(full) .+ Int32(1), Array(rest) .+ Int32(1))

"""Draws as arrays of Julia's, in the order of the layers."""
draws(arrays...) = map(Array, arrays)

"""An epoch; see `steps!`. Touches nothing of Python's."""
function train!(session::Session, (full, rest), rate, of_full=(), of_rest=())
    Optimisers.adjust!(session.optimizer, rate)
    batches, remainder = (full, of_full), (rest, of_rest)
    return alone() do
        steps!(
            session.model,
            session.optimizer,
            session.examples,
            batches,
            remainder,
            session.parts,
            session.generators,
        )
    end
end

"""A session whose network, optimizer and generators are copies, on the same training set."""
function twin(session::Session)
    model, optimizer, own = deepcopy((session.model, session.optimizer, session.generators))
    return Session(model, optimizer, session.examples, session.parts, session.factors, own)
end

function predict(session::Session, images)
    copied = Array(images)
    return alone(() -> logits(session.model, copied, session.parts))
end

function gradients(session::Session, rows, own=())
    from_one = Array(rows) .+ Int32(1)
    copies = copy.(session.generators)
    loss, gradient = alone() do
        loss_and_gradient(session.model, session.examples, from_one, own, session.parts, copies)
    end
    return loss, arrays_of(gradient)
end

parameters(session::Session) = arrays_of(session.model)

"""The buffers by name, each a vector of arrays in the order of the parameters, as they are now."""
function buffers(session::Session)
    found = [buffers(leaf.rule, leaf.state) for leaf in arrays_of(session.optimizer)]
    names = keys(first(found))
    return Dict(String(name) => Any[each[name] for each in found] for name in names)
end

"""Copy into the buffers, and set the count of steps taken."""
function restore!(session::Session, name_and_arrays::Tuple, steps)
    leaves = arrays_of(session.optimizer)
    for (name, arrays) in name_and_arrays, (leaf, array) in zip(leaves, arrays)
        copyto!(buffers(leaf.rule, leaf.state)[Symbol(name)], array)
    end
    for leaf in leaves
        leaf.state = after(leaf.rule, leaf.state, steps)
    end
    return nothing
end

"""
    multiply!(session, size, times)

Multiply two matrices (size, size) so many times by `mul!`, which is what `Dense` calls.

In training every task multiplies its share of a batch with one thread of BLAS. One product is shared
out by BLAS itself here, over as many threads as there are tasks: it takes as long, and tasks with a
share of the columns each would need large matrices for that. BLAS has one thread again afterwards.
"""
function multiply!(session::Session, size, times)
    if Base.size(session.factors[1], 1) != size
        session.factors = ntuple(_ -> fill(1.0f0, size, size), 3)
    end
    C, A, B = session.factors
    BLAS.set_num_threads(session.parts)
    try
        foreach(_ -> mul!(C, A, B), 1:times)
    finally
        BLAS.set_num_threads(1)
    end
    return nothing
end

"""
    compilations()

Nanoseconds that this process has spent on compiling, in all of Julia: what `@time` reports. Julia
does not count compilations; with every one of them this grows.
"""
compilations() = Int(first(Base.cumulative_compile_time_ns()))

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
