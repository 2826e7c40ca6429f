"""Trains one cell and measures it, phase by phase. The clock is passed in.

Every timed stretch begins and ends with the device idle, and the garbage collector rests while
epochs are timed. Evaluation, and all that the harness does for itself, is off the training clock.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from bench import metrics, order
from bench.contract import Adapter, Order
from bench.errors import UnavailableError
from bench.plan import Cell, Plan
from bench.preparation import Examples, Prepared, prepare

Clock = Callable[[], float]


class Send(Protocol):
    """Tells the parent: a kind of event and its value, as `bench.worker` describes them."""

    def __call__(self, kind: str, value: object) -> None:
        """Send one event."""


def train_cell(
    plan: Plan, cell: Cell, create: Callable[[], Adapter], send: Send, clock: Clock
) -> None:
    """Run one cell from the import of its framework to the test accuracy."""
    session = _Session(plan, cell, send, clock)
    with session.phase("import"):
        adapter = create()
    with session.phase("device_start"):
        _require_device(adapter, cell)
    data = session.prepare()
    session.set_up(adapter, data)
    with _resting_collector():
        diverged_step = session.epochs(adapter, data)
    if diverged_step is not None:
        send(
            "end",
            {
                "status": "diverged",
                "reason": f"loss or weights not finite at step {diverged_step:,}",
                "diverged_step": diverged_step,
            },
        )
        return
    session.test(adapter, data.test)
    send("end", {"status": "ok"})


class _Session:
    """What the phases of one cell share."""

    def __init__(self, plan: Plan, cell: Cell, send: Send, clock: Clock) -> None:
        self._plan, self._cell, self._send, self._clock = plan, cell, send, clock
        self._eval_s = 0.0

    @contextmanager
    def phase(self, name: str, adapter: Adapter | None = None) -> Iterator[None]:
        """Time a phase, and report it as the record's field `<name>_s`."""
        self._send("phase", name)
        start = self._clock()
        yield
        if adapter:
            adapter.synchronize()
        self._measured(**{f"{name}_s": self._clock() - start})

    def prepare(self) -> Prepared:
        """The data and their hashes, on nobody's clock."""
        self._send("phase", "data")
        data = prepare(self._plan, self._cell.seed)
        orders = (self._order(epoch) for epoch in range(self._plan.epochs))
        self._measured(
            split_sha256=data.split_sha256,
            order_sha256=order.order_sha256(orders),
            pixel_mean=data.pixel_mean,
            pixel_std=data.pixel_std,
        )
        return data

    def set_up(self, adapter: Adapter, data: Prepared) -> None:
        """Build the network, place the training set, compile for the epoch's shapes."""
        plan, spec = self._plan, self._plan.spec()
        setting = plan.setting(self._cell)
        parameters = order.initial_parameters(self._cell.seed, spec, setting.kernel, setting.bias)
        with self.phase("build", adapter):
            adapter.build(spec, parameters, setting.optimizer, self._cell.device, plan.threads)
        initial = adapter.export()
        self._measured(
            parameters=sum(value.size for value in initial.values()),
            initial_weights_sha256=order.parameters_sha256(initial),
            versions=adapter.versions(),
        )
        with self.phase("placement", adapter):
            adapter.load(data.train.images, data.train.labels)
        steps, remainder = divmod(plan.train_size, plan.batch_size)
        with self.phase("compile", adapter):
            adapter.compile(steps, plan.batch_size, remainder)

    def epochs(self, adapter: Adapter, data: Prepared) -> int | None:
        """Train; the first step (from 1) that is not finite, or None when all went well."""
        self._send("phase", "train")
        done = 0
        for epoch in range(self._plan.epochs):
            batches = self._order(epoch)
            adapter.synchronize()
            start = self._clock()
            losses = adapter.train_epoch(batches, self._plan.learning_rate)
            adapter.synchronize()
            epoch_s = self._clock() - start
            bad = _diverged_at(losses, adapter)
            entry: dict[str, Any] = {
                "epoch_s": epoch_s,
                "train_loss": _finite(
                    np.average(losses.astype(np.float64), weights=batches.sizes())
                ),
            }
            if bad is None:
                entry |= self._evaluate(adapter, data.validation, "val")
            self._send("epoch", entry)
            if bad is not None:
                return done + bad + 1
            done += batches.steps
        return None

    def test(self, adapter: Adapter, examples: Examples) -> None:
        """The accuracy on the test set, once, with the last weights."""
        self._send("phase", "test")
        self._measured(**self._evaluate(adapter, examples, "test"))
        self._measured(peak_device_bytes=adapter.memory())

    def _evaluate(self, adapter: Adapter, examples: Examples, part: str) -> dict[str, Any]:
        """Loss and accuracy as record fields; nothing where there are no images."""
        if not len(examples.labels):
            return {}
        start = self._clock()
        logits = adapter.predict(examples.images)
        self._eval_s += self._clock() - start
        self._measured(eval_s=self._eval_s)
        return {
            f"{part}_loss": _finite(metrics.cross_entropy(logits, examples.labels)),
            f"{part}_accuracy": metrics.accuracy(logits, examples.labels),
        }

    def _order(self, epoch: int) -> Order:
        return order.epoch_order(
            self._cell.seed, epoch, self._plan.train_size, self._plan.batch_size
        )

    def _measured(self, **fields: object) -> None:
        self._send("measured", fields)


def _require_device(adapter: Adapter, cell: Cell) -> None:
    devices = adapter.devices()
    if cell.device not in devices:
        raise UnavailableError(
            f"{cell.framework} sees no {cell.device} here, only {', '.join(devices)}: install its "
            "build for the GPU (the extra 'gpu') and the driver, or take --devices cpu"
        )


def _diverged_at(losses: np.ndarray[Any, np.dtype[np.float32]], adapter: Adapter) -> int | None:
    """Index of the epoch's first step with a loss, or its last with weights, that is not finite."""
    bad = metrics.first_not_finite(losses)
    if bad is None and not all(np.isfinite(value).all() for value in adapter.export().values()):
        return len(losses) - 1
    return bad


def _finite(value: float) -> float | None:
    """The number, or None for what JSON cannot hold."""
    return float(value) if math.isfinite(value) else None


@contextmanager
def _resting_collector() -> Iterator[None]:
    """Keep Python's garbage collector from running in the middle of an epoch."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
