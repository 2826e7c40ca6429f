# Loss, gradient and logits. Each works on a concrete chain: compiled once for its type.

"""What a task needs for its share of a batch; memory that is kept from one batch to the next."""
mutable struct Share
    gradient::Vector{Float32}
    images::Array{Float32,4}
    labels::Vector{UInt32}
    memory::Vector{UInt8}
end

share(::Network, parameters) =
    Share(zeros(Float32, parameters), zeros(Float32, 0, 0, 0, 0), UInt32[], UInt8[])

"""
SimpleChains keeps its memory for each task. Ours are new ones for each batch, so that it is given
what the share has.
"""
function sum_of_losses!(share::Share, network::Network, p, examples::Examples, rows)
    (; chain) = network
    if length(share.labels) != length(rows)
        share.images = similar(examples.images, size(examples.images)[1:3]..., length(rows))
        share.labels = similar(share.labels, length(rows))
    end
    (; gradient, images, labels) = share
    gather!(images, examples.images, rows)
    for (position, row) in enumerate(rows)
        labels[position] = examples.labels[row]
    end
    whole = SimpleChains.add_loss(chain, LogitCrossEntropyLoss(labels))
    sized = SimpleChains.maybe_static_size_arg(chain.inputdim, images)
    size_of_all = SimpleChains.static_size(sized)
    bytes = SimpleChains.required_bytes(Val(Float32), whole.layers, size_of_all, static(0))
    length(share.memory) < bytes && resize!(share.memory, Int(bytes))
    (; memory) = share
    GC.@preserve memory images begin
        return valgrad!(SimpleChains.align(pointer(memory)), gradient, whole, images, p)
    end
end

logits(network::Network, p, images) = collect(network.chain(images, p))
