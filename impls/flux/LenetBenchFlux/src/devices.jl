# Where arrays are. A device besides the CPU is a package of its own, which makes a type and adds a
# method to each of these functions: so that its libraries are loaded only where it is asked for.

"""What a session computes on. A device that is no `CPU` trains as `queued.jl` has it."""
abstract type Device end

struct CPU <: Device end

"""A copy of an array on the device."""
place(::CPU, x) = Array(x)

"""The array in the memory of the host: itself where it is there, else a copy."""
on_host(x::Array) = x
on_host(x) = Array(x)

"""Return when everything that was asked of the device is done."""
synchronize(::CPU) = nothing

"""The most bytes that arrays have taken on the device so far; nothing where nobody counts."""
peak_bytes(::CPU) = nothing

"""What computes on the device, in pairs of name and version."""
libraries(::CPU) = ()

"""How many programs have been compiled for the device, which Julia does not count among its own."""
compiled(::CPU) = 0
