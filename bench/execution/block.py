"""A block of cells, measured one after the other on one machine.

A block is what a paired comparison needs to come from one place: cells that differ in the framework
and share all else, each in a process of its own, with what is proved and measured around them. It
is described by plain data, and so are its events, so that another machine can measure it: there
`OnThisMachine` does what it does here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bench import frameworks
from bench.config.plan import Cell, Plan
from bench.config.published import Reproduced
from bench.execution.baselines import Baselines
from bench.execution.certify import VerificationResult, certify
from bench.execution.executor import Executor, Usage
from bench.execution.record_builder import build, derived, tail
from bench.results.certificate import Subject
from bench.results.record import Machine, Record, SystemState
from bench.system import conditions, interpreter
from bench.verification.problems import TRAINING_IMAGES
from bench.worker.messages import (
    Ended,
    EpochEnded,
    Event,
    Measured,
    PhaseBegun,
    TrainCell,
    WindowEnded,
)

UNEXAMINED = VerificationResult(None)
LISTS = ("epoch_s", "train_loss", "val_loss", "val_accuracy")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Block(_Data):
    """Cells of a run's plan, to be measured in their order.

    run, run_id  the run's name and identity, for the records
    recipe       the published training that the run repeats, if it does
    logs         the folder for the logs of cells
    checkpoints  the folder for their checkpoints
    attempt      how many hosts were lost with it before, on a cluster
    host         the identity of that which it is meant for, as long as that is there
    shares_host  whether others may measure on the host meanwhile
    """

    run: str
    run_id: str | None = None
    plan: Plan
    recipe: Reproduced | None = None
    cells: tuple[Cell, ...]
    logs: Path
    checkpoints: Path
    attempt: int = 0
    host: str | None = None
    shares_host: bool = False

    def log(self, cell: Cell) -> Path:
        """Where what the cell's process prints goes."""
        return self.logs / f"{cell.name}.log"


class CellBegun(_Data):
    """A cell of the block begins; what is told until it ends is of it."""

    kind: Literal["cell-begun"] = "cell-begun"
    cell: Cell


class CellEnded(_Data):
    """The cell has ended, in whatever way: its record.

    files  the folder of its log and checkpoints, where they are to be moved into the run's own
    """

    kind: Literal["cell-ended"] = "cell-ended"
    record: Record
    files: Path | None = None


BlockEvent = CellBegun | PhaseBegun | Measured | EpochEnded | WindowEnded | CellEnded
EmitBlockEvent = Callable[[BlockEvent], None]

_EVENT: TypeAdapter[BlockEvent] = TypeAdapter(Annotated[BlockEvent, Field(discriminator="kind")])


def event_from(line: str | bytes) -> BlockEvent:
    """The event of a line of JSON; pydantic's ValidationError where it is none."""
    return _EVENT.validate_json(line)


class Listen(Protocol):
    """Gives what is to be told of the events of a block, on a host of a cluster or here."""

    def __call__(self, block: Block, host: str | None = None) -> EmitBlockEvent:
        """For one try at the block; events of several blocks may be told in turns."""


class Blocks(Protocol):
    """Measures blocks, each of them on one machine, and its cells one after the other.

    is_whole  whether a block is measured as a whole, so that one of its cells is never made up for
              on another machine
    """

    is_whole: bool

    def measure(self, blocks: Sequence[Block], listen: Listen) -> None:
        """Measure every cell of the blocks, and tell of each event as it comes, by one thread.

        A framework is examined before it is timed, and not timed where the examination fails.
        """


@dataclass
class Fields:
    """The fields of a record that a cell's events have told so far."""

    values: dict[str, Any] = field(default_factory=lambda: {name: [] for name in LISTS})

    def take(self, event: BlockEvent | Event) -> None:
        """Put in what the event tells; most tell nothing of a record."""
        match event:
            case Measured():
                self.values |= event.figures
            case EpochEnded():
                for name, entry in event.figures.items():
                    self.values.setdefault(name, []).append(entry)


