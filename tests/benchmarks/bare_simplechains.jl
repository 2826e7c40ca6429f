# LeNet-5 in SimpleChains as a plain script, no Python in it: what the adapter is measured against. Its
# own loops (`train_batched!`) draw batches by themselves; this one takes them in the given order, in
# tasks with a share of each batch, as those do.
module BareSimpleChains

using SimpleChains
using SimpleChains: add_loss, align, maybe_static_size_arg, required_bytes, static, static_size, valgrad!

struct State{C}
    chain::C
    p::Vector{Float32}
    velocity::Vector{Float32}
    gradients::Vector{Vector{Float32}}
    memory::Vector{Vector{UInt8}}
    images::Array{Float32,4}  # (32, 32, 1, N)
    labels::Vector{UInt32}
    eta::Float32
    rho::Float32
end

function setup(images, labels, weights, eta, rho, tasks)
    chain = SimpleChain(
        (static(32), static(32), static(1)),
        SimpleChains.Conv(relu, (5, 5), 6),
        SimpleChains.MaxPool(2, 2),
        SimpleChains.Conv(relu, (5, 5), 16),
        SimpleChains.MaxPool(2, 2),
        Flatten(3),
        TurboDense(relu, 120),
        TurboDense(relu, 84),
        TurboDense(identity, 10),
    )
    p = reduce(vcat, (vec(Array{Float32}(w)) for w in weights))
    gradients = [zero(p) for _ in 1:tasks]
    memory = [UInt8[] for _ in 1:tasks]
    placed = Array(images), UInt32.(labels) .+ 0x1
    return State(chain, p, zero(p), gradients, memory, placed..., Float32(eta), Float32(rho))
end

function share(state, number, rows)
    x = state.images[:, :, :, rows]
    whole = add_loss(state.chain, LogitCrossEntropyLoss(state.labels[rows]))
    sizes = static_size(maybe_static_size_arg(state.chain.inputdim, x))
    bytes = Int(required_bytes(Val(Float32), whole.layers, sizes, static(0)))
    memory = state.memory[number]
    length(memory) < bytes && resize!(memory, bytes)
    return GC.@preserve memory x valgrad!(
        align(pointer(memory)), state.gradients[number], whole, x, state.p
    )
end

"""Rows from 0, (B, steps); the losses."""
function epoch!(state::State, batches)
    (; p, velocity, gradients, eta, rho) = state
    losses = Float32[]
    for rows in eachcol(Array(batches) .+ 1)
        parts = collect(Iterators.partition(rows, cld(length(rows), length(gradients))))
        others = [Threads.@spawn(share(state, number, parts[number])) for number in 2:length(parts)]
        loss = share(state, 1, parts[1])
        for (number, other) in enumerate(others)
            loss += fetch(other)::Float32
            gradients[1] .+= gradients[number+1]
        end
        n = Float32(length(rows))
        @. velocity = rho * velocity + gradients[1] / n
        @. p -= eta * velocity
        push!(losses, loss / n)
    end
    return losses
end

end
