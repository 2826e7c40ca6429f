"""Trains one cell and measures it, phase by phase. The clock is passed in.

Every timed stretch begins and ends with the device idle, and the garbage collector rests while
epochs are timed. Evaluation, and all that the harness does for itself, is off the training clock.
Throughput is measured by itself, after the training or instead of it: see
`bench.worker.throughput`.
"""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import frameworks
from bench.choices import Device
from bench.config.plan import Cell, Plan, Start
from bench.contract import Adapter, EpochBatches, require_form, require_optimizer
from bench.errors import CheckpointError, UnavailableError
from bench.results import checkpoint
from bench.results.checkpoint import Checkpoint
from bench.system.clocks import Clocks
from bench.worker import epochs, misclassified, throughput
from bench.worker.epochs import Epochs, EpochsEnded, Keep
from bench.worker.left_out import LeftOut, asked_for
from bench.worker.lr_schedule import EpochDecision
from bench.worker.messages import Emit, Ended, Measured, PhaseBegun, WindowEnded
from bench.worker.prepared_data import Examples, Prepared, order_of, prepare
from bench.worker.versions import versions_of
from bench.workload import flops, metrics, order, random_inputs


def train_cell(
    plan: Plan,
    cell: Cell,
    create: Callable[[], Adapter],
    emit: Emit,
    clocks: Clocks,
    keep: Keep | None = None,
) -> Ended:
    """Run one cell from the import of its framework to its throughput."""
    session = _Session(plan, cell, emit, clocks, keep)
    with session.phase("import"):
        adapter = create()
    with session.phase("device_start"):
        require_device(adapter, cell.framework, cell.device)
    data = session.prepare()
    session.set_up(adapter, data)
    diverged_step = None if cell.throughput_only else session.train(adapter, data)
    if diverged_step is not None:
        return Ended(
            outcome="diverged",
            reason=f"loss or weights not finite at step {diverged_step:,}",
            diverged_step=diverged_step,
        )
    session.throughput(adapter)
    session.limit(adapter)
    return Ended(outcome="ok")


def make_deterministic(adapter: Adapter, framework: str) -> None:
    """Hold the adapter to operations that give the same bits; UnavailableError if it cannot be."""
    what = "be held to deterministic operations"
    with asked_for(framework, what, "leave --deterministic out"):
        adapter.make_deterministic()


