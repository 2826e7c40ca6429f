"""What the frameworks' own defaults change: records of other regimes beside the matched ones.

Accuracies are in [0, 1]. Differences are of a regime minus matched, in the same framework and
version, paired by seed: what the seed's split, order and draw of the weights do to both alike
cancels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from bench.results.record import Record
from report.analysis import arrivals
from report.analysis.aggregate import by_seed, known, mean_and_error, median_if_any
from report.analysis.comparison import Comparison, status
from report.analysis.configurations import MATCHED, by_version, grouped
from report.analysis.throughput import rate

NATIVE = "native"

# What a framework's default may change, by the fields of `bench.results.record.TrainedWith`.
SETTING = (
    *("kernel_initialiser", "bias_initialiser", "weight_decay", "alpha", "beta1", "beta2"),
    *("epsilon", "epsilon_form", "rate_in_momentum", "decoupled_decay", "generator"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One framework in one regime.

    status           as in `report.analysis.comparison.Row`
    accuracy_mean    over the ok seeds; accuracy_std is the sample standard deviation (n - 1)
    steps_to_target  median over the runs that tried, see `bench.stats.censored_median`; where
                     `is_bound`, the median is greater than the number
    reached, tried   runs: ok ones, and diverged ones as not having reached the target
    images_per_s     median over the ok runs
    """

    status: str
    accuracy_mean: float | None
    accuracy_std: float | None
    steps_to_target: float | None
    is_bound: bool
    reached: int
    tried: int
    images_per_s: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A regime minus matched, over the seeds that both have.

    shared          seeds at which both were run, whatever became of it
    seeds           those with a test accuracy in both; accuracy_mean is over them
    accuracy_error  standard error of the mean, s/√n; None for one seed
    tried           seeds at which both tried for the target
    reached         those at which both reached it; steps_mean and steps_error are over them
    """

    shared: int
    seeds: tuple[int, ...]
    accuracy_mean: float | None
    accuracy_error: float | None
    tried: int
    reached: int
    steps_mean: float | None
    steps_error: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """One framework in one version, matched and native; None for what was not run.

    `is_same` is whether its native setting is known to be the matched one.
    """

    framework: str
    version: str | None
    matched: Outcome | None
    native: Outcome | None
    is_same: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One framework in one version in a regime other than matched.

    `changes` are the fields of its records that are not the matched ones', each with the matched
    value and its own; empty also where no matched record tells. `difference` is None where the
    framework was not run in matched.
    """

    framework: str
    version: str | None
    regime: str
    outcome: Outcome
    changes: tuple[tuple[str, Any, Any], ...]
    difference: Difference | None


def pairs(comparison: Comparison) -> list[Pair]:
    """Matched beside native, for each framework that was run in native."""
    setting = matched_setting(comparison)
    return [
        Pair(
            framework=framework,
            version=version,
            matched=_outcome_if_any(regimes.get(MATCHED)),
            native=outcome(regimes[NATIVE]),
            is_same=_is_same(regimes[NATIVE], setting),
        )
        for (framework, version), regimes in _regimes(comparison)
        if NATIVE in regimes
    ]


def cases(comparison: Comparison) -> list[Case]:
    """Every framework's regimes other than matched, by name, `native` before `native.NAME`."""
    setting = matched_setting(comparison)
    return [
        Case(
            framework=framework,
            version=version,
            regime=regime,
            outcome=outcome(records),
            changes=changes(records, setting),
            difference=difference(records, regimes[MATCHED]) if MATCHED in regimes else None,
        )
        for (framework, version), regimes in _regimes(comparison)
        for regime, records in sorted(regimes.items())
        if regime != MATCHED
    ]


