# Examples and the order in which they are taken.

"""What training reads: images (W, H, C, N), labels (N,) from 1, the number of classes."""
struct Examples{Images<:AbstractArray{Float32,4},Labels<:AbstractVector{UInt32}}
    images::Images
    labels::Labels
    classes::Int
end

"""Images (W, H, C, N) in these rows, copied next to each other: (W, H, C, B)."""
gather(images::Array{Float32,4}, rows) =
    gather!(similar(images, size(images)[1:3]..., length(rows)), images, rows)

"""The same in memory of the caller's: a batch (W, H, C, B)."""
function gather!(batch, images::Array{Float32,4}, rows)
    each = stride(images, 4)
    for (position, row) in enumerate(rows)
        0 < row <= size(images, 4) || throw(BoundsError(images, (:, :, :, row)))
        copyto!(batch, (position - 1) * each + 1, images, (row - 1) * each + 1, each)
    end
    return batch
end

"""Draws as arrays of Julia's, in the order of the layers."""
draws(arrays...) = map(Array, arrays)

"""
Groups of batches, none yet. Their number is no part of a type: an epoch with a last, smaller batch
compiles nothing anew for one without.
"""
groups() = Any[]

"""Add rows (B, steps), counted from 0, with their draws: as arrays of Julia's, rows from 1."""
function add_group!(groups::Vector{Any}, rows, arrays...)
    push!(groups, (Array(rows) .+ Int32(1), draws(arrays...)))
    return nothing
end
