# As Flux' own first example for images trains: `Flux.train!` over a `DataLoader`, on the CPU.
#
# https://fluxml.ai/Flux.jl/stable/guide/models/quickstart/ and the model zoo's LeNet-5,
# https://github.com/FluxML/model-zoo/tree/master/vision/conv_mnist. What is given in place of the
# example's own: images in the order of the harness, and `shuffle=false`. Losses are noted on the way.

"""An epoch of these groups, whose layers take no draws; the losses. Touches nothing of Python's."""
function train_as_example!(session::Session, rate, groups::Vector{Any})
    (; model, optimizer, examples) = session
    Optimisers.adjust!(optimizer, rate)
    losses = Float32[]
    for (batches, _) in groups
        rows = vec(batches)
        targets = Flux.onehotbatch(examples.labels[rows], 1:examples.classes)
        data = (examples.images[:, :, :, rows], targets)
        loader = Flux.DataLoader(data; batchsize=size(batches, 1), shuffle=false)
        Flux.train!(model, loader, optimizer) do m, x, y
            loss = Flux.logitcrossentropy(m(x), y)
            ChainRulesCore.ignore_derivatives(() -> push!(losses, loss))
            return loss
        end
    end
    return losses
end
