"""The commands that would repeat a comparison: as they were typed, or put together from records."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from bench.results.record import Record
from report.analysis.comparison import Comparison
from report.analysis.configurations import MATCHED
from report.text import Given, Note
from report.wording import settings_text

PROGRAM = ("python", "-m", "bench")
Commands = Mapping[str, Sequence[str]]
"""By the name of a run: the arguments that it was started with."""


def commands(comparison: Comparison, typed: Commands) -> list[tuple[Note, str]]:
    """For each command, what it is of and the command itself, which is text from a file.

    Of runs whose arguments are not known, one is made of what their records say.
    """
    runs = sorted({record.run for record in comparison.everything})
    found: list[tuple[Note, str]] = [
        (("as typed, run ", Given(run)), _line(typed[run])) for run in runs if run in typed
    ]
    others = [record for record in comparison.everything if record.run not in typed]
    if others:
        found.append((("made of what the records say",), _line(arguments(others))))
    return found


def arguments(records: Sequence[Record]) -> list[str]:
    """`bench run` with the settings of records that belong to one comparison."""
    first = records[0]
    if first.resumed_from is not None:
        return ["run", "--from", first.resumed_from, "--epochs", f"{first.epochs}"]
    given: dict[str, str | None] = {
        "--frameworks": _joined(record.framework for record in records),
        "--devices": first.device,
        "--seeds": _joined(sorted({record.seed for record in records})),
        "--regime": _regimes(records),
        "--model": first.model,
        "--activation": None if first.activation == "relu" else first.activation,
        "--pooling": None if first.pooling == "max" else first.pooling,
        "--dropout": f"{first.dropout!r}" if first.dropout else None,
        "--noise": f"{first.noise!r}" if first.noise else None,
        "--dataset": first.dataset,
        "--train-size": f"{first.train_images}",
        "--val-size": f"{first.val_images}",
        "--test-size": f"{first.test_images}",
        "--fit": first.fit,
        "--mean": _joined(first.given_mean) if first.given_mean else None,
        "--std": _joined(first.given_std) if first.given_std else None,
        "--epochs": f"{first.epochs}",
        "--batch-size": f"{first.batch_size}",
        "--optimizer": first.optimizer,
        "--lr": f"{first.learning_rate!r}",
        "--momentum": f"{first.momentum!r}" if first.momentum else None,
        "--weight-decay": f"{first.weight_decay!r}" if first.weight_decay_is_given else None,
        "--target": None if first.target_accuracy is None else f"{first.target_accuracy!r}",
        "--threads": f"{first.threads}",
    }
    blocks = {(record.seed, record.repeat) for record in records}
    if any(record.repeat for record in records):
        given["--min-repeats"] = f"{len(blocks)}"
    given |= settings_text.arguments(first.training)
    flags = settings_text.flags(first.training)
    if all(record.throughput_only for record in records):
        flags.append("--throughput-only")
    if any(record.unverified for record in records):
        flags.append("--unverified")
    named = [part for name, value in given.items() if value is not None for part in (name, value)]
    return ["run", *named, *flags]


def _line(parts: Sequence[str]) -> str:
    return shlex.join([*PROGRAM, *parts])


def _joined(values: Iterable[object]) -> str:
    return ",".join(dict.fromkeys(map(str, values)))


def _regimes(records: Sequence[Record]) -> str | None:
    """None for matched alone, which is what a run does by itself."""
    regimes = sorted({record.regime for record in records}, key=lambda one: (one != MATCHED, one))
    if regimes == [MATCHED]:
        return None
    if any(regime.startswith("native.") for regime in regimes):
        whole = [regime for regime in regimes if not regime.startswith("native.")]
        return _joined([*whole, "each"])
    return _joined(regimes)
