"""The section on profiles: what each part of a training step takes, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.results.step_profile import PASSES, Part, Pass, StepProfile
from report.tables.main import NONE, Column, figure
from report.tables.sections import Section, Table
from report.text import Given, Note, counted

Key = tuple[str | None, Pass]
TITLE = "Where the time of a training step goes"
MOST_DRAWN = 6  # in one report
WHOLE, EXPLAINED, UNEXPLAINED = "whole step", "all parts together", "not explained"


@dataclass(frozen=True, slots=True)
class Line:
    """One row: a part of a step, or all of it, of each framework that was profiled."""

    layer: str
    what: str
    cells: dict[str, str]
    rates: dict[str, str]


def figure_name(number: int) -> str | None:
    """The file of the drawing of a report's profile, counted from 1; None where there are many."""
    return f"figures/profile-{number}.svg" if number <= MOST_DRAWN else None


def section(profiles: Sequence[StepProfile], drawing: str | None = None) -> Section:
    """Milliseconds, and operations a second; only notes where nothing could be profiled.

    `drawing` is the file of the heat map, where there is one.
    """
    told = told_of(profiles)
    notes = _notes(profiles, told)
    if not told:
        return Section(TITLE, (), notes)
    names = [one.framework for one in told]
    times = [
        Column("Layer", "", lambda line: Given(line.layer), 0, is_text=True),
        Column("Part", "", lambda line: line.what, 0, is_text=True),
        *(
            Column(name, "ms", lambda line, name=name: line.cells.get(name, NONE), 0)  # type: ignore[misc]
            for name in names
        ),
        *(
            Column(name, "GFLOP/s", lambda line, name=name: line.rates.get(name, NONE), 1)  # type: ignore[misc]
            for name in names
        ),
    ]
    return Section(TITLE, (Table(tuple(times), tuple(lines(told))),), notes, drawing)


def told_of(profiles: Sequence[StepProfile]) -> list[StepProfile]:
    """Those of which something can be told."""
    return [one for one in profiles if one.rows()]


def keys(profiles: Sequence[StepProfile]) -> list[Key]:
    """Every part that any of them has, in the order of the network."""
    return list(dict.fromkeys((part.layer, part.of) for one in profiles for part in one.rows()))


def lines(profiles: Sequence[StepProfile]) -> list[Line]:
    """A row a part, then the sum, what it leaves, and whole steps."""
    by_name = {one.framework: {(p.layer, p.of): p for p in one.rows()} for one in profiles}
    batch = {one.framework: one.batch_size for one in profiles}
    found = [
        Line(
            layer or "network",
            PASSES[of],
            {name: _milliseconds(parts.get((layer, of))) for name, parts in by_name.items()},
            {name: _rate(parts.get((layer, of)), batch[name]) for name, parts in by_name.items()},
        )
        for layer, of in keys(profiles)
    ]
    sums = {one.framework: 1e3 * sum(p.seconds.estimate for p in one.rows()) for one in profiles}
    steps = {one.framework: 1e3 * (one.step_s or 0.0) for one in profiles}
    left = {name: figure(steps[name] - sums[name]) for name in sums}
    return [
        *found,
        Line("", EXPLAINED, {name: figure(value) for name, value in sums.items()}, {}),
        Line("", UNEXPLAINED, left, {}),
        Line(
            "", WHOLE, {name: figure(value) for name, value in steps.items()}, _of_steps(profiles)
        ),
    ]


def _of_steps(profiles: Sequence[StepProfile]) -> dict[str, str]:
    """Of all operations in a whole step."""
    return {
        one.framework: figure(sum(p.flops for p in one.rows()) * one.batch_size / one.step_s / 1e9)
        for one in profiles
        if one.step_s
    }


def _milliseconds(part: Part | None) -> str:
    return NONE if part is None else figure(1e3 * part.seconds.estimate)


def _rate(part: Part | None, batch_size: int) -> str:
    return NONE if part is None else figure(part.gflop_per_s(batch_size))


def _notes(profiles: Sequence[StepProfile], told: Sequence[StepProfile]) -> tuple[Note, ...]:
    notes: list[Note] = []
    for one in told:
        explained = one.explained
        if explained is not None:
            notes.append(
                (
                    Given(one.framework),
                    f": the parts together are {100 * explained.estimate:.0f} % "
                    f"({100 * explained.low:.0f} to {100 * explained.high:.0f} %) of whole steps, "
                    f"by {len(one.clean)} of {len(one.rounds)} rounds.",
                )
            )
    for one in profiles:
        if one.reason:
            notes.append((Given(one.framework), ": left out: ", Given(one.reason, 300), "."))
        elif one.is_disturbed:
            notes.append(
                (
                    Given(one.framework),
                    f": disturbed, {len(one.clean)} of {len(one.rounds)} rounds clean: others "
                    "computed on its CPUs; end other programs, or give it fewer --threads.",
                )
            )
    return (*notes, *([_set_up(told[0])] if told else []))


def _set_up(of: StepProfile) -> Note:
    threads = counted(of.threads, "thread")
    return (
        f"{of.spec.label}, batch {of.batch_size}, {of.optimizer.name}, {of.device}, {threads}, ",
        Given(of.machine.cpu or "an unknown processor"),
        ". Medians over rounds, each part alone, in turns with whole steps. "
        "A gradient to the parameters is what it adds to the layer's gradient to its inputs, and "
        "little where both are computed side by side; no rate is told of what is known too "
        "roughly. A part alone can take longer than within a step, where a compiler joins parts, "
        "or shorter, where what it needs is in a cache.",
    )
