# Training on a device with a memory and a queue of its own: whole batches, since the device spreads
# them by itself, and nothing asked of it within an epoch, since the host would wait for the answer
# and the queue would run dry. The sum of all elements is such a question, and so is whether an index
# is within bounds; a sum over dimensions stays on the device.

"""Images (W, H, C, N) in these rows, (W, H, C, B). The rows are checked: see `check_rows`."""
function gather(images::AbstractArray{Float32,4}, rows)
    each = reshape(images, :, size(images, 4))
    return reshape(@inbounds(each[:, rows]), size(images)[1:3]..., length(rows))
end

"""
    loss_and_gradient(model, examples, rows, draws)

Mean cross-entropy over these rows, (1, 1), and its gradient; all on the device.
"""
function loss_and_gradient(model, examples::Examples, rows::AbstractVector, draws::Tuple)
    images, own = noisy(first(model.layers), gather(examples.images, rows), draws)
    targets = Flux.OneHotMatrix(@inbounds(examples.labels[rows]), examples.classes)
    losses, pullback = Zygote.pullback(model) do m
        Flux.logitcrossentropy(through(m, images, own), targets; dims=1, agg=identity)  # (1, B)
    end
    share = 1 / Float32(length(rows))
    gradient, = pullback(fill!(similar(losses), share))
    return sum(losses; dims=2) .* share, gradient
end

"""
As `steps!` on a device, from step `done` of the losses on, which stay there: rows and draws of a group go
there whole.
"""
function queue_steps!(losses, done, device, model, optimizer, examples::Examples, batches, draws)
    placed, placed_draws = place(device, batches), map(draw -> place(device, draw), draws)
    for step in axes(batches, 2)
        own = map(draw -> at(draw, step), placed_draws)
        loss, gradient = loss_and_gradient(model, examples, view(placed, :, step), own)
        Optimisers.update!(optimizer, model, gradient)
        copyto!(losses, done + step, loss, 1, 1)
    end
    return nothing
end

"""BoundsError where a row is none of the images'; a device that gathers does not look."""
function check_rows(examples::Examples, groups::Vector{Any})
    for (batches, _) in groups
        check_rows(examples, batches)
    end
end

function check_rows(examples::Examples, rows)
    allowed = axes(examples.images, 4)
    for row in rows
        row in allowed || throw(BoundsError(examples.images, (:, :, :, row)))
    end
end
