# Loss, gradient and epoch. Each works on a concrete chain: compiled once for its type.

"""What a task needs for its share of a batch; memory that is kept from one batch to the next."""
mutable struct Share
    gradient::Vector{Float32}
    images::Array{Float32,4}
    labels::Vector{UInt32}
    memory::Vector{UInt8}
end

Share(parameters) = Share(zeros(Float32, parameters), zeros(Float32, 0, 0, 0, 0), UInt32[], UInt8[])

"""
    sum_of_losses!(share, chain, p, examples, rows)

The sum of the cross-entropies in these rows; its gradient is in `share.gradient` afterwards.

SimpleChains keeps its memory for each task. Ours are new ones for each batch, so that it is given
what the share has.
"""
function sum_of_losses!(share::Share, chain, p, examples::Examples, rows)
    if length(share.labels) != length(rows)
        share.images = similar(examples.images, size(examples.images)[1:3]..., length(rows))
        share.labels = similar(share.labels, length(rows))
    end
    (; gradient, images, labels) = share
    gather!(images, examples.images, rows)
    for (position, row) in enumerate(rows)
        labels[position] = examples.labels[row]
    end
    whole = SimpleChains.add_loss(chain, LogitCrossEntropyLoss(labels))
    sized = SimpleChains.maybe_static_size_arg(chain.inputdim, images)
    size_of_all = SimpleChains.static_size(sized)
    bytes = SimpleChains.required_bytes(Val(Float32), whole.layers, size_of_all, static(0))
    length(share.memory) < bytes && resize!(share.memory, Int(bytes))
    (; memory) = share
    GC.@preserve memory images begin
        return valgrad!(SimpleChains.align(pointer(memory)), gradient, whole, images, p)
    end
end

"""
    loss_and_gradient!(shares, chain, p, examples, rows)

Mean cross-entropy over these rows and its gradient, which lies in the first share, in a task for each
share with an even part of the rows. So do SimpleChains' own loops, which draw their batches
themselves.
"""
function loss_and_gradient!(shares, chain, p, examples::Examples, rows::AbstractVector{Int32})
    parts = collect(Iterators.partition(eachindex(rows), cld(length(rows), length(shares))))
    compute(number) =
        sum_of_losses!(shares[number], chain, p, examples, view(rows, parts[number]))
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

"""A step for each column of rows (B, steps), counted from 1; adds the losses before."""
function steps!(losses, shares, chain, p, optimizer, examples::Examples, batches)
    for rows in eachcol(batches)
        loss, gradient = loss_and_gradient!(shares, chain, p, examples, rows)
        Optimisers.update!(optimizer, p, gradient)
        push!(losses, loss)
    end
    return nothing
end

"""The logits (classes, B) of images (W, H, C, B), in so many tasks."""
function logits(chain, p, images::Array{Float32,4}, parts)
    shares = Iterators.partition(axes(images, 4), cld(size(images, 4), parts))
    tasks = [Threads.@spawn(collect(chain(images[:, :, :, share], p))) for share in shares]
    return reduce(hcat, fetch.(tasks))::Matrix{Float32}
end
