"""What a worker does with a task, whoever has handed it over; where clocks come from."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import assert_never, cast

from bench import frameworks
from bench.contract import Adapter
from bench.errors import BenchError, UnavailableError, first_line
from bench.system import contention, energy
from bench.system.clocks import Clocks
from bench.verification.examination import examine
from bench.verification.oracle import Oracle
from bench.worker import messages, oracle_losses, prediction, step_profile, throughput, trainer
from bench.worker.checkpointing import CheckpointWriter
from bench.worker.messages import Ended
from bench.worker.versions import versions_or_none


def perform(task: messages.Task, emit: messages.Emit, *, is_watched: bool = True) -> messages.Ended:
    """Do a task, and emit what is found; the last word, whatever happens.

    What others take of the CPUs meanwhile is watched, unless it would tell nothing.
    """
    try:
        return _perform(task, emit, is_watched)
    except Exception as error:
        return failed(error)


def failed(error: BaseException) -> messages.Ended:
    """The last word where this was raised; the traceback is for the log."""
    traceback.print_exc()
    said = first_line(error)
    if not isinstance(error, BenchError):
        return Ended(outcome="failed", reason=f"{type(error).__name__}: {said}")
    is_absent = isinstance(error, UnavailableError)
    return Ended(outcome="unavailable" if is_absent else "failed", reason=said)


def _perform(task: messages.Task, emit: messages.Emit, is_watched: bool) -> messages.Ended:
    create = partial(frameworks.create, frameworks.named(task.framework))
    match task:
        case messages.TrainCell():
            return _train(task, create, emit, is_watched)
        case messages.Examine():
            _examine(task, create(), emit)
        case messages.FindDevices():
            adapter = create()
            found = messages.FrameworkAnswered(
                versions=versions_or_none(adapter, task.framework), devices=tuple(adapter.devices())
            )
            emit(found)
        case messages.MeasureMachinePeak():
            rate = throughput.matrix_gflop_per_s(create(), "cpu", _clocks(), task.window_s)
            emit(messages.MachinePeakMeasured(gflop_per_s=rate))
        case messages.ComputeOracleLosses():
            losses = oracle_losses.losses(task.plan, task.cell, create())
            emit(messages.OracleLossesComputed(losses=losses.tolist()))
        case messages.Predict():
            emit(prediction.predict(task, create()))
        case messages.ProfileStep():
            trainer.require_device(create(), task.framework, task.device)
            step_profile.profile(task, create, _watched(is_watched), emit)
            emit(messages.FrameworkAnswered(versions=versions_or_none(create(), task.framework)))
        case _:
            assert_never(task)
    return messages.Ended(outcome="ok")


def _train(
    task: messages.TrainCell,
    create: Callable[[], Adapter],
    emit: messages.Emit,
    is_watched: bool,
) -> messages.Ended:
    keep = CheckpointWriter(task.plan, task.cell, task.checkpoints, emit)
    counter = energy.counter(task.cell.device)
    if counter:
        emit(messages.Measured(figures={"energy_counter": counter.name}))
    clocks = _watched(is_watched)
    if counter:
        clocks = replace(clocks, energy=counter.read)
    return trainer.train_cell(task.plan, task.cell, create, emit, clocks, keep)


def _examine(task: messages.Examine, adapter: Adapter, emit: messages.Emit) -> None:
    """Examine an adapter beside the oracle, and send every check as it is made."""
    of = task.subject
    trainer.require_device(adapter, of.framework, of.device)
    oracle = cast(Oracle, frameworks.create(frameworks.named("reference")))
    for check in examine(adapter, oracle, of, _clocks()):
        emit(messages.CheckMade(check=check))
    emit(messages.FrameworkAnswered(versions=versions_or_none(adapter, of.framework)))


def _watched(is_watched: bool) -> Clocks:
    """Clocks that also watch what others take of the CPUs, unless that would tell nothing."""
    clocks = _clocks()
    if not is_watched:
        return clocks
    return replace(clocks, watch=contention.watch(clocks.wall, clocks.cpu))


def _clocks() -> Clocks:
    return Clocks(time.perf_counter, time.process_time, time.thread_time)
