"""The Lux.jl implementation, driven through juliacall."""
