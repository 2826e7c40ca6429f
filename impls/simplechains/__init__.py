"""The SimpleChains.jl implementation, driven through juliacall."""
