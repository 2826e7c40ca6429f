"""`bench compare`: the frameworks of a run against each other, or runs against the first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args

from rich.console import Console

from bench.cli import parse
from bench.cli.console import say, standard_output
from bench.errors import UnknownNameError, UsageError
from bench.results import store
from report.analysis import contrasts
from report.analysis.comparison import Comparison, base_of, by_setup
from report.analysis.configurations import Setup
from report.analysis.contrasts import PairwiseComparison
from report.analysis.samples import Metric, Sample, samples
from report.analysis.throughput import accepting_disturbed
from report.formats.terminal import print_section
from report.tables import contrast_tables
from report.tables.sections import Section
from report.text import plain
from report.wording.notes import known_to_be_wrong, measured_again, plain_note, settings, title


@dataclass(frozen=True, slots=True)
class _Run:
    """What a path held: its comparisons by set-up."""

    name: str
    comparisons: dict[Setup, Comparison]

    def machines(self) -> set[tuple[str, str]]:
        """Fingerprints, each with the host that has it."""
        return {(setup.machine_fingerprint, setup.host) for setup in self.comparisons}


def compare(
    paths: Sequence[Path],
    baseline: str | None,
    metric: str,
    *,
    accept_disturbed: bool = False,
    as_json: bool,
) -> int:
    """Print each run's own contest, where one is asked for, and the runs against the first."""
    known: tuple[Metric, ...] = get_args(Metric)
    chosen = next((one for one in known if one == metric), None)
    if chosen is None:
        raise UnknownNameError("metric", metric, known)
    if len({path.resolve() for path in paths}) < len(paths):
        raise UsageError(f"the same run is given twice: {', '.join(map(str, paths))}")
    notes = Console(stderr=True, highlight=False)
    runs = [_read(path, notes, accept_disturbed=accept_disturbed) for path in paths]
    found: list[tuple[Section, list[PairwiseComparison]]] = []
    if len(runs) == 1 or baseline is not None:
        for run in runs:
            found += _within(run, baseline, chosen)
    for later in runs[1:]:
        found += _between(runs[0], later, chosen)
    for said in dict.fromkeys(_beside(runs, chosen)):
        say(notes, said)
    if as_json:
        print(json.dumps(_document([one for _, several in found for one in several]), indent=2))
        return 0
    console = standard_output()
    for section, _ in found:
        print_section(section, console)
    return 0


def _document(contests: Sequence[PairwiseComparison]) -> dict[str, Any]:
    return {"contests": [contrast_tables.values(one) for one in contests]}


def _beside(runs: Sequence[_Run], metric: Metric) -> Iterator[str]:
    """What no table shows: known defects of what was measured, and who is in no table, and why."""
    for run in runs:
        for comparison in run.comparisons.values():
            yield from map(plain_note, known_to_be_wrong(comparison))
            measured = {row.framework for row in comparison.rows if row.runs_ok}
            figured = {one.framework for one in samples(comparison, metric, run.name)}
            for framework in sorted(measured - figured):
                yield plain(f"{framework} is left out: it has no {metric} in {run.name}")
    first = runs[0]
    for later in runs[1:]:
        for setup in _shared(first, later):
            before, after = (
                {row.framework for row in run.comparisons[setup].rows} for run in (first, later)
            )
            for framework in sorted(before ^ after):
                where, missing = (first, later) if framework in before else (later, first)
                yield plain(f"{framework} is only in {where.name}, not in {missing.name}")


def _shared(first: _Run, later: _Run) -> list[Setup]:
    """The set-ups that two runs have in common, in the order of the first."""
    return [setup for setup in first.comparisons if setup in later.comparisons]


def _read(path: Path, notes: Console, *, accept_disturbed: bool) -> _Run:
    """The comparisons of the records below a path; UsageError where there is none."""
    records, problems = store.read_records([path])
    for file, reason in problems:
        say(notes, plain(f"left out {file}: {reason}"))
    if not records:
        raise UsageError(
            f"there are no records in {path}: give the folders of runs, such as those in results/"
        )
    if accept_disturbed:
        records = accepting_disturbed(records)
    return _Run(path.resolve().name, by_setup(records))


