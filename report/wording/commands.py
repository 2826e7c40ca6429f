"""The commands that would repeat a comparison: as they were typed, or put together from records."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bench.config.settings import DECLARED
from bench.config.training_settings import TrainingSettings
from bench.contract import ModelOptions
from bench.results.record import Record
from report.analysis.comparison import Comparison
from report.analysis.configurations import MATCHED
from report.text import Given, Note

PROGRAM = ("python", "-m", "bench")
Commands = Mapping[str, Sequence[str]]
"""By the name of a run: the arguments that it was started with."""


def commands(comparison: Comparison, typed: Commands) -> list[tuple[Note, str]]:
    """For each command, what it is of and the command itself, which is text from a file.

    Of runs whose arguments are not known, one is made of what their records say.
    """
    runs = sorted({record.identity.run for record in comparison.everything})
    found: list[tuple[Note, str]] = [
        (("as typed, run ", Given(run)), _line(typed[run])) for run in runs if run in typed
    ]
    others = [record for record in comparison.everything if record.identity.run not in typed]
    if others:
        found.append((("made of what the records say",), _line(arguments(others))))
    return found


def arguments(records: Sequence[Record]) -> list[str]:
    """`bench run` with the settings of records that belong to one comparison."""
    first = records[0]
    if first.weights.resumed_from is not None:
        return ["run", "--from", first.weights.resumed_from, "--epochs", f"{first.settings.epochs}"]
    given = {
        "--frameworks": _joined(record.identity.framework for record in records),
        "--devices": first.identity.device,
        "--seeds": _joined(sorted({record.identity.seed for record in records})),
        "--regime": _regimes(records),
        "--batch-size": f"{first.identity.batch_size}",
        "--threads": f"{first.identity.threads}",
    }
    if any(record.identity.repeat for record in records):
        blocks = {(record.identity.seed, record.identity.repeat) for record in records}
        given["--min-repeats"] = f"{len(blocks)}"
    flags = {
        "--throughput-only": all(record.identity.throughput_only for record in records),
        "--unverified": any(record.provenance.unverified for record in records),
    }
    for name, value in _chosen(first.settings).items():
        if value is True:
            flags[DECLARED[name].flag] = True
        else:
            given[DECLARED[name].flag] = DECLARED[name].written(value)
    named = [part for name, value in given.items() if value is not None for part in (name, value)]
    for variable in first.run_settings.env if first.run_settings else ():
        named += [DECLARED["env"].flag, variable]
    return ["run", *named, *(name for name, is_so in flags.items() if is_so)]


def _chosen(settings: TrainingSettings) -> dict[str, Any]:
    """The settings that are not what a run has by itself, by their names."""
    usual = {name: of.default for name, of in DECLARED.items()} | asdict(ModelOptions())
    return {
        name: value for name, value in asdict(settings).items() if value not in (None, usual[name])
    }


def _line(parts: Sequence[str]) -> str:
    return shlex.join([*PROGRAM, *parts])


def _joined(values: Iterable[object]) -> str:
    return ",".join(dict.fromkeys(map(str, values)))


def _regimes(records: Sequence[Record]) -> str | None:
    """None for matched alone, which is what a run does by itself."""
    regimes = sorted(
        {record.identity.regime for record in records}, key=lambda one: (one != MATCHED, one)
    )
    if regimes == [MATCHED]:
        return None
    if any(regime.startswith("native.") for regime in regimes):
        whole = [regime for regime in regimes if not regime.startswith("native.")]
        return _joined([*whole, "each"])
    return _joined(regimes)
