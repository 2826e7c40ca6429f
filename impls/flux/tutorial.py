"""Flux as its own first example for images trains: `Flux.train!` over a `DataLoader`."""

from __future__ import annotations

from bench.contract import Device, ModelSpec
from impls.flux.adapter import FluxAdapter


class FluxTutorial(FluxAdapter):
    """See `LenetBenchFlux/src/tutorial.jl`.

    Pooling is that of the plain adapter, whose gradient is that of the other frameworks.
    """

    training = "train_as_example!"

    def __init__(self, variant: str) -> None:
        super().__init__()

    def devices(self) -> tuple[Device, ...]:
        """The CPU."""
        return ("cpu",)

    def _lacking(self, model: ModelSpec) -> str | None:
        if model.random:
            return "Flux's example has no random layer whose numbers are given: take flux"
        return None
