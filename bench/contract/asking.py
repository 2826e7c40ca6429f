"""What the harness asks of an adapter in more than one call, or only under a condition."""

from __future__ import annotations

from bench.contract.adapter import Adapter
from bench.contract.batches import EpochBatches
from bench.contract.optimizer import OptimizerSpec
from bench.errors import NotSupportedError


def compile_for(adapter: Adapter, epoch: EpochBatches) -> None:
    """Have it compile for epochs of this shape, and put back what that changed, bit for bit.

    Args:
        adapter: after `build` and `load`.
        epoch: of the shape to compile for, see `blank_epoch`.

    Raises:
        NotSupportedError: it cannot say what steps change, so that nothing was compiled.
    """
    before = adapter.snapshot()
    try:
        adapter.compile(epoch)
    finally:
        adapter.restore(before)


def require_optimizer(adapter: Adapter, spec: OptimizerSpec, framework: str) -> None:
    """NotSupportedError, with the framework's name, unless the adapter declares the optimizer."""
    if spec.name not in adapter.optimizers:
        raise NotSupportedError(
            f"{framework} has no {spec.name}, only {', '.join(adapter.optimizers)}; take another "
            "optimizer or framework"
        )
    allowed = adapter.optimizers[spec.name]
    unknown = [form for form in spec.forms if form not in allowed]
    if unknown:
        raise NotSupportedError(
            f"{framework} cannot compute {spec.name} with {', '.join(unknown)}: it has "
            f"{', '.join(allowed) or 'none of these forms'}; take another regime or framework"
        )
