"""Faults of processes: killed, stopped, hung, interrupted; workers, the program itself, both."""

from __future__ import annotations

import os
import signal
import time
from functools import partial

from tests.faults.campaign import Kind
from tests.faults.program import Done, Prepare, Program
from tests.faults.scene import LONG_WAIT_S, Scene, at_action

INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = (1, 130)  # with something to go on with, and without
LIMIT = ("--timeout", "20")  # a worker starts within it on a busy machine, too


def cell_fails(
    scene: Scene,
    outcome: str,
    *reasons: str,
    options: tuple[str, ...] = (),
    prepare: Prepare = lambda: None,
) -> Done:
    """One cell fails, the others do not, and a resumed run has all figures."""
    done = scene.call(*scene.arguments(*options), apart=scene.apart, prepare=prepare)
    scene.expect_told(done, (1,))
    scene.expect_no_process()
    scene.expect_struck()
    record = scene.records()[scene.struck_cell()]
    reason = record.status.reason or ""
    told = f"the cell is {record.status.outcome}: {reason!r}"
    scene.expect(record.status.outcome == outcome, told)
    scene.expect(any(one in reason for one in reasons), f"expected one of {reasons}; {told}")
    scene.expect(reason.isprintable() and len(reason) < 1000, f"not one clear line; {told}")
    scene.expect_others_ran(scene.struck_cell())
    scene.expect_completes()
    return done


def worker_killed(scene: Scene) -> None:
    """A worker is killed (SIGKILL): its cell is `failed`, the others run."""
    scene.strike("signal", signal=int(signal.SIGKILL))
    cell_fails(scene, "failed", "ended by SIGKILL")


def worker_crashes(scene: Scene) -> None:
    """A library crashes (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT): its cell is `failed`."""
    names = ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGXCPU", "SIGRTMIN")
    sign = getattr(signal, scene.random.choice(names))
    scene.strike("signal", signal=int(sign))
    cell_fails(scene, "failed", f"ended by {getattr(sign, 'name', 'signal')}")


def worker_stopped(scene: Scene) -> None:
    """A worker is stopped (SIGSTOP): its time limit ends it, the cell is a `timeout`."""
    scene.strike("signal", signal=int(signal.SIGSTOP))
    cell_fails(scene, "timeout", "--timeout 20", options=LIMIT)


def worker_hangs(scene: Scene) -> None:
    """A library hangs, deaf to SIGTERM or with Python's lock held: the time limit ends it."""
    scene.strike("hang", how=scene.random.choice(("plain", "stubborn", "locked")))
    cell_fails(scene, "timeout", "--timeout 20", options=LIMIT)


def worker_exits(scene: Scene) -> None:
    """A library ends the process, with exit code 0 or another: the cell is `failed`."""
    how, code = scene.random.choice(("at once", "politely")), scene.random.choice((0, 1, 3, 255))
    scene.strike("exit", how=how, code=code)
    cell_fails(scene, "failed", f"ended with exit code {code}")


def _begun(scene: Scene, name: str = "wait", **how: object) -> tuple[Program, int]:
    """A run whose worker has just reached the strike, and the number of the worker's process."""
    scene.strike(name, **how)
    anew = scene.random.random() < 0.2
    program = scene.start(*scene.arguments(), apart=scene.apart, anew=anew)
    return program, scene.reached()


def _ended_abruptly(scene: Scene, done: Done) -> None:
    """The program was killed: no process outlives it, and a resumed run has all figures."""
    scene.expect(done.code == -signal.SIGKILL, f"it ended with {done.code}")
    scene.expect_no_process()
    scene.records()
    scene.expect_completes()


def parent_killed(scene: Scene) -> None:
    """The program is killed (SIGKILL) while a worker runs: the worker ends, too."""
    program, _ = _begun(scene, wait_s=LONG_WAIT_S)
    program.send(signal.SIGKILL)
    _ended_abruptly(scene, program.wait())


def parent_killed_worker_deaf(scene: Scene) -> None:
    """The program is killed while a worker is stopped, or holds Python's lock: it ends, too."""
    how = scene.random.choice(("stopped", "locked", "stubborn"))
    if how == "stopped":
        program, worker = _begun(scene, wait_s=LONG_WAIT_S)
        os.kill(worker, signal.SIGSTOP)
    else:
        program, _ = _begun(scene, "hang", how=how)
    program.send(signal.SIGKILL)
    _ended_abruptly(scene, program.wait())


def both_killed(scene: Scene) -> None:
    """Worker and program are killed at once, in either order."""
    program, worker = _begun(scene, wait_s=LONG_WAIT_S)
    victims = [program.pid, worker]
    scene.random.shuffle(victims)
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    done = program.wait()
    scene.expect(done.code in (-signal.SIGKILL, 1), f"it ended with {done.code}")
    scene.expect_no_process()
    scene.expect_completes()


def parent_stopped(scene: Scene) -> None:
    """The program is stopped and goes on later (Ctrl-Z, fg): nothing is lost."""
    program, _ = _begun(scene, wait_s=0.2)
    program.send(signal.SIGSTOP)
    time.sleep(scene.random.uniform(0.1, 2.0))
    program.send(signal.SIGCONT)
    scene.expect_told(program.wait(), (0,))
    scene.expect_undisturbed()
    scene.expect_settled()


