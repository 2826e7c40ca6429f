# Parts of a training step alone, as `bench/contract/step_parts.py` has them, on the CPU. Each gives a
# function that does the part once, by the tasks that training has, each with its share of the batch;
# whatever it needs is copied to where it lies in training.

"""Do it so many times, one after the other; what it gave the last time. Touches nothing of Python's."""
function repeated(once, times)
    for _ in 2:times
        once()
    end
    return once()
end

"""What `compute` makes of each share of the batch's places, in tasks of their own as in training."""
function by_shares(compute, whole, parts)
    shares = collect(Iterators.partition(1:whole, cld(whole, parts)))
    return function ()
        return alone() do
            tasks = [Threads.@spawn(compute(number)) for number in 2:length(shares)]
            return [compute(1), fetch.(tasks)...]
        end
    end, shares
end

"""A copy of these places along the last axis."""
taken(array, places) = copy(selectdim(array, ndims(array), places))

"""Images and labels of these rows, counted from 0."""
function gather_part(session::Session, rows)
    (; examples, parts) = session
    chosen = Array(rows) .+ Int32(1)
    once, shares = by_shares(length(chosen), parts) do number
        own = view(chosen, shares[number])
        return gather(examples.images, own), examples.labels[own]
    end
    return once
end

"""The network on all loaded images, and gradients from `above`, (…, B), as they are wanted."""
function layers_part(session::Session, above, inputs, parameters)
    (; model, examples, parts) = session
    images = examples.images
    given = Any[]
    once, shares = by_shares(size(images, 4), parts) do number
        return pulled(model, given[number]..., inputs, parameters)
    end
    append!(given, [(taken(images, own), taken(Array(above), own)) for own in shares])
    return function ()
        found = once()
        parameters && foreach(other -> foreach(add!, found[1][3], other[3]), found[2:end])
        return found
    end
end

"""
The output, the gradient at the images and those of the parameters, from the last layer to the
first; what is not wanted is not computed where Flux would not need to: nothing in its place.
"""
function pulled(model, images, above, inputs, parameters)
    inputs || parameters || return model(images), nothing, Any[]
    x, pulls = images, Any[]
    for layer in model.layers
        x, pull = with_pullback(layer, x)
        push!(pulls, pull)
    end
    output, gradients = x, Any[]
    for (place, pull) in enumerate(reverse(pulls))
        above, own = pull(above, inputs || place < length(pulls), parameters)
        pushfirst!(gradients, own...)
    end
    return output, inputs ? above : nothing, gradients
end

"""
    with_pullback(layer, x)

The output, and a function from the gradient there to that at the input and those of the parameters, in
their order. Zygote computes all that it is asked to differentiate for; for layers that multiply
this calls what it calls, NNlib's functions, so that one gradient can be left out.
"""
function with_pullback(layer, x)
    y, back = Zygote.pullback((own, given) -> own(given), layer, x)
    function pull(above, inputs, parameters)
        of_layer, of_input = back(above)
        return of_input, of_layer === nothing || !parameters ? () : values(of_layer)
    end
    return y, pull
end

function with_pullback(layer::Conv, x)
    dims = Flux.conv_dims(layer, x)
    y, activated = with_activation(layer.σ, NNlib.conv(x, layer.weight, dims), reshaped(layer))
    function pull(above, inputs, parameters)
        dz, db = activated(above)
        of_input = inputs ? NNlib.∇conv_data(dz, layer.weight, dims) : nothing
        return of_input, parameters ? (NNlib.∇conv_filter(x, dz, dims), vec(db)) : ()
    end
    return y, pull
end

function with_pullback(layer::Dense, x)
    y, activated = with_activation(layer.σ, layer.weight * x, layer.bias)
    function pull(above, inputs, parameters)
        dz, db = activated(above)
        return inputs ? layer.weight' * dz : nothing, parameters ? (dz * x', db) : ()
    end
    return y, pull
end

"""The bias as `Conv` adds it, (1, 1, out, 1)."""
reshaped(layer::Conv) = reshape(layer.bias, 1, 1, :, 1)

"""σ(z + bias) as layers compute it, and its pullback to z and the bias."""
function with_activation(σ, z, bias)
    y, back = ChainRulesCore.rrule(Zygote.ZygoteRuleConfig(), NNlib.bias_act!, σ, z, bias)
    return y, above -> back(above)[3:4]
end

"""The loss of logits, (classes, B), with all loaded labels, and its gradient there."""
function loss_part(session::Session, logits)
    (; examples, parts) = session
    whole = size(logits, 2)
    given = Any[]
    once, shares = by_shares(whole, parts) do number
        own, targets = given[number]
        loss, (gradient,) = Flux.withgradient(own) do z
            Flux.logitcrossentropy(z, targets; dims=1, agg=sum) / Float32(whole)
        end
        return loss, gradient
    end
    targets(own) = Flux.OneHotMatrix(examples.labels[own], examples.classes)
    append!(given, [(taken(Array(logits), own), targets(own)) for own in shares])
    return function ()
        found = once()
        return sum(first, found), reduce(hcat, last.(found))
    end
end

"""A step of the optimizer with these gradients, in the order of the parameters."""
function update_part(session::Session, arrays::Tuple, rate)
    (; model, optimizer) = session
    gradient = deepcopy(model)
    foreach(copyto!, arrays_of(gradient), arrays)
    Optimisers.adjust!(optimizer, rate)
    return function ()
        Optimisers.update!(optimizer, model, gradient)
        return nothing
    end
end

"""What `layers_part` gave, joined: the output, the gradients at the images and of the parameters."""
function joined_layers(found)
    joined(place) = cat((each[place] for each in found)...; dims=ndims(found[1][place]))
    return joined(1), found[1][2] === nothing ? nothing : joined(2), found[1][3]
end

"""What `gather_part` gave, joined; labels from 0."""
joined_examples(found) =
    cat(first.(found)...; dims=4), Int32.(reduce(vcat, last.(found))) .- Int32(1)
