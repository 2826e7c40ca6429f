from __future__ import annotations

import math
from collections.abc import Callable
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.config.run_settings import RunSettings
from bench.results.record import Record
from bench.stats import censored_median
from report.analysis.aggregate import Block, by_block
from report.analysis.comparison import Row, compare
from report.wording import notes

Make = Callable[..., Record]


def only_row(records: list[Record]) -> Row:
    (comparison,) = compare(records)
    (row,) = comparison.rows
    return row


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "digits"},
        {"model": "lenet1"},
        {"activation": "selu"},
        {"pooling": "average"},
        {"device": "gpu"},
        {"batch_size": 32},
        {"threads": 1},
        {"optimizer": "adam"},
        {"learning_rate": 0.1},
        {"momentum": 0.0},
        {"weight_decay": 0.1},
        {"epochs": 4},
        {"target_accuracy": 0.5},
        {"fit": "resize"},
        {"train_size": 100},
        {"settings": {"mean": (0.5,)}},
        {"machine_fingerprint": "another"},
        {"machine_host": "another"},
        {"run": "another"},  # on a host that nobody knows
    ],
    ids=lambda change: next(iter(change)),
)
def test_unlike_runs_never_share_a_table(make: Make, change: dict[str, object]) -> None:
    assert len(compare([make(), make(framework="keras", **change)])) == 2
    assert len(compare([make(), make(framework="keras")])) == 1


def test_runs_on_one_host_share_a_table(make: Make) -> None:
    runs = [make(machine_host="h"), make(machine_host="h", run="another", framework="keras")]
    (comparison,) = compare(runs)
    assert comparison.setup.host == "h"
    unknown = [make(), make(run="another", framework="keras")]
    assert len({one.setup.host for one in compare(unknown)}) == 2
    (together,) = compare(unknown, host_by_run=False)  # as in `bench history`
    assert together.setup.host == "unknown"
    assert len(compare([*unknown, *runs], host_by_run=False)) == 2


def test_what_a_person_gave_is_part_of_the_setup(make: Make) -> None:
    given = make(framework="keras")
    plain = make()
    assert plain.run_settings is None
    settings = RunSettings(
        frameworks=("torch",),
        devices=("cpu",),
        batch_sizes=(32,),
        threads=(1,),
        min_repeats=1,
        max_repeats=1,
        env=("A=1",),
    )
    of_env = given.model_copy(update={"run_settings": settings})
    assert len(compare([plain, given])) == 1
    assert sorted(one.setup.env for one in compare([plain, of_env])) == [(), ("A=1",)]


def test_versions_of_a_framework_never_share_a_row(make: Make) -> None:
    (comparison,) = compare([make(), make(seed=1, framework_version="3.0")])
    assert [row.framework_version for row in comparison.rows] == ["2.9.1", "3.0"]


def test_early_failure_joins_the_runs_that_asked_for_the_same(make: Make, failed: Make) -> None:
    row = only_row([make(), failed(seed=1)])
    assert (row.framework_version, row.status, row.runs, row.runs_ok) == (
        "2.9.1",
        "1 of 2 ok",
        2,
        1,
    )


def test_seeds_whose_training_splits_differ_share_a_row(make: Make) -> None:
    row = only_row([make(mean=[0.5]), make(seed=1, mean=[0.51])])
    assert row.seeds == (0, 1)


def test_early_failure_of_two_possible_versions_stands_alone(make: Make, failed: Make) -> None:
    records = [make(), make(framework_version="3.0"), failed(framework="torch")]
    (comparison,) = compare(records)
    assert [row.framework_version for row in comparison.rows] == ["2.9.1", "3.0", None]


def test_rows_stand_by_speed_and_failures_last(make: Make, failed: Make) -> None:
    speeds = {"a": 1.0, "b": 3.0, "c": 2.0, "d": None}
    records = [make(framework=name, images_per_s=speed) for name, speed in speeds.items()]
    (comparison,) = compare([failed(framework="0"), *records])
    assert [row.framework for row in comparison.rows] == ["b", "c", "a", "d", "0"]


def test_failures_alone_are_a_row_with_their_statuses(failed: Make) -> None:
    row = only_row([failed(), failed(seed=1, outcome="timeout"), failed(seed=2)])
    assert row.status == "failed, timeout"
    assert row.images_per_s is row.accuracy_mean is row.time_to_target_s is None


def test_figures_of_runs_that_are_not_ok_do_not_count(make: Make) -> None:
    row = only_row([make(), make(seed=1, outcome="timeout", images_per_s=1.0, test_accuracy=0.0)])
    assert (row.images_per_s, row.accuracy_mean, row.target_runs) == (12000.0, 0.98, 1)


