"""What the harness asks of an adapter in more than one call, or only under a condition."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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


def require_form(
    returned: NDArray[np.float32], shape: tuple[int, ...], what: str
) -> NDArray[np.float32]:
    """What an adapter has returned, as an array.

    Args:
        returned: what has come; whatever NumPy makes an array of will do.
        shape: that it must have.
        what: it is, such as `the losses of train_epoch`.

    Raises:
        ValueError: it is no array of real floats, or of another shape: figures would be computed
            of something else than is said.
    """
    array = np.asarray(returned)
    if array.dtype.kind != "f" or array.shape != shape:
        raise ValueError(
            f"{what} are {array.dtype} {array.shape}, where the adapter owes float32 {shape}"
        )
    return array


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
