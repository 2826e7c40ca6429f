"""Of which class of CPU a figure is: the widest vectors that libraries choose their code by.

One class says nothing of another: a switch that libraries set by it can turn the order of
frameworks round.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from report.analysis.comparison import Comparison
from report.text import Given, Note, listed

# From the widest, by the names in a record.
CLASSES = {
    "amx_tile": "AMX",
    "avx512f": "AVX-512",
    "avx2": "AVX2",
    "avx": "AVX",
    "sme": "SME",
    "sve": "SVE",
    "neon": "Neon",
}
# Have a library use less than the CPU has, and so stand for another class.
# https://uxlfoundation.github.io/oneDNN/dev_guide_cpu_dispatcher_control.html
LIMITING = (
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "MKL_ENABLE_INSTRUCTIONS",
)
LIMITING_FLAG = "xla_cpu_max_isa"


def widest(instruction_sets: Collection[str]) -> str | None:
    """The name of the class, such as AVX2; None where nothing is known of it."""
    return next((name for of, name in CLASSES.items() if of in instruction_sets), None)


def on_class(comparison: Comparison) -> Note:
    """As the end of what is said of the fastest; empty on a GPU, and where nothing is known."""
    name = widest(comparison.machine.instruction_sets)
    if name is None or comparison.setup.device != "cpu":
        return ()
    limits = sorted(
        {text for one in comparison.everything for text in _limits(one.environment.variables)}
    )
    emulated: Note = (
        (" (emulated: ", *listed([Given(text) for text in limits]), ")") if limits else ()
    )
    return (f" on a CPU with {name}", *emulated)


def _limits(variables: Mapping[str, str]) -> list[str]:
    return [
        f"{name}={value}"
        for name, value in variables.items()
        if name in LIMITING or LIMITING_FLAG in value
    ]