def _within(
    run: _Run, baseline: str | None, metric: Metric
) -> list[tuple[Section, list[PairwiseComparison]]]:
    """One contest for each set-up of the run; UsageError where nobody can be compared."""
    families = {
        setup: contrasts.family(comparison, metric, run.name)
        for setup, comparison in run.comparisons.items()
    }
    names = {one.framework for several in families.values() for one in several.samples}
    rows = [row for one in run.comparisons.values() for row in one.rows]
    disturbed = {
        "images_per_s": any(row.speed.disturbed for row in rows),
        "time_to_target": any(row.times_disturbed for row in rows),
    }
    if not names and disturbed.get(metric):
        again = measured_again(
            "`bench run --resume`", speeds=metric == "images_per_s", times=metric != "images_per_s"
        )
        raise UsageError(
            f"other programs disturbed every {metric} in {run.name}: {again}, or compare them "
            "anyway with --accept-disturbed"
        )
    if not names:
        raise UsageError(f"no run in {run.name} has a figure for {metric}: choose another --metric")
    parse.check_baseline(baseline, names, metric, run.name)
    found: list[tuple[Section, list[PairwiseComparison]]] = []
    for setup, several in families.items():
        base = base_of(several.samples, baseline)
        if base is None or len(several.samples) < 2:
            continue
        contest = contrasts.within(several, base)
        heading = _heading(run.comparisons[setup], run.name)
        found.append((contrast_tables.within_section(contest, heading), [contest]))
    if not found:
        raise UsageError(
            f"{run.name} has {metric} only for {', '.join(sorted(names))}, so there is nothing to "
            "compare with: give a run of several frameworks, or a second run"
        )
    return found


def _between(
    first: _Run, later: _Run, metric: Metric
) -> list[tuple[Section, list[PairwiseComparison]]]:
    """One contest for each framework in each set-up that both runs have; else a UsageError."""
    _require_alike(first, later)
    found: list[tuple[Section, list[PairwiseComparison]]] = []
    for setup in _shared(first, later):
        before = samples(first.comparisons[setup], metric, first.name)
        after = samples(later.comparisons[setup], metric, later.name)
        pairs = [(one, other) for one in before for other in after if _same(one, other)]
        if pairs:
            contests = contrasts.between(setup, metric, pairs)
            heading = _heading(later.comparisons[setup], f"{later.name} against {first.name}")
            found.append((contrast_tables.between_section(contests, heading), contests))
    if not found:
        raise UsageError(
            f"no framework has {metric} in the same set-up of both {first.name} and {later.name}"
        )
    return found


def _same(one: Sample, other: Sample) -> bool:
    return one.framework == other.framework


def _machine(run: _Run) -> str:
    fingerprint, host = min(run.machines())
    cpu = next(iter(run.comparisons.values())).machine.cpu or "unknown"
    return f"{run.name} ran on {cpu}, fingerprint {fingerprint[:12]}, host {host[:12]}"


def _require_alike(first: _Run, later: _Run) -> None:
    """UsageError where the runs are of unlike machines, or share no set-up."""
    if not first.machines() & later.machines():
        machines = [_machine(run) for run in (first, later)]
        raise UsageError(
            f"results of different machines cannot be compared: {plain('; '.join(machines))}; run "
            "both on one machine"
        )
    if not _shared(first, later):
        one, other = next(iter(first.comparisons)), next(iter(later.comparisons))
        unlike = [
            f"{name} {was} and {becomes}" for name, (was, becomes) in _unlike(one, other).items()
        ]
        raise UsageError(
            f"different set-ups cannot be compared: {first.name} and {later.name} have "
            f"{plain('; '.join(unlike))}; run both with the same options"
        )


def _unlike(one: Any, other: Any) -> dict[str, tuple[Any, Any]]:
    """The fields of two dataclasses of a kind that differ, those within their fields, too."""
    found: dict[str, tuple[Any, Any]] = {}
    for field in fields(one):
        pair = getattr(one, field.name), getattr(other, field.name)
        if pair[0] == pair[1]:
            continue
        alike = is_dataclass(pair[0]) and type(pair[0]) is type(pair[1])
        found |= _unlike(*pair) if alike else {field.name: pair}
    return found


def _heading(comparison: Comparison, runs: str) -> str:
    """What was compared, and under which settings, in one line."""
    of = plain_note(title(comparison.setup))
    return f"{plain(runs)}: {of}. {plain_note(settings(comparison))}"
