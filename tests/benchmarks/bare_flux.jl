# LeNet-5 in Flux as a plain script, no Python in it: what the adapter is measured against.
#
# Faster than the loop of Flux' documentation in two ways. Each task takes its share of a batch through
# the whole network, so that every thread is busy with all of it and not with convolutions alone. And
# the gradient of max pooling looks for the element that is the maximum, not for one that is `≈` it,
# which also makes it the gradient of the other frameworks.
module BareFlux

using ChainRulesCore, Flux, NNlib, Optimisers
using LinearAlgebra: BLAS

struct Pool end  # 2×2

(::Pool)(x) = maxpool2(x)
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
        return NoTangent(), dx, NoTangent()
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

struct State{M,O}
    model::M
    optimizer::O
    images::Array{Float32,4}  # (32, 32, 1, N)
    labels::Vector{Int32}
    tasks::Int
end

"""Kernels come as Flux has them."""
function setup(images, labels, weights, eta, rho, tasks)
    BLAS.set_num_threads(1)
    w = map(Array, weights)
    model = Chain(
        Conv(w[1], w[2], relu),
        Pool(),
        Conv(w[3], w[4], relu),
        Pool(),
        Flux.flatten,
        Dense(w[5], w[6], relu),
        Dense(w[7], w[8], relu),
        Dense(w[9], w[10]),
    )
    optimizer = Flux.setup(HeavyBall(eta, rho), model)
    return State(model, optimizer, Array(images), Array(labels), tasks)
end

function share(model, images, labels, rows, whole)
    x = images[:, :, :, rows]
    y = Flux.onehotbatch(view(labels, rows), 0:9)
    return Flux.withgradient(m -> Flux.logitcrossentropy(m(x), y; agg=sum) / whole, model)
end

add!(a::AbstractArray, b) = (a .+= b; nothing)
add!(::Nothing, b) = nothing
add!(a, b) = foreach(add!, a, b)

"""Rows from 0, (B, steps); the losses."""
function epoch!(state::State, batches)
    (; model, optimizer, images, labels, tasks) = state
    losses = Float32[]
    NNlib.@disallow_spawns for rows in eachcol(Array(batches) .+ 1)
        whole = Float32(length(rows))
        some = collect(Iterators.partition(rows, cld(length(rows), tasks)))
        others = [Threads.@spawn(share(model, images, labels, r, whole)) for r in some[2:end]]
        loss, (gradient,) = share(model, images, labels, some[1], whole)
        for other in others
            more = fetch(other)
            loss += more.val
            add!(gradient, more.grad[1])
        end
        Flux.update!(optimizer, model, gradient)
        push!(losses, loss)
    end
    return losses
end

end
