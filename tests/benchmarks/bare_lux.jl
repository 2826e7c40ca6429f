# LeNet-5 in Lux as a plain script, no Python in it: what the adapter is measured against. Faster than
# the loop of Lux' documentation in the two ways that `bare_flux.jl` names.
module BareLux

using ChainRulesCore, Lux, NNlib, OneHotArrays, Optimisers, Random, Zygote
using LinearAlgebra: BLAS

maxpool2(x) = NNlib.maxpool(x, (2, 2))

function ChainRulesCore.rrule(::typeof(maxpool2), x)
    y = maxpool2(x)
    function back(Δ_)
        Δ = unthunk(Δ_)
        dx = similar(x)
        W, w, h = size(x, 1), size(y, 1), size(y, 2)
        @inbounds for n in 1:size(x, 3)*size(x, 4), j in 1:h, i in 1:w
            out = ((n - 1) * h + j - 1) * w + i
            a = ((n - 1) * 2h + 2j - 2) * W + 2i - 1
            b, c, d = a + 1, a + W, a + W + 1
            m, g, z = y[out], Δ[out], zero(eltype(Δ))
            A, B, C = x[a] == m, x[b] == m, x[c] == m
            dx[a] = ifelse(A, g, z)
            dx[b] = ifelse(!A & B, g, z)
            dx[c] = ifelse(!A & !B & C, g, z)
            dx[d] = ifelse(A | B | C, z, g)
        end
        return NoTangent(), dx
    end
    return y, back
end

# The learning rate outside of the momentum, as in PyTorch; Optimisers.Momentum has it inside.
struct HeavyBall <: Optimisers.AbstractRule
    eta::Float32
    rho::Float32
end

Optimisers.init(::HeavyBall, x::AbstractArray) = zero(x)

function Optimisers.apply!(o::HeavyBall, v, x, dx)
    @. v = o.rho * v + dx
    return v, Optimisers.@lazy o.eta * v
end

mutable struct State{C,P,S,O}
    chain::C
    parameters::P
    states::S
    optimizer::O
    images::Array{Float32,4}  # (32, 32, 1, N)
    labels::Vector{Int32}
    tasks::Int
end

"""Kernels come as Lux has them."""
function setup(images, labels, weights, eta, rho, tasks)
    BLAS.set_num_threads(1)
    chain = Chain(
        Conv((5, 5), 1 => 6, relu),
        WrappedFunction(maxpool2),
        Conv((5, 5), 6 => 16, relu),
        WrappedFunction(maxpool2),
        FlattenLayer(),
        Dense(400 => 120, relu),
        Dense(120 => 84, relu),
        Dense(84 => 10),
    )
    parameters, states = Lux.setup(Xoshiro(0), chain)
    w = Iterators.Stateful(map(Array, weights))
    fill_in(own) = map(array -> copyto!(array, popfirst!(w)), own)
    foreach(fill_in, parameters)
    optimizer = Optimisers.setup(HeavyBall(eta, rho), parameters)
    return State(chain, parameters, states, optimizer, Array(images), Array(labels), tasks)
end

const LOSS = CrossEntropyLoss(; agg=sum, logits=Val(true))

function share(state, rows, whole)
    x = state.images[:, :, :, rows]
    y = onehotbatch(view(state.labels, rows), 0:9)
    return Zygote.withgradient(state.parameters) do p
        LOSS(first(state.chain(x, p, state.states)), y) / whole
    end
end

add!(a::AbstractArray, b) = (a .+= b; nothing)
add!(::Nothing, ::Nothing) = nothing
add!(a, b) = foreach(add!, a, b)

"""Rows from 0, (B, steps); the losses."""
function epoch!(state::State, batches)
    losses = Float32[]
    NNlib.@disallow_spawns for rows in eachcol(Array(batches) .+ 1)
        whole = Float32(length(rows))
        some = collect(Iterators.partition(rows, cld(length(rows), state.tasks)))
        others = [Threads.@spawn(share(state, r, whole)) for r in some[2:end]]
        loss, (gradient,) = share(state, some[1], whole)
        for other in others
            more = fetch(other)
            loss += more.val
            add!(gradient, more.grad[1])
        end
        state.optimizer, state.parameters =
            Optimisers.update!(state.optimizer, state.parameters, gradient)
        push!(losses, loss)
    end
    return losses
end

end
