# NNlib on a CPU: `col2im!`, in the gradient of a convolution's input, against the same without a test
# for the edge at every element. Needs NNlib alone; one thread.
#
# Prints whether both are equal bit for bit, then the paired ratio of their seconds.

using NNlib, Statistics

# With a depth of 1, as NNlib itself computes convolutions of images.
const image, kernel = (14, 14, 1, 6), (5, 5, 1, 6, 16)
const dims = DenseConvDims((image..., 1), kernel; flipkernel=true)
const columns = randn(Float32, 10 * 10, 5 * 5 * 6)  # an output's place, a kernel's element

"""Without padding, stride and dilation every element of `col` has a place in `x`: no test is needed."""
function inner_col2im!(x::Array{Float32,4}, col::Matrix{Float32})
    fill!(x, 0)
    width, height = 10, 10
    column = 0
    for c in 1:6, kh in 1:5, kw in 1:5
        column += 1
        for h in 1:height
            @simd for w in 1:width
                @inbounds x[w + kw - 1, h + kh - 1, 1, c] += col[w + (h - 1) * width, column]
            end
        end
    end
    return x
end

stock!(x) = NNlib.col2im!(x, columns, dims)
ours!(x) = inner_col2im!(x, columns)

function seconds(compute!, x)
    begun = time_ns()
    for _ in 1:2000
        compute!(x)
    end
    return (time_ns() - begun) / 1e9
end

one, other = zeros(Float32, image), zeros(Float32, image)
stock!(one)
ours!(other)
println("equal bit for bit: ", one == other)
ratios = map(1:40) do turn
    if isodd(turn)
        a = seconds(stock!, one)
        b = seconds(ours!, other)
    else
        b = seconds(ours!, other)
        a = seconds(stock!, one)
    end
    a / b
end
low, middle, high = quantile(ratios, [0.1, 0.5, 0.9])
println("NNlib ", pkgversion(NNlib), ", Julia ", VERSION, ": NNlib's takes ",
    round(middle; digits=2), " times as long (", round(low; digits=2), " to ", round(high; digits=2), ")")
