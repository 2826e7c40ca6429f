"""Has the parts of a framework's training step timed, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from bench import __version__
from bench.errors import StoreError
from bench.execution import Executor
from bench.results.step_profile import FILE, Profiles, Round, StepProfile
from bench.results.store import write_atomically
from bench.system import machine
from bench.worker.messages import Event, FrameworkAnswered, ProfileStep, RoundTimed

TIMEOUT_S = 1800.0


def profile(
    task: ProfileStep,
    log: Path,
    executor: Executor,
    on_round: Callable[[int], None] = lambda number: None,
    timeout_s: float = TIMEOUT_S,
) -> StepProfile:
    """What the worker has found; of one that failed, what it had found until then, and why."""
    rounds: list[Round] = []
    versions: dict[str, str] = {}

    def take(event: Event) -> None:
        if isinstance(event, RoundTimed):
            rounds.append(Round(seconds=event.seconds, disturbed=event.disturbed))
            on_round(event.number)
        elif isinstance(event, FrameworkAnswered):
            versions.update(event.versions)

    end = executor.call(task, log=log, timeout_s=timeout_s, on_event=take).end
    reason = None if end.outcome == "ok" else f"{end.outcome}: {end.reason}"
    return _made(task, reason, tuple(rounds), versions)


def without(task: ProfileStep, reason: str) -> StepProfile:
    """That of a framework which could not be profiled."""
    return _made(task, reason)


def keep(folder: Path, command: tuple[str, ...], found: Sequence[StepProfile]) -> None:
    """Write what there is so far into the folder's `profile.json`; StoreError where it cannot."""
    document = Profiles(command=command, profiles=tuple(found))
    try:
        write_atomically(folder / FILE, document.model_dump_json(indent=2))
    except OSError as error:
        raise StoreError(
            f"cannot write {folder / FILE}: {error.strerror}; choose a folder that is writable and "
            "has space, with --out"
        ) from error


def _made(
    task: ProfileStep,
    reason: str | None,
    rounds: tuple[Round, ...] = (),
    versions: Mapping[str, str] = MappingProxyType({}),
) -> StepProfile:
    return StepProfile(
        framework=task.framework,
        versions=dict(versions),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        bench_version=__version__,
        machine=machine.describe(),
        device=task.device,
        threads=task.threads,
        model=task.model,
        options=task.options,
        input_shape=task.input_shape,
        classes=task.classes,
        optimizer=task.optimizer,
        batch_size=task.batch_size,
        variables=task.given,
        rounds=rounds,
        reason=reason,
    )
