"""Which Julia SimpleChains runs in."""

from pathlib import Path

from impls._julia.toolchain import JuliaToolchain

SOURCES = Path(__file__).parent
SIMPLE_CHAINS = "0.4"
UUID = "de6bee2f-e2f4-4ec7-b6ed-219cc6f6e9e5"
JULIA = JuliaToolchain(
    "simplechains",
    "SimpleChains",
    SIMPLE_CHAINS,
    "Julia, where none of the right version is found, and SimpleChains beside Flux, with some 120 "
    "packages: a few hundred MB to fetch, 1 to 2 GB on the disk, 5 to 20 minutes",
    {"SimpleChains": (UUID, SIMPLE_CHAINS)},
)
