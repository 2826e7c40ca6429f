"""One process, one framework, one task: the only place that reads a clock.

`bench.launch` starts it; see there for how the task comes and the answers go. Each answer is one of
    {"phase": name}                  what it is about to do
    {"measured": {field: value}}     fields of the record, as they become known
    {"check": {...}}                 one more check of the certificate
    {"epoch": {field: value}}        one more entry for the record's lists
    {"window": {...}}                one more window of throughput, to be shown
    {"end": {"status": ..., ...}}    the last word
so that a worker which is killed loses only what it had not measured yet.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TextIO, cast

from bench.errors import BenchError, UnavailableError


def main(argv: list[str]) -> None:
    """Do the task on standard input; answer on the pipe whose number is the first argument."""
    descriptor = int(argv[1])
    os.set_inheritable(descriptor, False)
    tasks = _taken_input()
    task = json.loads(tasks.readline())
    threading.Thread(target=_end_with_parent, args=(tasks,), daemon=True).start()
    if task.get("cpus") and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, task["cpus"])  # before any library counts the CPUs
    with os.fdopen(descriptor, "w", encoding="utf-8") as pipe:

        def send(kind: str, value: object) -> None:
            pipe.write(json.dumps({kind: value}, allow_nan=False) + "\n")
            pipe.flush()

        try:
            _do(task, send)
        except Exception as error:
            traceback.print_exc()
            send("end", _failure(error))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # a library that crashes while it is torn down cannot take the result along


def _do(task: Mapping[str, Any], send: Any) -> None:
    """What the task names; without a name it is a cell to train."""
    from bench import energy, frameworks, trainer  # after the mask is set: they import NumPy
    from bench.keeping import Keeper
    from bench.plan import Cell, Plan

    if "probe" in task:
        _probe(task["probe"], send)
        return
    if "verify" in task:
        _verify(task["verify"], send)
        return
    if "limit" in task:
        _limit(task["limit"], send)
        return
    if "first_steps" in task:
        _first_steps(task["first_steps"], send)
        return
    if "predict" in task:
        from bench import prediction

        prediction.predict_in_worker(prediction.Task.model_validate(task["predict"]), send)
        return
    cell = Cell.model_validate(task["cell"])
    plan = Plan.model_validate(task["plan"])
    create = partial(frameworks.create, frameworks.named(cell.framework))
    keep = Keeper(plan, cell, Path(task["checkpoints"]), send)
    counter = energy.counter(cell.device)
    if counter:
        send("measured", {"energy_counter": counter.name})
    trainer.train_cell(plan, cell, create, send, _clocks(counter.read if counter else None), keep)


def _probe(name: str, send: Any) -> None:
    from bench import frameworks

    adapter = frameworks.create(frameworks.named(name))
    send("measured", {"devices": adapter.devices(), "versions": adapter.versions()})
    send("end", {"status": "ok"})


def _limit(threads: int, send: Any) -> None:
    """What NumPy's product of matrices reaches on this CPU, 10⁹ operations a second."""
    from bench import frameworks, speed

    reference = frameworks.create(frameworks.named("reference"))
    rate = speed.matrix_gflop_per_s(reference, "cpu", _clocks())
    send("measured", {"machine_gflop_per_s": rate, "threads": threads})
    send("end", {"status": "ok"})


def _first_steps(task: Mapping[str, Any], send: Any) -> None:
    """The oracle's losses of a cell's first steps."""
    from bench import first_steps, frameworks
    from bench.plan import Cell, Plan

    plan, cell = Plan.model_validate(task["plan"]), Cell.model_validate(task["cell"])
    found = first_steps.losses(plan, cell, frameworks.create(frameworks.named("reference")))
    send("measured", {"oracle_step_loss": found.tolist()})
    send("end", {"status": "ok"})


def _clocks(energy: Callable[[], float | None] | None = None) -> Any:
    from bench.clocks import Clocks

    wall_and_cpu = (time.perf_counter, time.process_time)
    return Clocks(*wall_and_cpu, energy) if energy else Clocks(*wall_and_cpu)


def _verify(subject: Mapping[str, Any], send: Any) -> None:
    """Examine an adapter beside the oracle, and send every check as it is made."""
    from bench import frameworks, trainer
    from bench.certificate import Subject
    from bench.equivalence.examine import examine
    from bench.equivalence.oracle import Oracle

    of = Subject.model_validate(subject)
    adapter = frameworks.create(frameworks.named(of.framework))
    trainer.require_device(adapter, of.framework, of.device)
    oracle = cast(Oracle, frameworks.create(frameworks.named("reference")))
    for check in examine(adapter, oracle, of, _clocks()):
        send("check", check.model_dump(mode="json"))
    send("measured", {"versions": adapter.versions()})
    send("end", {"status": "ok"})


def _failure(error: Exception) -> dict[str, str]:
    """The status and reason that an error stands for; one of ours speaks for itself."""
    text = str(error).strip()
    first_line = text.splitlines()[0] if text else "no message"
    if isinstance(error, BenchError):
        status = "unavailable" if isinstance(error, UnavailableError) else "failed"
        return {"status": status, "reason": first_line}
    return {"status": "failed", "reason": f"{type(error).__name__}: {first_line}"}


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
