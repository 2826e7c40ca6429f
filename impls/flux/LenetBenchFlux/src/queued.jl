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

"""As `steps!`, on a device: rows and draws go there whole, the losses come back in one transfer."""
function queued_steps!(device, model, optimizer, examples::Examples, groups::Tuple)
    check_rows(examples, (batches for (batches, _) in groups)...)
    losses = similar(examples.images, sum(size(batches, 2) for (batches, _) in groups; init=0))
    position = 0
    for (batches, draws) in groups
        placed, placed_draws = place(device, batches), map(draw -> place(device, draw), draws)
        for step in axes(batches, 2)
            own = map(draw -> at(draw, step), placed_draws)
            loss, gradient = loss_and_gradient(model, examples, view(placed, :, step), own)
            Optimisers.update!(optimizer, model, gradient)
            position += 1
            copyto!(losses, position, loss, 1, 1)
        end
    end
    return on_host(losses)
end

"""BoundsError where a row is none of the images'; a device that gathers does not look."""
function check_rows(examples::Examples, groups...)
    allowed = axes(examples.images, 4)
    for rows in groups, row in rows
        row in allowed || throw(BoundsError(examples.images, (:, :, :, row)))
    end
end
