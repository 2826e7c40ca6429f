"""Faults of a library in its worker: what it prints, closes, leaves behind, changes, computes."""

from __future__ import annotations

import json
import signal

from tests.faults.campaign import Kind
from tests.faults.processes import cell_fails
from tests.faults.scene import Scene

FORGED = (
    {"kind": "end", "outcome": "failed", "reason": "forged"},
    {"kind": "measured", "figures": {"test_accuracy": 1.0}},
    {"kind": "epoch", "figures": {"epoch_s": 0.0, "learning_rates": 1.0, "train_loss": 0.0}},
)
REASONS = {
    "value": "ValueError: the tensor has a cold",
    "lines": "RuntimeError: first line",
    "escapes": "RuntimeError: ",
    "surrogate": "RuntimeError: half a character",
    "long": "RuntimeError: xxx",
    "empty": "RuntimeError",
    "unprintable": "UnprintableError",
    "memory": "MemoryError",
    "recursion": "RecursionError: too deep",
    "interrupt": "KeyboardInterrupt",
    "group": "ExceptionGroup: several",
    "os": "OSError: [Errno 5]",
    "stop": "StopIteration: 3",
    "generator": "GeneratorExit",
}


def _all_goes_well(scene: Scene) -> None:
    """The cell runs as if nothing had happened."""
    done = scene.call(*scene.arguments(), apart=scene.apart)
    scene.expect_told(done, (0,))
    scene.expect_undisturbed()
    scene.expect_settled()


def library_raises(scene: Scene) -> None:
    """A library raises an exception of any class, with any text: one clear line is the reason."""
    how = scene.random.choice(tuple(REASONS))
    scene.strike("raise", how=how)
    cell_fails(scene, "failed", REASONS[how])


def library_prints_binary(scene: Scene) -> None:
    """A library prints bytes that are no text to both streams: they are in the log alone."""
    content = list(scene.random.randbytes(scene.random.choice((1, 300, 4096))))
    scene.strike("print", bytes=content, times=scene.random.choice((1, 20)))
    _all_goes_well(scene)


def library_prints_much(scene: Scene) -> None:
    """A library prints 30 MB: nobody waits for anybody."""
    scene.strike("print", text="warning: " + "x" * 999_990 + "\n", times=15)
    _all_goes_well(scene)


def library_forges_messages(scene: Scene) -> None:
    """A library prints what looks like a worker's messages: nobody takes them for such."""
    text = "\n".join(json.dumps(scene.random.choice(FORGED)) for _ in range(5))
    scene.strike("print", text=f"\n{text}\n", times=3)
    _all_goes_well(scene)


def library_closes_streams(scene: Scene) -> None:
    """A library closes descriptors 0, 1 or 2: the cell runs on."""
    closed = scene.random.sample((0, 1, 2), scene.random.randint(1, 3))
    scene.strike("close", descriptors=closed)
    _all_goes_well(scene)


def library_closes_everything(scene: Scene) -> None:
    """A library closes every descriptor, also the worker's own: the cell is `failed`."""
    scene.strike("close-all")
    cell_fails(scene, "failed", "exit code 1", "Bad file descriptor")


def library_forks(scene: Scene) -> None:
    """A library leaves child processes behind: they are ended with the worker, nobody waits."""
    scene.strike("fork", children=scene.random.randint(1, 3), session=False, lives_s=200)
    _all_goes_well(scene)


def library_forks_daemon(scene: Scene) -> None:
    """A library leaves a process in a session of its own: the run does not wait for its end."""
    lives_s = 120
    scene.strike("fork", children=1, session=True, lives_s=lives_s)
    scene.expect_told(scene.call(*scene.arguments(), apart=scene.apart), (0,))
    taken_s = scene.records()[scene.struck_cell()].timing.wall_s or 0
    scene.expect(taken_s < lives_s, f"the cell took {taken_s:.0f} s")
    scene.expect_undisturbed()
    scene.expect_no_draft()
    scene.end_processes()
    scene.expect_no_process()


def library_leaves_threads(scene: Scene) -> None:
    """A library leaves threads that never end: the worker ends all the same."""
    scene.strike("threads")
    _all_goes_well(scene)


def library_changes_folder(scene: Scene) -> None:
    """A library changes to a folder that is gone then: files are where they belong."""
    scene.strike("folder")
    _all_goes_well(scene)


def library_changes_signals(scene: Scene) -> None:
    """A library ignores signals and rings an alarm 100 times a second: the cell runs on."""
    scene.strike("handlers")
    _all_goes_well(scene)


def library_changes_settings(scene: Scene) -> None:
    """A library changes umask, environment, module path, locale, streams: the cell runs on."""
    scene.strike("settings", "gradients64", "train_epoch", "predict")
    _all_goes_well(scene)


def figures_not_finite(scene: Scene) -> None:
    """A loss, a gradient or a weight is NaN or infinite at a step: `diverged`, with the step."""
    what = scene.random.choice(("loss", "gradient", "weights"))
    scene.strike("value", "gradients64", what=what, value=scene.random.choice(("nan", "inf")))
    done = scene.call(*scene.arguments(), apart=scene.apart)
    scene.expect_told(done, (0,))
    status = scene.records()[scene.struck_cell()].status
    told = f"the cell is {status.outcome}: {status.reason!r}"
    scene.expect(status.outcome == "diverged", told)
    scene.expect(f"at step {status.diverged_step}" in (status.reason or ""), told)
    scene.expect_others_ran(scene.struck_cell())
    before = scene.kept()
    scene.expect_told(scene.resume(), (0,))
    scene.expect(scene.kept() == before, "a record has changed, though nothing was to be done")
    scene.expect_settled()


def figures_of_wrong_form(scene: Scene) -> None:
    """An adapter returns what is no array of the right shape: `failed`, or the right figures."""
    what, method = scene.random.choice((("losses", "train_epoch"), ("logits", "predict")))
    value = scene.random.choice(("none", "text", "shorter", "more", "objects", "complex"))
    scene.strike("value", method, what=what, value=value)
    done = scene.call(*scene.arguments(), apart=scene.apart)
    scene.expect_told(done, (0, 1))
    if done.code == 0:
        scene.expect_undisturbed()
        return
    status = scene.records()[scene.struck_cell()].status
    scene.expect(status.outcome == "failed", f"the cell is {status.outcome}: {status.reason}")
    scene.expect((status.reason or "").isprintable(), f"not one line: {status.reason!r}")
    scene.expect_others_ran(scene.struck_cell())
    scene.expect_completes()


def interrupted_after_changed_signals(scene: Scene) -> None:
    """Ctrl-C while a worker is deaf to every signal but SIGKILL: it is ended, work is kept."""
    scene.strike("hang", how="stubborn")
    program = scene.start(*scene.arguments(), apart=scene.apart)
    scene.reached()
    program.send(signal.SIGINT)
    done = program.wait()
    scene.expect_told(done, (1,), "interrupted: ")
    scene.expect_settled()
    scene.expect_completes()


KINDS = tuple(
    map(
        Kind,
        (
            *(library_raises, library_prints_binary, library_prints_much, library_forges_messages),
            *(library_closes_streams, library_closes_everything, library_forks),
            *(library_forks_daemon, library_leaves_threads, library_changes_folder),
            *(library_changes_signals, library_changes_settings, figures_not_finite),
            *(figures_of_wrong_form, interrupted_after_changed_signals),
        ),
    )
)
