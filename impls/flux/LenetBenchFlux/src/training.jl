# Loss, gradient and epoch on the CPU. Each works on a concrete network: compiled once for its type.

"""Cross-entropy of some of a batch's images, summed and divided by the size of the whole batch."""
function part_of_loss(model, images, targets, whole)
    losses = Flux.logitcrossentropy(model(images), targets; dims=1, agg=sum)
    return losses / Float32(whole)
end

"""
    loss_and_gradient(model, examples, rows, draws, parts, generators)

Mean cross-entropy over these rows and its gradient, in `parts` tasks with an even share of them.
The draws are a tuple of arrays whose last axis counts the rows; or there is a generator for each
share, and layers draw by themselves.

NNlib spreads a convolution and the gradient of its input over threads, but neither the gradient of
its kernel nor pooling, activations and dense layers. A task with a share of the batch does all of
these, and NNlib is told to start no tasks of its own.
"""
function loss_and_gradient(
    model, examples::Examples, rows::Vector{Int32}, draws::Tuple, parts, generators=Xoshiro[]
)
    whole = length(rows)
    function share(places, number)
        own = map(draw -> at(draw, places), draws)
        compute() = share_of_gradient(model, examples, view(rows, places), own, whole)
        return isempty(generators) ? compute() : drawing_from(compute, generators[number])
    end
    shares = collect(Iterators.partition(1:whole, cld(whole, parts)))
    others = [Threads.@spawn(share(shares[number], number)) for number in 2:length(shares)]
    loss, gradient = share(shares[1], 1)
    for task in others  # always in this order, so that sums are the same to the last bit
        other_loss, other = fetch(task)::Tuple{typeof(loss),typeof(gradient)}
        loss += other_loss
        add!(gradient, other)
    end
    return loss, gradient
end

"""The sum of the losses in these rows, divided by the size of the whole batch, and its gradient."""
function share_of_gradient(model, examples::Examples, rows, draws, whole)
    images, own = noisy(first(model.layers), gather(examples.images, rows), draws)
    targets = Flux.OneHotMatrix(examples.labels[rows], examples.classes)
    loss, (gradient,) = Flux.withgradient(model) do m
        Flux.logitcrossentropy(through(m, images, own), targets; dims=1, agg=sum) / Float32(whole)
    end
    return loss, gradient
end

add!(sum::AbstractArray, more::AbstractArray) = (sum .+= more; nothing)
add!(::Nothing, ::Nothing) = nothing
add!(sum::Union{Tuple,NamedTuple}, more) = foreach(add!, sum, more)

"""A step for each column of rows (B, steps), with draws (…, B, steps); adds the losses before."""
function steps!(losses, model, optimizer, examples::Examples, batches, draws, parts, generators)
    for (step, rows) in enumerate(Vector.(eachcol(batches)))
        own = map(draw -> at(draw, step), draws)
        loss, gradient = loss_and_gradient(model, examples, rows, own, parts, generators)
        Optimisers.update!(optimizer, model, gradient)
        push!(losses, loss)
    end
    return nothing
end

"""The logits (classes, B) of images (W, H, C, B), in `parts` tasks."""
function logits(model, images::Array{Float32,4}, parts)
    shares = Iterators.partition(axes(images, 4), cld(size(images, 4), parts))
    tasks = [Threads.@spawn(model(images[:, :, :, share])) for share in shares]
    return reduce(hcat, fetch.(tasks))
end