def outcome(records: Sequence[Record]) -> Outcome:
    """What the runs of one framework in one regime came to."""
    ok = [record for record in records if record.status.outcome == "ok"]
    accuracies = list(by_seed(ok, lambda record: record.learning.test_accuracy).values())
    found = arrivals.steps(records)
    steps, is_bound = found.median()
    return Outcome(
        status=status(records),
        accuracy_mean=fmean(accuracies) if accuracies else None,
        accuracy_std=stdev(accuracies) if len(accuracies) > 1 else None,
        steps_to_target=steps,
        is_bound=is_bound,
        reached=len(found.reached),
        tried=len(found.reached) + len(found.budgets),
        images_per_s=median_if_any(known(map(rate, ok))),
    )


def difference(records: Sequence[Record], matched: Sequence[Record]) -> Difference:
    """The regime of `records` minus `matched`, seed by seed."""
    accuracies, matched_accuracies = _accuracies(records), _accuracies(matched)
    seeds = sorted(accuracies.keys() & matched_accuracies.keys())
    accuracy = mean_and_error([accuracies[seed] - matched_accuracies[seed] for seed in seeds])
    steps, matched_steps = _steps(records), _steps(matched)
    tried = steps.keys() & matched_steps.keys()
    gaps = [
        own - other
        for seed in sorted(tried)
        if (own := steps[seed]) is not None and (other := matched_steps[seed]) is not None
    ]
    gap = mean_and_error(gaps)
    return Difference(
        shared=len(_seeds(records) & _seeds(matched)),
        seeds=tuple(seeds),
        accuracy_mean=accuracy[0],
        accuracy_error=accuracy[1],
        tried=len(tried),
        reached=len(gaps),
        steps_mean=gap[0],
        steps_error=gap[1],
    )


def matched_setting(comparison: Comparison) -> dict[str, Any]:
    """The fields of SETTING that the matched records know; they are equal for all frameworks."""
    found: dict[str, Any] = {}
    for record in comparison.records:
        for name in SETTING:
            value = getattr(record.trained_with, name)
            if value is not None:
                found.setdefault(name, value)
    return found


def changes(
    records: Sequence[Record], setting: Mapping[str, Any]
) -> tuple[tuple[str, Any, Any], ...]:
    """The fields in which the records are known to differ from `setting`, with both values."""
    own = {name: getattr(records[0].trained_with, name) for name in SETTING}
    return tuple(
        (name, setting[name], value)
        for name, value in own.items()
        if name in setting and value is not None and value != setting[name]
    )


def _is_same(records: Sequence[Record], setting: Mapping[str, Any]) -> bool:
    """Whether all that is known of the matched setting is known of the records, and equal."""
    return len(setting) == len(SETTING) and all(
        getattr(record.trained_with, name) == value
        for record in records
        for name, value in setting.items()
    )


def _regimes(
    comparison: Comparison,
) -> list[tuple[tuple[str, str | None], dict[str, list[Record]]]]:
    """The records by framework and version, then by regime."""
    by_framework = grouped(comparison.everything, lambda record: record.identity.framework)
    found = [
        ((framework, version), grouped(alike, lambda record: record.identity.regime))
        for framework, same in by_framework.items()
        for version, alike in by_version(same).items()
    ]
    return sorted(found, key=lambda item: (item[0][0], item[0][1] or ""))


def _outcome_if_any(records: Sequence[Record] | None) -> Outcome | None:
    return outcome(records) if records else None


def _accuracies(records: Iterable[Record]) -> dict[int, float]:
    ok = (record for record in records if record.status.outcome == "ok")
    return by_seed(ok, lambda record: record.learning.test_accuracy)


def _seeds(records: Iterable[Record]) -> set[int]:
    return {record.identity.seed for record in records}


def _steps(records: Iterable[Record]) -> dict[int, float | None]:
    """At each seed that tried: the mean of its runs' steps; None where one did not reach it."""
    tried = grouped(arrivals.trials_by_steps(records), lambda record: record.identity.seed)
    return {
        seed: fmean(known(record.timing.steps_to_target for record in runs))
        if all(map(arrivals.reached_by_steps, runs))
        else None
        for seed, runs in tried.items()
    }
