"""Frameworks that fail, each in its own way: the light half, which the parent process loads.

Two work, and compute as the NumPy reference does: `opinionated` has defaults of its own, `twofold`
has variants.
"""

from __future__ import annotations

from bench.frameworks import Framework, Variant
from bench.frameworks.regimes import Default


def _faulty(name: str, adapter: str, *modules: str) -> Framework:
    return Framework(
        name, f"a framework that is {name}", adapter, "faulty-frameworks", modules, "no way", False
    )


killed = _faulty("killed", "faulty_adapters:Killed")
assassin = _faulty("assassin", "faulty_adapters:Assassin")
segfault = _faulty("segfault", "faulty_adapters:Segfault")
hangs = _faulty("hangs", "faulty_adapters:Hangs")
stubborn = _faulty("stubborn", "faulty_adapters:Stubborn")
raises = _faulty("raises", "faulty_adapters:Raises")
diverges = _faulty("diverges", "faulty_adapters:Diverges")
infinite = _faulty("infinite", "faulty_adapters:Infinite")
chatty = _faulty("chatty", "faulty_adapters:Chatty")
broken = _faulty("broken", "faulty_broken_import:Adapter")
absent = _faulty("absent", "faulty_adapters:Killed", "a_module_that_nobody_has")
slow = _faulty("slow", "faulty_adapters:Slow")
unblocks = _faulty("unblocks", "faulty_adapters:Unblocks")
flipped = _faulty("flipped", "faulty_adapters:Flipped")

opinionated = Framework(
    "opinionated",
    "the NumPy reference with initial weights of its own",
    "impls.reference.adapter:ReferenceAdapter",
    "faulty-frameworks",
    (),
    "no way",
    False,
    own=(
        Default("kernel-init", "kernel", "glorot_uniform", "tests"),
        Default("bias-init", "bias", "zeros", "tests"),
    ),
)


class _NoMachine:
    """What one variant of `twofold` needs, and no machine has."""

    def missing(self):
        return "no difference engine here: build one"

    def locked(self):
        return "none"


NO_MACHINE = _NoMachine()

twofold = Framework(
    "twofold",
    "the NumPy reference",
    "faulty_adapters:Twofold",
    "faulty-frameworks",
    (),
    "no way",
    False,
    variants=(
        Variant("counting", "which counts its epochs"),
        Variant("cogs", "by cogs", tools="faulty_frameworks:NO_MACHINE"),
    ),
)
