# What Python calls. A session holds one network, its optimizer and the training set.

"""What a session computes on."""
struct CPU end

mutable struct Session
    chain::Any  # the type is that of the network: each call below goes through one dispatch
    p::Vector{Float32}
    shapes::Any  # of the parameters
    optimizer::Any
    examples::Union{Examples,Nothing}
    shares::Vector{Share}
    layers::Tuple
end

"""
    start(layers, arrays, optimizer, constants, threads, seed=nothing, device=CPU())

A session with a new network, see `chain`, with copies of these arrays; an optimizer with empty
buffers, see `rule`, whose constants are a tuple of pairs; and no training set yet.
"""
function start(
    layers::Tuple, arrays::Tuple, optimizer, constants::Tuple, threads, seed=nothing, device=CPU()
)
    share_threads(threads)
    network, p = chain(layers, arrays), joined(arrays)
    chosen = rule(optimizer; (Symbol(name) => value for (name, value) in constants)...)
    shares = [Share(length(p)) for _ in 1:threads]
    state, shapes = Optimisers.setup(chosen, p), map(size, arrays)
    return Session(network, p, shapes, state, nothing, shares, layers)
end

"""Copy the training set: images (W, H, C, N) and labels (N,) from 0."""
function load!(session::Session, images, labels, classes)
    order = UInt32.(order_of_logits(session.layers, classes))
    session.examples = Examples(Array(images), order[Array(labels).+1], classes)
    return nothing
end

"""An epoch of these groups; see `steps!`. Touches nothing of Python's."""
function train!(session::Session, rate, groups::Vector{Any})
    (; chain, p, optimizer, examples, shares) = session
    Optimisers.adjust!(optimizer, rate)
    losses = Float32[]
    for (batches, _) in groups
        steps!(losses, shares, chain, p, optimizer, examples, batches)
    end
    return losses
end

"""A session whose parameters and optimizer are copies, on the same training set."""
function twin(session::Session)
    p, optimizer = deepcopy((session.p, session.optimizer))
    (; chain, shapes, examples, shares, layers) = session
    return Session(chain, p, shapes, optimizer, examples, shares, layers)
end

"""The logits (classes, B) of images (W, H, C, B), in the canonical order."""
function predict(session::Session, images)
    found = logits(session.chain, session.p, Array(images), length(session.shares))
    return found[order_of_logits(session.layers, size(found, 1)), :]
end

function gradients(session::Session, rows, own=())
    (; chain, p, shapes, examples, shares) = session
    loss, gradient = loss_and_gradient!(shares, chain, p, examples, Array(rows) .+ Int32(1))
    return loss, parted(gradient, shapes)
end

"""Kernel, bias, ... as copies."""
parameters(session::Session) = parted(session.p, session.shapes)

"""The buffers by name, each a vector of arrays in the order of the parameters."""
function buffers(session::Session)
    (; rule, state) = session.optimizer
    return Dict(
        String(name) => parted(buffer, session.shapes) for (name, buffer) in pairs(buffers(rule, state))
    )
end

"""Copy into the buffers, and set the count of steps taken."""
function restore!(session::Session, name_and_arrays::Tuple, steps)
    leaf = session.optimizer
    for (name, arrays) in name_and_arrays
        copyto!(buffers(leaf.rule, leaf.state)[Symbol(name)], joined(arrays))
    end
    leaf.state = after(leaf.rule, leaf.state, steps)
    return nothing
end

"""A copy of a matrix."""
placed(::Session, matrix) = Array(matrix)

"""See `product`; BLAS is no part of training, in which SimpleChains multiplies by itself."""
multiply(session::Session, factor, times) = product(factor, times, length(session.shares))

"""What computes, in pairs of name and version."""
versions() = versions_of("simplechains" => SimpleChains, "optimisers" => Optimisers)
