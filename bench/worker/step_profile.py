"""Where the time of a training step goes: its parts alone, timed in turns with whole steps.

In each round every part is done once, in an order that the round draws, so that what slows the
machine for a while slows all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.contract import (
    Adapter,
    EpochBatches,
    Gather,
    Layers,
    Loss,
    ModelSpec,
    OptimizerSpec,
    StepPart,
    Update,
    blank_epoch,
    compile_for,
)
from bench.system.clocks import Clocks
from bench.worker.messages import Emit, PhaseBegun, ProfileStep, RoundTimed
from bench.workload import models
from bench.workload.order import initial_parameters
from bench.workload.pieces import Piece, pieces

LOADED = 12_800  # images, many times what a cache holds, as a training set is
MOST_TIMES = 4096
LEARNING_RATE = 0.01
PLAIN_SGD = OptimizerSpec("sgd")  # of networks of one layer, which are not updated

Run = Callable[[int], None]  # does something so many times, and returns when all is done


@dataclass(frozen=True, slots=True)
class Timed:
    """Something of a step, with how often it is done in a round."""

    name: str
    run: Run
    times: int


def profile(task: ProfileStep, create: Callable[[], Adapter], clocks: Clocks, emit: Emit) -> None:
    """Build and compile every part, then time so many rounds; an event for each.

    NotSupportedError where the network cannot be cut, or the adapter has no parts.
    """
    emit(PhaseBegun(name="building the parts of a step"))
    model = models.build(task.model, task.input_shape, task.classes, task.options)
    draw = np.random.default_rng(task.seed)
    runs = dict(_parts(task, model, create, draw))
    runs["step"] = _steps(task, model, create(), draw)
    for run in runs.values():  # kernels are chosen, memory is asked for
        run(2)
    timed = [Timed(name, run, _times(run, clocks, task.window_s)) for name, run in runs.items()]
    emit(PhaseBegun(name="timing"))
    for number in range(task.rounds):
        order = [timed[place] for place in draw.permutation(len(timed))]
        ended = clocks.watch()
        seconds = {one.name: _seconds(one.run, one.times, clocks) for one in order}
        is_disturbed = ended().is_disturbed
        emit(
            RoundTimed(
                number=number + 1,
                seconds={one.name: seconds[one.name] for one in timed},
                disturbed=is_disturbed,
            )
        )


def _parts(
    task: ProfileStep, model: ModelSpec, create: Callable[[], Adapter], draw: np.random.Generator
) -> list[tuple[str, Run]]:
    """By the names that `bench.results.step_profile` knows."""

    def normal(*shape: int) -> NDArray[np.float32]:
        return draw.standard_normal(shape, np.float32)

    batch = task.batch_size
    rows = draw.integers(0, LOADED, batch, dtype=np.int32)
    found = [("gather", _run(task, model, create, Gather(rows), draw, LOADED))]
    for piece in pieces(model):
        above = normal(batch, *piece.output) / np.float32(batch)
        for name, inputs, parameters in _wanted(piece):
            part = Layers(above, inputs=inputs, parameters=parameters)
            own = f"{piece.name}, {name}"
            found.append((own, _run(task, piece.model, create, part, draw, batch)))
    found.append(
        ("loss", _run(task, model, create, Loss(normal(batch, task.classes)), draw, batch))
    )
    gradients = {path: normal(*shape) for path, shape in model.parameter_shapes().items()}
    update = Update(gradients, LEARNING_RATE)
    found.append(("update", _run(task, model, create, update, draw, batch)))
    return found


def _wanted(piece: Piece) -> list[tuple[str, bool, bool]]:
    """What is timed of a layer: its name, with gradients at the inputs, with those of parameters.

    The gradient of the parameters is the whole less what is there without it: so what both
    gradients need, such as that of the activation, is counted once.
    """
    found = [("forward", False, False)]
    if not piece.is_first:
        found.append(("inputs", True, False))
    if piece.has_parameters:
        found.append(("whole", not piece.is_first, True))
    return found


def _run(
    task: ProfileStep,
    model: ModelSpec,
    create: Callable[[], Adapter],
    part: StepPart,
    draw: np.random.Generator,
    loaded: int,
) -> Run:
    """The part of a step of this network, in an adapter of its own."""
    adapter = create()
    optimizer = task.optimizer if isinstance(part, Update) else PLAIN_SGD
    _begin(adapter, task, model, optimizer, draw, loaded)
    return adapter.step_part(part).run


def _begin(
    adapter: Adapter,
    task: ProfileStep,
    model: ModelSpec,
    optimizer: OptimizerSpec,
    draw: np.random.Generator,
    loaded: int,
) -> None:
    parameters = initial_parameters(task.seed, model)
    adapter.build(model, parameters, optimizer, task.device, task.threads)
    # What a layer is given has come out of an activation, mostly of one that leaves half of it 0.
    images = np.maximum(draw.standard_normal((loaded, *model.input_shape), np.float32), 0)
    adapter.load(images, draw.integers(0, task.classes, loaded, dtype=np.int32))


def _steps(task: ProfileStep, model: ModelSpec, adapter: Adapter, draw: np.random.Generator) -> Run:
    """Whole steps, as an epoch takes them."""
    _begin(adapter, task, model, task.optimizer, draw, LOADED)
    none_left = np.empty(0, np.int32)

    def run(times: int) -> None:
        batches = rows[np.arange(times) % len(rows)]
        adapter.train_epoch(EpochBatches(batches, none_left), LEARNING_RATE)
        adapter.synchronize()

    rows = draw.integers(0, LOADED, (LOADED // task.batch_size or 1, task.batch_size), np.int32)
    compile_for(adapter, blank_epoch(model, len(rows), task.batch_size))
    return run


def _times(run: Run, clocks: Clocks, window_s: float) -> int:
    """How often it is done to take about so long."""
    times = 1
    while times < MOST_TIMES:
        seconds = times * _seconds(run, times, clocks)
        if seconds >= window_s / 2:
            return min(MOST_TIMES, max(1, round(times * window_s / seconds)))
        times = min(MOST_TIMES, times * 4)
    return times


def _seconds(run: Run, times: int, clocks: Clocks) -> float:
    """Of one time."""
    begun = clocks.wall()
    run(times)
    return (clocks.wall() - begun) / times
