"""The Flux.jl implementation, driven through juliacall."""
