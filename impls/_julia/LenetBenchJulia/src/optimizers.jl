# The optimizers in PyTorch's definitions, as rules of Optimisers.jl. Constants are formed in Float64.
# `Optimisers.adjust!` gives each epoch its learning rate, `eta`; none of it enters a buffer.

"""g ← g + λx;  v ← μv + g;  x ← x − ηv. Without μ there is no v."""
struct SGD <: Optimisers.AbstractRule
    eta::Float64
    momentum::Float64
    decay::Float64
end

Optimisers.init(rule::SGD, x::AbstractArray) = iszero(rule.momentum) ? nothing : zero(x)

function Optimisers.apply!(rule::SGD, ::Nothing, x::AbstractArray{T}, g) where {T}
    η, λ = T(rule.eta), T(rule.decay)
    return nothing, Optimisers.@lazy η * (g + λ * x)
end

function Optimisers.apply!(rule::SGD, v, x::AbstractArray{T}, g) where {T}
    η, μ, λ = T(rule.eta), T(rule.momentum), T(rule.decay)
    @. v = μ * v + (g + λ * x)
    return v, Optimisers.@lazy η * v
end

"""g ← g + λx;  s ← αs + (1 − α)g²;  b ← μb + g/(√s + ε);  x ← x − ηb. Without μ there is no b."""
struct RMSprop <: Optimisers.AbstractRule
    eta::Float64
    alpha::Float64
    epsilon::Float64
    momentum::Float64
    decay::Float64
end

Optimisers.init(rule::RMSprop, x::AbstractArray) =
    (zero(x), iszero(rule.momentum) ? nothing : zero(x))

function Optimisers.apply!(rule::RMSprop, (s, b), x::AbstractArray{T}, g) where {T}
    η, α, ᾱ, ε = T(rule.eta), T(rule.alpha), T(1 - rule.alpha), T(rule.epsilon)
    μ, λ = T(rule.momentum), T(rule.decay)
    @. s = α * s + ᾱ * abs2(g + λ * x)
    if b === nothing
        return (s, b), Optimisers.@lazy η * ((g + λ * x) / (sqrt(s) + ε))
    end
    @. b = μ * b + (g + λ * x) / (sqrt(s) + ε)
    return (s, b), Optimisers.@lazy η * b
end

"""
g ← g + λx;  m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²;
x ← x − ηκx − η · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε). AdamW has κ instead of λ.
"""
struct Adam <: Optimisers.AbstractRule
    eta::Float64
    beta1::Float64
    beta2::Float64
    epsilon::Float64
    decay::Float64
    decoupled::Float64
end

Optimisers.init(::Adam, x::AbstractArray) = (zero(x), zero(x), 0)

function Optimisers.apply!(rule::Adam, (m, v, taken), x::AbstractArray{T}, g) where {T}
    t = taken + 1
    β₁, β̄₁, β₂, β̄₂ = T.((rule.beta1, 1 - rule.beta1, rule.beta2, 1 - rule.beta2))
    ε, λ, ηκ = T(rule.epsilon), T(rule.decay), T(rule.eta * rule.decoupled)
    # In Float64, since Float32 has few digits of 1 − 0.999ᵗ.
    η_t = T(rule.eta / (1 - rule.beta1^t))
    root_t = T(sqrt(1 - rule.beta2^t))
    @. m = β₁ * m + β̄₁ * (g + λ * x)
    @. v = β₂ * v + β̄₂ * abs2(g + λ * x)
    return (m, v, t), Optimisers.@lazy ηκ * x + η_t * m / (sqrt(v) / root_t + ε)
end

"""
    rule(name; momentum, weight_decay, alpha, beta1, beta2, epsilon, rate_in_momentum)

The rule of a specification. With `rate_in_momentum` it is Optimisers' own `Momentum`.
"""
function rule(
    name; momentum, weight_decay, alpha, beta1, beta2, epsilon, rate_in_momentum
)
    unset = 0.0  # the learning rate comes with every epoch
    if name == "sgd" && rate_in_momentum
        own = Optimisers.Momentum(unset, momentum)
        return Optimisers.OptimiserChain(Optimisers.WeightDecay(weight_decay), own)
    elseif name == "sgd"
        return SGD(unset, momentum, weight_decay)
    elseif name == "rmsprop"
        return RMSprop(unset, alpha, epsilon, momentum, weight_decay)
    elseif name == "adam"
        return Adam(unset, beta1, beta2, epsilon, weight_decay, 0.0)
    elseif name == "adamw"
        return Adam(unset, beta1, beta2, epsilon, 0.0, weight_decay)
    end
    throw(ArgumentError("unknown optimizer $name: choose from sgd, rmsprop, adam, adamw"))
end

"""The buffers of one leaf's state by their names, for each rule."""
buffers(::SGD, v) = v === nothing ? (;) : (; momentum=v)
buffers(::RMSprop, (s, b)) = b === nothing ? (; square=s) : (; square=s, momentum=b)
buffers(::Adam, (m, v, _)) = (; mean=m, square=v)
buffers(::Optimisers.OptimiserChain, (_, v)) = (; momentum=v)

"""A leaf's state after so many steps."""
after(::Optimisers.AbstractRule, state, steps) = state
after(::Adam, (m, v, _), steps) = (m, v, steps)
