# A session of a library that computes on the CPU, in tasks of Julia's, with all parameters in one
# vector. Flux, which computes on a GPU, too, and has random layers, has sessions of its own.
#
# A library's package gives a network a type, and for it
#
#     share(network, parameters)                             what a task keeps, with a `gradient`
#     sum_of_losses!(share, network, p, examples, rows)      of some rows; leaves its gradient there
#     logits(network, p, images)                             (classes, B)
#     order_of_logits(network, classes)                      where it is not the canonical one

"""What a session computes on."""
struct CPU end

mutable struct Session
    network::Any  # each call below goes through one dispatch on its type
    p::Vector{Float32}
    shapes::Any  # of the parameters
    optimizer::Any
    examples::Union{Examples,Nothing}
    shares::Vector
end

"""What a task keeps from one batch to the next; its `gradient` is a vector of so many elements."""
function share end

"""
    sum_of_losses!(share, network, p, examples, rows)

The sum of the cross-entropies in these rows; its gradient is in `share.gradient` afterwards.
"""
function sum_of_losses! end

"""The logits (classes, B) of images (W, H, C, B)."""
function logits end

"""Where in the network's logits each of the canonical ones is. Cross-entropy depends on no order."""
order_of_logits(network, classes) = 1:classes

"""
    session(network, arrays, optimizer, constants, threads)

With copies of these arrays, kernel, bias, kernel, ... in order; an optimizer with empty buffers, see
`rule`, whose constants are a tuple of pairs; and no training set yet.
"""
function session(network, arrays::Tuple, optimizer, constants::Tuple, threads)
    share_threads(threads)
    p = joined(arrays)
    chosen = rule(optimizer; (Symbol(name) => value for (name, value) in constants)...)
    shares = [share(network, length(p)) for _ in 1:threads]
    return Session(network, p, map(size, arrays), Optimisers.setup(chosen, p), nothing, shares)
end

"""Copy the training set: images (W, H, C, N) and labels (N,) from 0."""
function load!(session::Session, images, labels, classes)
    order = UInt32.(order_of_logits(session.network, classes))
    session.examples = Examples(Array(images), order[Array(labels).+1], classes)
    return nothing
end

"""An epoch of these groups; see `steps!`. Touches nothing of Python's."""
function train!(session::Session, rate, groups::Vector{Any})
    (; network, p, optimizer, examples, shares) = session
    Optimisers.adjust!(optimizer, rate)
    losses = Float32[]
    for (batches, _) in groups
        steps!(losses, shares, network, p, optimizer, examples, batches)
    end
    return losses
end

"""A step for each column of rows (B, steps), counted from 1; adds the losses before."""
function steps!(losses, shares, network, p, optimizer, examples::Examples, batches)
    for rows in eachcol(batches)
        loss, gradient = loss_and_gradient!(shares, network, p, examples, rows)
        Optimisers.update!(optimizer, p, gradient)
        push!(losses, loss)
    end
    return nothing
end

"""
    loss_and_gradient!(shares, network, p, examples, rows)

Mean cross-entropy over these rows and its gradient, which lies in the first share, in a task for each
share with an even part of the rows.
"""
function loss_and_gradient!(shares, network, p, examples::Examples, rows::AbstractVector{Int32})
    parts = collect(Iterators.partition(eachindex(rows), cld(length(rows), length(shares))))
    compute(number) =
        sum_of_losses!(shares[number], network, p, examples, view(rows, parts[number]))
    others = [Threads.@spawn(compute(number)) for number in 2:length(parts)]
    loss, gradient = compute(1), shares[1].gradient
    for (number, task) in enumerate(others)  # in this order, so that sums are the same to the last bit
        loss += fetch(task)::Float32
        gradient .+= shares[number+1].gradient
    end
    scale = 1 / Float32(length(rows))
    gradient .*= scale
    return loss * scale, gradient
end

"""A session whose parameters and optimizer are copies, on the same training set."""
function twin(session::Session)
    p, optimizer = deepcopy((session.p, session.optimizer))
    (; network, shapes, examples, shares) = session
    return Session(network, p, shapes, optimizer, examples, shares)
end

"""The logits (classes, B) of images (W, H, C, B), in the canonical order, in a task for each share."""
function predict(session::Session, images)
    (; network, p, shares) = session
    own = Array(images)
    parts = Iterators.partition(axes(own, 4), cld(size(own, 4), length(shares)))
    tasks = [Threads.@spawn(logits(network, p, own[:, :, :, part])) for part in parts]
    found = reduce(hcat, fetch.(tasks))
    return found[order_of_logits(network, size(found, 1)), :]
end

function gradients(session::Session, rows, own=())
    (; network, p, shapes, examples, shares) = session
    loss, gradient = loss_and_gradient!(shares, network, p, examples, Array(rows) .+ Int32(1))
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

"""See `product`."""
multiply(session::Session, factor, times) = product(factor, times, length(session.shares))

"""One vector of all elements, in their order."""
joined(arrays) = reduce(vcat, (vec(Array{Float32}(array)) for array in arrays))

"""Copies of the parts of a vector, in these shapes."""
function parted(vector, shapes)
    ends = cumsum(map(prod, shapes))
    return Any[
        reshape(vector[stop-prod(shape)+1:stop], shape) for (stop, shape) in zip(ends, shapes)
    ]
end