class OnThisMachine:
    """Measures blocks here. One examination serves every seed, and so does a baseline."""

    def __init__(self, executor: Executor, machine: Machine) -> None:
        self._executor, self._machine = executor, machine
        self._verdicts: dict[Subject, VerificationResult] = {}
        self._baselines: tuple[Plan, Baselines] | None = None
        self._has_begun = False

    def measure(self, block: Block, emit: EmitBlockEvent) -> None:
        """Measure the cells of one block, and tell of each event as it comes."""
        if not self._has_begun:  # whether a framework has just been installed decides nothing
            interpreter.forget_libraries(interpreter.packages())
            self._has_begun = True
        for cell in block.cells:
            emit(CellBegun(cell=cell))
            verdict = self._verdict(block, cell, emit)
            emit(CellEnded(record=self._record(block, cell, verdict, emit)))

    def prove(self, block: Block, emit: EmitBlockEvent) -> None:
        """Examine what the cells of a block need examined, so that none of them waits for it."""
        for cell in block.cells:
            if not frameworks.missing(frameworks.named(cell.framework)):
                self._verdict(block, cell, emit)

    def _verdict(self, block: Block, cell: Cell, emit: EmitBlockEvent) -> VerificationResult:
        if block.plan.settings.unverified:
            return UNEXAMINED
        of = subject(block.plan, cell, self._variables(block.plan, cell))
        if of not in self._verdicts:
            emit(PhaseBegun(name="verify"))
            log = block.log(cell)
            self._verdicts[of] = certify(of, log, lambda check: None, self._executor)
        return self._verdicts[of]

    def _variables(self, plan: Plan, cell: Cell) -> dict[str, str]:
        return plan.variables(cell, self._machine.instruction_sets)

    def _baselines_of(self, plan: Plan) -> Baselines:
        if self._baselines is None or self._baselines[0] != plan:
            self._baselines = plan, Baselines(plan, self._executor)
        return self._baselines[1]

    def _record(
        self, block: Block, cell: Cell, verdict: VerificationResult, emit: EmitBlockEvent
    ) -> Record:
        """One cell in a process of its own, whatever becomes of it."""
        plan, started_at, fields = block.plan, datetime.now(UTC), Fields()
        framework = frameworks.named(cell.framework)
        absent = frameworks.missing(framework)
        if absent:
            end = Ended(outcome="unavailable", reason=absent)
        elif verdict.outcome is not None:
            end = Ended(outcome=verdict.outcome, reason=verdict.reason)
        else:
            end = self._train(block, cell, fields, emit)
        if end.outcome == "timeout" and verdict.outcome is None:
            limit = f"--timeout {plan.settings.timeout_s:g} s"
            end = Ended(outcome="timeout", reason=f"not done after {limit}")
        known = (
            fields.values
            | derived(fields.values, plan, cell)
            | {"run_id": block.run_id, "started_at": started_at.isoformat(timespec="seconds")}
            | {"certificate": verdict.certificate, "unverified": plan.settings.unverified}
            | {"variables": self._variables(plan, cell)}
            | {"attempt": block.attempt, "shares_host": block.shares_host}
            | {"framework_version": frameworks.version(framework), "recipe": block.recipe}
            | {"outcome": end.outcome, "reason": end.reason, "diverged_step": end.diverged_step}
            | {"log_tail": tail(block.log(cell)) if end.outcome == "failed" else None}
        )
        return build(block.run, plan, cell, self._machine, known)

    def _train(self, block: Block, cell: Cell, fields: Fields, emit: EmitBlockEvent) -> Ended:
        """Train and measure the cell, with the state of the machine around it."""

        def take(event: Event) -> None:
            fields.take(event)
            if isinstance(event, PhaseBegun | Measured | EpochEnded | WindowEnded):
                emit(event)

        baselines = self._baselines_of(block.plan)
        fields.values |= baselines.of(cell, lambda name: emit(PhaseBegun(name=name)))
        given = self._variables(block.plan, cell)
        task = TrainCell(plan=block.plan, cell=cell, checkpoints=block.checkpoints, given=given)
        before = conditions.now()
        outcome = self._executor.call(
            task,
            log=block.log(cell),
            timeout_s=block.plan.settings.timeout_s,
            on_event=take,
        )
        usage = outcome.usage
        fields.values |= {"wall_s": usage.wall_s, "peak_rss_bytes": usage.peak_rss_bytes}
        fields.values |= _surroundings(cell, before, usage, fields.values)
        return outcome.end


def subject(plan: Plan, cell: Cell, given: Mapping[str, str]) -> Subject:
    """What must be proved of the cell before it is timed, with these environment variables."""
    return Subject(
        framework=cell.framework,
        device=cell.device,
        model=plan.settings.model,
        options=plan.model_options,
        input_shape=plan.spec().input_shape,
        classes=plan.classes,
        optimizers=(plan.setting(cell).optimizer,),
        threads=cell.threads,
        batch_size=cell.batch_size,
        remainder=0 if plan.settings.drop_last else plan.settings.train_size % cell.batch_size,
        loaded=max(plan.settings.train_size, TRAINING_IMAGES),
        variables=tuple(sorted(given.items())),
        predicted=tuple(sorted({plan.settings.val_size, plan.settings.test_size} - {0})),
    )


def _surroundings(
    cell: Cell, before: SystemState, usage: Usage, fields: dict[str, Any]
) -> dict[str, Any]:
    """The state of the machine around the cell, and what of it may have disturbed the cell."""
    after = conditions.now()
    other = conditions.others_busy(before, after, usage.cpu_s, usage.wall_s)
    warnings = conditions.warnings(
        before,
        after,
        wall_s=usage.wall_s,
        cpus=os.cpu_count() or 1,
        threads=cell.threads,
        other_busy_cpus=other,
        busy_threads=fields.get("busy_threads"),
        steady=fields.get("steady"),
    )
    return {
        "state_before": before,
        "state_after": after,
        "other_busy_cpus": other,
        "warnings": warnings,
    }