def test_a_seed_that_was_run_twice_counts_once_in_the_accuracy(make: Make) -> None:
    row = only_row(
        [
            make(test_accuracy=0.90, machine_host="h"),
            make(test_accuracy=0.92, machine_host="h", run="again"),
            make(seed=1, test_accuracy=0.95, machine_host="h"),
        ]
    )
    # means of the seeds: 0.91 and 0.95; deviations ±0.02, so std = √(2 · 0.0004 / 1)
    assert row.accuracy_mean == pytest.approx(0.93)
    assert row.accuracy_std == pytest.approx(math.sqrt(0.0008))
    assert (row.seeds, row.runs_ok) == ((0, 1), 3)


def test_a_record_given_twice_counts_once(make: Make) -> None:
    assert only_row([make(), make()]).runs == 1


def test_figures_that_a_run_lacks_are_left_out(make: Make) -> None:
    row = only_row([make(test_accuracy=None, images_per_s=None, peak_rss_bytes=None)])
    assert row.accuracy_mean is row.images_per_s is row.peak_rss_bytes is None


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([8.0], (8.0, False, 1)),
        ([8.0, 10.0], (9.0, False, 2)),
        ([8.0, 10.0, None], (10.0, False, 2)),
        ([8.0, None, None], (12.0, True, 1)),
        ([8.0, None], (10.0, True, 1)),  # median of 8 and more than 12
        ([None], (12.0, True, 0)),
    ],
)
def test_time_to_target(
    make: Make, times: list[float | None], expected: tuple[float, bool, int]
) -> None:
    row = only_row(
        [
            make(seed=n, time_to_target_s=t, time_to_target_with_compile_s=t and t + 1.5)
            for n, t in enumerate(times)
        ]
    )
    assert (row.time_to_target_s, row.time_to_target_is_bound, row.target_reached) == expected
    assert row.time_to_target_with_compile_s == expected[0] + 1.5  # compile_s is 1.5
    assert row.time_to_target_with_compile_is_bound == expected[1]
    assert row.target_runs == len(times)


def test_a_diverged_run_counts_as_one_that_did_not_reach_the_target(
    make: Make, failed: Make
) -> None:
    row = only_row([make(), *(failed(seed=n, outcome="diverged") for n in (1, 2))])
    assert (row.time_to_target_s, row.time_to_target_is_bound) == (12.0, True)
    assert (row.target_reached, row.target_runs) == (1, 3)


@settings(deadline=None)  # machines are shared
@given(
    st.lists(
        st.tuples(st.floats(1, 100), st.floats(1, 100)).map(lambda pair: tuple(sorted(pair))),
        min_size=1,
        max_size=6,
    )
)
def test_bound_is_below_the_median_that_longer_runs_would_have_shown(
    runs: list[tuple[float, float]],
) -> None:
    shown, is_bound = censored_median([], [budget for budget, _ in runs])
    assert is_bound
    assert shown is not None
    assert shown <= median(true for _, true in runs)


def test_what_went_on_from_a_checkpoint_stands_apart_and_says_so(make: Make) -> None:
    """Its epochs are fewer than the others', so its time and throughput are of another training."""
    resumed = {"resumed_from": "MNIST_torch_seed0_epoch2.safetensors", "first_epoch": 3}
    whole, rest = compare([make(), make(run="other", **resumed)])
    if whole.setup.resumed_from:
        whole, rest = rest, whole
    assert whole.setup.first_epoch == 1
    said = "".join(getattr(part, "text", part) for part in notes.settings(rest))
    assert "3 epochs (2 epochs of them before, in MNIST_torch_seed0_epoch2.safetensors)" in said
    assert "before" not in "".join(getattr(part, "text", part) for part in notes.settings(whole))


def test_runs_of_one_name_are_not_paired(make: Make) -> None:
    """They began in the same second in two folders, and no two records ran beside each other."""
    one, two = (digit * 32 for digit in "ab")
    torch = [make(seed=seed, run_id=one) for seed in range(3)]
    beside = [make(framework="keras", seed=seed, run_id=one) for seed in range(3)]
    apart = [make(framework="keras", seed=seed, run_id=two) for seed in range(3)]
    earlier = [make(framework="keras", seed=seed) for seed in range(3)]

    def blocks(records: list[Record]) -> set[Block]:
        return set(by_block(records, lambda record: 1.0))

    assert blocks(torch) == blocks(beside)
    assert not blocks(torch) & blocks(apart)
    assert blocks(earlier) == {(earlier[0].identity.run, seed, 0, 0) for seed in range(3)}
