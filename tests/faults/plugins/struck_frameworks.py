"""The framework `struck`: the light half, which the parent process loads."""

from __future__ import annotations

from bench.frameworks import Framework

struck = Framework(
    "struck",
    "the NumPy reference, to which something happens",
    "struck_adapter:Struck",
    "struck-frameworks",
    (),
    "no way",
    False,
)
