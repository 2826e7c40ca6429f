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
    share_threads(threads)
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

"""The factor, (n, n) and placed, so many times the product with itself, in the memory of the host;
by `mul!`, which is what `Dense` calls: see `product`."""
multiply(session::Session, factor, times) =
    on_host(product(factor, times, session.parts, () -> synchronize(session.device)))

synchronize(session::Session) = synchronize(session.device)

peak_bytes(session::Session) = peak_bytes(session.device)

libraries(session::Session) = libraries(session.device)

"""As `compilations()`, and one more for every program that was compiled for the session's device."""
compilations(session::Session) = compilations() + compiled(session.device)

"""Without tasks that NNlib would start within ours."""
alone(compute) = NNlib.@disallow_spawns compute()

"""What computes, in pairs of name and version."""
versions() = versions_of("flux" => Flux, "zygote" => Zygote, "nnlib" => NNlib, "optimisers" => Optimisers)