def _interrupted(scene: Scene, done: Done) -> None:
    """It ended as interrupted, or was done already, and a resumed run has all figures."""
    scene.expect_told(done, (*INTERRUPTED, 0))
    scene.expect_settled()
    if done.code == 1:
        scene.expect("interrupted: " in done.err, f"it is not told: {done.err!r}")
    if not scene.has_run():
        left = sorted(scene.out.iterdir()) if scene.out.is_dir() else []
        scene.expect(not left, f"what is no run is left: {left}")
        scene.expect_told(scene.call(*scene.arguments()), (0,))
        scene.expect_undisturbed()
    else:
        scene.expect_completes()


def interrupted_in_a_cell(scene: Scene) -> None:
    """Ctrl-C, SIGTERM or SIGHUP while a worker runs: what is done is kept, exit code 1."""
    how = scene.random.choice(("wait", "stopped", "locked", "stubborn"))
    if how in ("wait", "stopped"):
        program, worker = _begun(scene, wait_s=LONG_WAIT_S)
    else:
        program, worker = _begun(scene, "hang", how=how)
    if how == "stopped":
        os.kill(worker, signal.SIGSTOP)
    program.send(scene.random.choice(INTERRUPTIONS))
    done = program.wait()
    scene.expect_told(done, (1,), "interrupted: ", "--resume")
    _interrupted(scene, done)


def interrupted_twice_in_a_cell(scene: Scene) -> None:
    """Ctrl-C again while the first one is heeded: what is done is kept all the same."""
    program, worker = _begun(scene, wait_s=LONG_WAIT_S)
    if scene.random.random() < 0.5:
        os.kill(worker, signal.SIGSTOP)  # it has to be ended with patience
    for _ in range(scene.random.choice((2, 2, 3, 10))):
        program.send(scene.random.choice(INTERRUPTIONS))
        time.sleep(scene.random.choice((0.0, 0.01, 0.3, 0.9)))
    _interrupted(scene, program.wait())


def interrupted_anywhere(scene: Scene) -> None:
    """Ctrl-C, SIGTERM or SIGHUP just before any action on a file: a resumed run has all figures."""
    sign = scene.random.choice(INTERRUPTIONS)
    number = scene.random.randint(1, scene.actions())
    prepare = partial(at_action, number, partial(signal.raise_signal, sign), scene.folder)
    _interrupted(scene, scene.call(*scene.arguments(), prepare=prepare))


def _two_signals(first: int, second: int, scene: Scene) -> None:
    for number in (first, second):
        at_action(number, partial(signal.raise_signal, signal.SIGINT), scene.folder)


def interrupted_twice_anywhere(scene: Scene) -> None:
    """Ctrl-C just before an action on a file, and again some actions later."""
    first = scene.random.randint(1, scene.actions())
    second = first + scene.random.randint(1, 12)
    prepare = partial(_two_signals, first, second, scene)
    _interrupted(scene, scene.call(*scene.arguments(), prepare=prepare))


def interrupted_while_it_starts(scene: Scene) -> None:
    """Ctrl-C after any fraction of the first second: exit code 130 and not a word, no traceback."""
    program = scene.start(*scene.arguments(), anew=True)
    time.sleep(scene.random.uniform(0.05, 1.5))
    program.send(signal.SIGINT)
    done = program.wait()
    if done.code == -signal.SIGINT:  # before Python has a handler of its own
        scene.expect(not done.err, f"it said {done.err!r}")
        return
    _interrupted(scene, done)


def killed_anywhere(scene: Scene) -> None:
    """The program is killed just before any action on a file: a resumed run has all figures."""
    number = scene.random.randint(1, scene.actions())
    prepare = partial(at_action, number, lambda: os.kill(os.getpid(), signal.SIGKILL), scene.folder)
    done = scene.call(*scene.arguments(), prepare=prepare)
    scene.expect(done.code == -signal.SIGKILL, f"it ended with {done.code}: {done.err!r}")
    if not scene.has_run():
        scene.expect_told(scene.call(*scene.arguments()), (0,))
        whole = [path.parent for path in scene.out.glob("*/run.json")]
        scene.expect_undisturbed(*whole)
        return
    scene.expect_completes()


def killed_while_it_resumes(scene: Scene) -> None:
    """A resumed run is killed just before any action on a file, and resumed once more."""
    first, second = (scene.random.randint(scene.actions() // 5, scene.actions()) for _ in range(2))
    for number in (first, second):
        prepare = partial(
            at_action, number, lambda: os.kill(os.getpid(), signal.SIGKILL), scene.folder
        )
        if scene.has_run():
            scene.resume(prepare=prepare)
        else:
            scene.call(*scene.arguments(), prepare=prepare)
    if scene.has_run():
        scene.expect_completes()


def hung_up(scene: Scene) -> None:
    """The terminal goes away (SIGHUP) from a run of `nohup`, which ignores it: it goes on."""
    scene.strike("wait", wait_s=0.3)
    program = scene.start(
        *scene.arguments(),
        apart=scene.apart,
        prepare=partial(signal.signal, signal.SIGHUP, signal.SIG_IGN),
    )
    scene.reached()
    program.send(signal.SIGHUP)
    scene.expect_told(program.wait(), (0,))
    scene.expect_undisturbed()
    scene.expect_settled()


KINDS = tuple(
    map(
        Kind,
        (
            *(worker_killed, worker_crashes, worker_stopped, worker_hangs, worker_exits),
            *(parent_killed, parent_killed_worker_deaf, both_killed, parent_stopped),
            *(interrupted_in_a_cell, interrupted_twice_in_a_cell, interrupted_anywhere),
            *(interrupted_twice_anywhere, interrupted_while_it_starts, killed_anywhere),
            *(killed_while_it_resumes, hung_up),
        ),
    )
)
