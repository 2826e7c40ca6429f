"""Which Julia Lux runs in."""

from pathlib import Path

from impls._julia.toolchain import JuliaToolchain

SOURCES = Path(__file__).parent
LUX = "1"
UUID = "b2108857-7c20-44ae-9111-449ecde12c47"
JULIA = JuliaToolchain(
    "lux",
    "Lux",
    LUX,
    "Julia, where none of the right version is found, and Lux beside Flux, with some 100 packages: "
    "a few hundred MB to fetch, 1 to 2 GB on the disk, 5 to 20 minutes",
    {"Lux": (UUID, LUX)},
)
