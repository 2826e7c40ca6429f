# Loss and gradient of a task's share of a batch, and logits. Each works on a concrete network:
# compiled once for its type.

"""What a task keeps: the gradient of its share of a batch."""
struct Share
    gradient::Vector{Float32}
end

share(::Network, parameters) = Share(zeros(Float32, parameters))

const SUM_OF_LOSSES = CrossEntropyLoss(; agg=sum, logits=Val(true))

function sum_of_losses!(share::Share, network::Network, p, examples::Examples, rows)
    images = gather(examples.images, rows)
    targets = OneHotMatrix(examples.labels[rows], examples.classes)
    GC.@preserve p begin
        loss, (gradient,) = Zygote.withgradient(arrays_over(network, p)) do own
            SUM_OF_LOSSES(first(network.chain(images, own, network.states)), targets)
        end
    end
    copy_into!(share.gradient, 0, gradient)
    return loss
end

logits(network::Network, p, images) =
    GC.@preserve p first(network.chain(images, arrays_over(network, p), network.states))

"""See `session` of LenetBenchJulia; nothing here draws, and there is no other device."""
start(layers::Tuple, arrays::Tuple, optimizer, constants::Tuple, threads, seed=nothing, device=CPU()) =
    session(Network(layers, arrays), arrays, optimizer, constants, threads)

# Tasks have a share of the batch each: NNlib is told to start none of its own within them, which it
# would for a convolution and the gradient of its input alone.

train!(session::Session, rate, groups) =
    NNlib.@disallow_spawns LenetBenchJulia.train!(session, rate, groups)

predict(session::Session, images) = NNlib.@disallow_spawns LenetBenchJulia.predict(session, images)

gradients(session::Session, rows, own=()) =
    NNlib.@disallow_spawns LenetBenchJulia.gradients(session, rows, own)

"""What computes, in pairs of name and version."""
versions() = versions_of("lux" => Lux, "zygote" => Zygote, "nnlib" => NNlib, "optimisers" => Optimisers)
