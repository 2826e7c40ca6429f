"""One process, one framework, one task: the only place that reads a clock.

`bench.launch` starts it; see there for how the task comes and the answers go, and `bench.messages`
for what they are.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TextIO, assert_never, cast

if TYPE_CHECKING:  # they import NumPy, which counts the CPUs, before the mask of them is set
    from bench import messages
    from bench.clocks import Clocks
    from bench.contract import Adapter


def main(argv: list[str]) -> None:
    """Do the task on standard input; answer on the pipe whose number is the first argument."""
    descriptor = int(argv[1])
    os.set_inheritable(descriptor, False)
    tasks = _taken_input()
    cpus, task = [int(cpu) for cpu in tasks.readline().split()], tasks.readline()
    threading.Thread(target=_end_with_parent, args=(tasks,), daemon=True).start()
    if cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)
    from bench import messages

    with os.fdopen(descriptor, "w", encoding="utf-8") as pipe:

        def emit(event: messages.Event) -> None:
            pipe.write(messages.to_line(event) + "\n")
            pipe.flush()

        emit(perform(messages.task_from(task), emit))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # a library that crashes while it is torn down cannot take the result along


def perform(task: messages.Task, emit: messages.Emit) -> messages.Ended:
    """Do a task, and emit what is found; the last word, whatever happens."""
    from bench.errors import BenchError, UnavailableError
    from bench.messages import Ended

    try:
        return _perform(task, emit)
    except Exception as error:
        traceback.print_exc()
        first_line = next(iter(str(error).strip().splitlines()), "no message")
        if not isinstance(error, BenchError):
            return Ended(status="failed", reason=f"{type(error).__name__}: {first_line}")
        is_absent = isinstance(error, UnavailableError)
        return Ended(status="unavailable" if is_absent else "failed", reason=first_line)


def _perform(task: messages.Task, emit: messages.Emit) -> messages.Ended:
    from bench import frameworks, messages

    create = partial(frameworks.create, frameworks.named(task.framework))
    match task:
        case messages.TrainCell():
            return _train(task, create, emit)
        case messages.Examine():
            _examine(task, create(), emit)
        case messages.FindDevices():
            adapter = create()
            found = messages.FrameworkAnswered(
                versions=adapter.versions(), devices=tuple(adapter.devices())
            )
            emit(found)
        case messages.MeasureMachinePeak():
            from bench import speed

            rate = speed.matrix_gflop_per_s(create(), "cpu", _clocks(), task.window_s)
            emit(messages.MachinePeakMeasured(gflop_per_s=rate))
        case messages.ComputeOracleLosses():
            from bench import first_steps

            losses = first_steps.losses(task.plan, task.cell, create())
            emit(messages.OracleLossesComputed(losses=losses.tolist()))
        case messages.Predict():
            from bench import prediction

            emit(prediction.predict_in_worker(task, create()))
        case _:
            assert_never(task)
    return messages.Ended(status="ok")


def _train(
    task: messages.TrainCell, create: Callable[[], Adapter], emit: messages.Emit
) -> messages.Ended:
    from bench import energy, messages, trainer
    from bench.keeping import Keeper

    keep = Keeper(task.plan, task.cell, task.checkpoints, emit)
    counter = energy.counter(task.cell.device)
    if counter:
        emit(messages.Measured(figures={"energy_counter": counter.name}))
    clocks = _clocks(counter.read if counter else None)
    return trainer.train_cell(task.plan, task.cell, create, emit, clocks, keep)


def _examine(task: messages.Examine, adapter: Adapter, emit: messages.Emit) -> None:
    """Examine an adapter beside the oracle, and send every check as it is made."""
    from bench import frameworks, messages, trainer
    from bench.equivalence.examine import examine
    from bench.equivalence.oracle import Oracle

    of = task.subject
    trainer.require_device(adapter, of.framework, of.device)
    oracle = cast(Oracle, frameworks.create(frameworks.named("reference")))
    for check in examine(adapter, oracle, of, _clocks()):
        emit(messages.CheckMade(check=check))
    emit(messages.FrameworkAnswered(versions=adapter.versions()))


def _clocks(energy: Callable[[], float | None] | None = None) -> Clocks:
    from bench.clocks import Clocks

    wall_and_cpu = (time.perf_counter, time.process_time)
    return Clocks(*wall_and_cpu, energy) if energy else Clocks(*wall_and_cpu)


def _taken_input() -> TextIO:
    """Standard input for ourselves; libraries find an empty one.

    Julia makes descriptor 0 non-blocking, for everyone who reads what it stands for.
    """
    ours = os.fdopen(os.dup(0), encoding="utf-8")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    return ours


def _end_with_parent(tasks: TextIO) -> None:
    """The tasks end when the parent does, however it does; no second one is ever written."""
    tasks.read()
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv)