class _Session:
    """What the phases of one cell share."""

    def __init__(
        self, plan: Plan, cell: Cell, emit: Emit, clocks: Clocks, keep: Keep | None
    ) -> None:
        self._plan, self._cell, self._emit, self._clocks = plan, cell, emit, clocks
        self._clock = clocks.wall
        self._left_out = LeftOut(emit)
        self._keep = keep and _where_it_can(keep, self._left_out)
        self._network = plan.network(cell)
        self._eval_s = 0.0
        self._start: Checkpoint | None = None

    @contextmanager
    def phase(self, name: str, adapter: Adapter | None = None) -> Iterator[None]:
        """Time a phase, and report it as the record's field `<name>_s` unless it is left out."""
        self._emit(PhaseBegun(name=name))
        start = self._clock()
        yield
        if adapter:
            adapter.synchronize()
        self._measured(**{f"{name}_s": self._clock() - start})

    def prepare(self) -> Prepared:
        """The data and their hashes, untimed."""
        self._emit(PhaseBegun(name="data"))
        data = prepare(self._plan, self._cell.seed)
        if self._plan.start is not None:
            self._start = _resumed(self._plan.start, data)
        orders = [self._order(epoch) for epoch in range(self._plan.settings.epochs)]
        self._measured(
            data_notes=data.notes,
            split_sha256=data.split_sha256,
            order_sha256=order.order_sha256(orders),
            draws_sha256=random_inputs.first_steps_sha256(self._network, self._cell.seed, orders),
            mean=data.mean,
            std=data.std,
        )
        return data

    def set_up(self, adapter: Adapter, data: Prepared) -> None:
        """Build the network, place the training set, compile for the epoch's shapes."""
        plan, spec = self._plan, self._network
        setting, start = plan.setting(self._cell), self._start
        parameters = (
            start.parameters
            if start
            else order.initial_parameters(self._cell.seed, spec, setting.kernel, setting.bias)
        )
        with self.phase("build", adapter):
            require_optimizer(adapter, setting.optimizer, self._cell.framework)
            if plan.settings.deterministic:
                make_deterministic(adapter, self._cell.framework)
            adapter.build(
                spec, parameters, setting.optimizer, self._cell.device, self._cell.threads
            )
            if start:
                what = "go on from a checkpoint"
                with asked_for(self._cell.framework, what, "leave --from out"):
                    adapter.restore_optimizer(start.optimizer)
        initial = adapter.export()
        self._measured(
            parameters=sum(value.size for value in initial.values()),
            flops_per_image=flops.training_step(spec),
            initial_weights_sha256=order.parameters_sha256(initial),
        )
        with self._left_out.of("versions"):
            self._measured(versions=versions_of(adapter, self._cell.framework))
        with self.phase("placement", adapter):
            adapter.load(data.train.images, data.train.labels)
        with self._left_out.of("compile_s"), self.phase("compile", adapter):
            epochs.compile_shapes(plan, self._cell, adapter)

    def train(self, adapter: Adapter, data: Prepared) -> int | None:
        """All epochs and the test; the first step that is not finite, or None."""
        self._emit(PhaseBegun(name="train"))
        course = Epochs(
            *(self._plan, self._cell, self._start, self._clocks),
            *(self._evaluate, self._emit, self._keep),
        )
        with _resting_collector():
            ended = course.run(adapter, data)
        if ended.diverged_step is None:
            self._test(adapter, data, ended)
        return ended.diverged_step

    def throughput(self, adapter: Adapter) -> None:
        """Images per second, from windows of full batches that nobody keeps the weights of."""
        self._emit(PhaseBegun(name="throughput"))
        orders = (self._order(epoch) for epoch in itertools.count(self._plan.settings.epochs))

        def tell(number: int, images_per_s: float) -> None:
            self._emit(WindowEnded(number=number, images_per_s=images_per_s))

        with self._left_out.of("compiling_windows"):
            adapter.compiled_since()
        spec, seed, epoch = self._network, self._cell.seed, self._plan.settings.epochs
        with _resting_collector():
            found = throughput.throughput(
                adapter,
                orders,
                self._plan.settings.learning_rate,
                self._clocks,
                wanted=self._plan.settings.windows,
                window_s=self._plan.settings.window_s,
                tell=tell,
                draw=lambda first, batches: random_inputs.drawn(spec, seed, epoch, first, batches),
                most_steps=random_inputs.most_steps(spec, self._cell.batch_size),
            )
        self._measured(**asdict(found))

    def limit(self, adapter: Adapter) -> None:
        """What the framework's own product of matrices reaches; and the memory of the device."""
        self._emit(PhaseBegun(name="limit"))
        device, window_s = self._cell.device, self._plan.settings.window_s
        if device != "cpu":  # whose memory is the process's
            with self._left_out.of("peak_device_bytes"):
                self._measured(peak_device_bytes=adapter.memory())
        with self._left_out.of("matrix_gflop_per_s"):
            rate = throughput.matrix_gflop_per_s(adapter, device, self._clocks, window_s)
            self._measured(matrix_gflop_per_s=rate)

    def _test(self, adapter: Adapter, data: Prepared, ended: EpochsEnded) -> None:
        """The accuracy on the test set, once, with the last weights."""
        self._emit(PhaseBegun(name="test"))
        logits = self._predict(adapter, data.test)
        scores = metrics.scores(logits, data.test.labels)
        figures = {f"test_{name}": value for name, value in scores.items()}
        with_pictures = self._plan.is_shown(self._cell)  # they are larger than the whole record
        self._measured(
            **figures, **misclassified.examined(logits, data, with_pictures=with_pictures)
        )
        if self._keep:
            self._keep(adapter, data, ended.epoch, {**ended.figures, **figures}, ended.after)

    def _evaluate(self, adapter: Adapter, examples: Examples) -> dict[str, float | None]:
        """Loss and accuracy on these images."""
        return metrics.scores(self._predict(adapter, examples), examples.labels)

    def _predict(self, adapter: Adapter, examples: Examples) -> NDArray[np.float32]:
        """Logits (n, classes), timed as evaluation."""
        start = self._clock()
        logits = adapter.predict(examples.images)
        self._eval_s += self._clock() - start
        self._measured(eval_s=self._eval_s)
        wanted = len(examples.labels), self._network.classes
        return require_form(logits, wanted, "the logits of predict")

    def _order(self, epoch: int) -> EpochBatches:
        return order_of(self._plan, self._cell, epoch)

    def _measured(self, **fields: object) -> None:
        self._emit(Measured(figures=fields))


def require_device(adapter: Adapter, framework: str, device: Device) -> None:
    """UnavailableError where the framework cannot compute on the device here."""
    devices = adapter.devices()
    if device not in devices:
        raise UnavailableError(
            f"{framework} sees no {device} here, only {', '.join(devices)}: "
            f"{frameworks.named(framework).for_gpu}, or take --devices cpu"
        )


def _where_it_can(keep: Keep, left_out: LeftOut) -> Keep:
    """The keeper, of an adapter whose optimizer's state may not be had."""

    def kept(
        adapter: Adapter,
        data: Prepared,
        epoch: int,
        figures: Mapping[str, Any],
        after: EpochDecision | None = None,
    ) -> None:
        with left_out.of("checkpoints"):
            keep(adapter, data, epoch, figures, after)

    return kept


def _resumed(start: Start, data: Prepared) -> Checkpoint:
    """The checkpoint to go on from; an error where it, or the data, are not those of the plan."""
    found = checkpoint.read(start.file)
    if found.sha256 != start.sha256:
        raise CheckpointError(
            f"{start.file} has changed since the run was planned: its content had the hash "
            f"{start.sha256} and has {found.sha256}; start a new run"
        )
    of_file = (found.header.split_sha256, found.header.mean, found.header.std)
    here = (data.split_sha256, data.mean, data.std)
    if of_file != here:
        raise CheckpointError(
            f"{start.file} was trained on another split or normalisation (split, mean, std): "
            f"{of_file}, here {here}; the versions of lenet-bench may differ"
        )
    return found


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
