# Loss, gradient and epoch. Each works on a concrete network: compiled once for its type.

"""Images (W, H, C, N) in these rows, copied next to each other: (W, H, C, B)."""
function gather(images::Array{Float32,4}, rows)
    batch = similar(images, size(images)[1:3]..., length(rows))
    each = stride(images, 4)
    for (position, row) in enumerate(rows)
        0 < row <= size(images, 4) || throw(BoundsError(images, (:, :, :, row)))
        copyto!(batch, (position - 1) * each + 1, images, (row - 1) * each + 1, each)
    end
    return batch
end

"""Cross-entropy of some of a batch's images, summed and divided by the size of the whole batch."""
function part_of_loss(model, images, targets, whole)
    losses = Flux.logitcrossentropy(model(images), targets; dims=1, agg=sum)
    return losses / Float32(whole)
end

"""What training reads: images (W, H, C, N), labels (N,) from 1, the number of classes."""
struct Examples
    images::Array{Float32,4}
    labels::Vector{UInt32}
    classes::Int
end

"""
    loss_and_gradient(model, examples, rows, parts)

Mean cross-entropy over these rows and its gradient, in `parts` tasks with an even share of them.

NNlib spreads a convolution and the gradient of its input over threads, but neither the gradient of
its kernel nor pooling, activations and dense layers. A task with a share of the batch does all of
these, and NNlib is told to start no tasks of its own.
"""
function loss_and_gradient(model, examples::Examples, rows::Vector{Int32}, parts)
    whole = length(rows)
    shares = collect(Iterators.partition(rows, cld(whole, parts)))
    others = [Threads.@spawn(share_of_gradient(model, examples, share, whole)) for share in shares[2:end]]
    loss, gradient = share_of_gradient(model, examples, shares[1], whole)
    for task in others  # always in this order, so that sums are the same to the last bit
        other_loss, other = fetch(task)::Tuple{typeof(loss),typeof(gradient)}
        loss += other_loss
        add!(gradient, other)
    end
    return loss, gradient
end

"""The sum of the losses in these rows, divided by the size of the whole batch, and its gradient."""
function share_of_gradient(model, examples::Examples, rows, whole)
    images = gather(examples.images, rows)
    targets = Flux.OneHotMatrix(examples.labels[rows], examples.classes)
    loss, (gradient,) = Flux.withgradient(model) do m
        Flux.logitcrossentropy(m(images), targets; dims=1, agg=sum) / Float32(whole)
    end
    return loss, gradient
end

add!(sum::AbstractArray, more::AbstractArray) = (sum .+= more; nothing)
add!(::Nothing, ::Nothing) = nothing
add!(sum::Union{Tuple,NamedTuple}, more) = foreach(add!, sum, more)

"""A step for each column of `batches`, (B, steps), and one for `remainder`; the losses before."""
function steps!(model, optimizer, examples::Examples, batches, remainder, parts)
    losses = Float32[]
    function step!(rows)
        loss, gradient = loss_and_gradient(model, examples, rows, parts)
        Optimisers.update!(optimizer, model, gradient)
        push!(losses, loss)
    end
    foreach(step!, Vector.(eachcol(batches)))
    isempty(remainder) || step!(remainder)
    return losses
end

"""The logits (classes, B) of images (W, H, C, B), in `parts` tasks."""
function logits(model, images::Array{Float32,4}, parts)
    shares = Iterators.partition(axes(images, 4), cld(size(images, 4), parts))
    tasks = [Threads.@spawn(model(images[:, :, :, share])) for share in shares]
    return reduce(hcat, fetch.(tasks))
end
