"""Regimes in the report: what is paired with what, by figures computed by hand."""

from __future__ import annotations

import io
import math
from collections.abc import Callable

import pytest
from rich.console import Console

from bench.results.record import Record
from report.analysis.comparison import Comparison, compare
from report.analysis.regimes import Difference, cases, changes, difference, outcome, pairs
from report.build import markdown
from report.formats.terminal import print_summary
from report.report_data import ReportData

UNTYPED = {"weight_decay": None}

Make = Callable[..., Record]
ALARM = "NOT AN EQUAL COMPARISON"
MISSED = {"steps_to_target": None, "time_to_target_s": None}


def only(records: list[Record]) -> Comparison:
    (comparison,) = compare(records)
    return comparison


def shown(records: list[Record]) -> tuple[str, str]:
    console = Console(file=io.StringIO(), width=400, color_system=None)
    print_summary(compare(records), console)
    return console.file.getvalue(), markdown(ReportData.of(records))  # type: ignore[attr-defined]


def test_the_gap_is_paired_by_seed(make: Make) -> None:
    matched = [make(seed=n, test_accuracy=a) for n, a in enumerate((0.90, 0.94, 0.98, 0.5))]
    native = [
        make(seed=n, regime="native", test_accuracy=a) for n, a in enumerate((0.89, 0.92, 0.95))
    ]
    gap = difference(native, matched)
    # −1, −2 and −3 points: mean −2, s = 1, standard error 1/√3; seed 3 was never native
    assert gap.accuracy_mean == pytest.approx(-0.02)
    assert gap.accuracy_error == pytest.approx(0.01 / math.sqrt(3))
    assert (gap.seeds, gap.shared) == ((0, 1, 2), 3)


def test_one_seed_has_no_error_and_none_has_no_mean(make: Make, failed: Make) -> None:
    one = difference([make(regime="native", test_accuracy=0.97)], [make()])
    assert one.accuracy_mean == pytest.approx(-0.01)
    assert one.accuracy_error is None
    none = difference([failed(regime="native")], [make()])
    assert none == Difference(1, (), None, None, 0, 0, None, None)


def test_a_seed_that_was_run_twice_counts_once(make: Make) -> None:
    native = [
        make(regime="native", run=run, test_accuracy=a, steps_to_target=s)
        for run, a, s in (("a", 0.90, 1000), ("b", 0.92, 2000))
    ]
    gap = difference(native, [make(test_accuracy=0.95, steps_to_target=750)])
    assert gap.accuracy_mean == pytest.approx(-0.04)
    assert (gap.steps_mean, gap.reached, gap.tried) == (750, 1, 1)


def test_steps_are_compared_where_both_reached_the_target(make: Make, failed: Make) -> None:
    matched = [make(seed=n, steps_to_target=750) for n in range(4)] + [make(seed=4, **MISSED)]
    native = [
        make(seed=0, regime="native", steps_to_target=1500),
        make(seed=1, regime="native", steps_to_target=2250),
        make(seed=2, regime="native", **MISSED),
        failed(seed=3, regime="native", outcome="diverged", target_accuracy=0.97),
        make(seed=4, regime="native", steps_to_target=750),
    ]
    gap = difference(native, matched)
    # +750 and +1500: mean 1125, s = 750/√2, standard error 375; seeds 2, 3 and 4 have one side
    assert gap.steps_mean == 1125
    assert gap.steps_error == pytest.approx(375)
    assert (gap.reached, gap.tried) == (2, 5)
    assert gap.seeds == (0, 1, 2, 4)


def test_a_time_without_steps_makes_the_steps_unknown(make: Make) -> None:
    old = [make(steps_to_target=None), make(seed=1, **MISSED)]
    assert outcome(old).tried == 0
    assert outcome(old).steps_to_target is None
    assert difference(old, [make()]).tried == 0


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([750, 1500, 2250], (1500, False, 3, 3)),
        ([750, 1500, None], (1500, False, 2, 3)),
        ([750, None, None], (2250, True, 1, 3)),  # 3 epochs of 48,000/64 steps did not suffice
        ([750, None], (1500, True, 1, 2)),
    ],
)
def test_the_median_of_steps(
    make: Make, steps: list[int | None], expected: tuple[float, bool, int, int]
) -> None:
    found = outcome(
        [make(seed=n, steps_to_target=s, time_to_target_s=s) for n, s in enumerate(steps)]
    )
    assert (found.steps_to_target, found.is_bound, found.reached, found.tried) == expected


def test_other_regimes_never_enter_the_main_table(make: Make) -> None:
    native = {"regime": "native", "initial_weights_sha256": "e" * 64, "test_accuracy": 0.5}
    comparison = only([make(), make(framework="keras"), make(framework="keras", **native)])
    assert [row.accuracy_mean for row in comparison.rows] == [0.98, 0.98]
    assert [row.runs for row in comparison.rows] == [1, 1]
    assert [record.identity.regime for record in comparison.others] == ["native"]


def test_weights_of_ones_own_raise_no_alarm(make: Make) -> None:
    native = make(framework="keras", regime="native", initial_weights_sha256="e" * 64)
    for text in shown([make(), make(framework="keras"), native]):
        assert ALARM not in text
        assert "DIFFER" not in text
        assert "by design not an equal comparison" in text
        assert "Equal between frameworks at the same seed: data, split, order, initial w" in text


def test_regimes_with_another_order_are_called_out(make: Make) -> None:
    for text in shown([make(), make(regime="native", order_sha256="e" * 64)]):
        assert ALARM not in text
        assert "REGIMES THAT DIFFER IN MORE THAN DEFAULTS: unequal order at seed 0" in text


def test_without_other_regimes_there_is_no_section(make: Make) -> None:
    for text in shown([make()]):
        assert "Regime" not in text


def test_native_alone(make: Make) -> None:
    records = [make(seed=n, regime="native", test_accuracy=0.9 + n / 50) for n in (0, 1)]
    (pair,) = pairs(only(records))
    assert pair.matched is None
    assert not pair.is_same
    (case,) = cases(only(records))
    assert case.difference is None
    for text in shown(records):
        assert "No run here is matched" in text
        assert "91.00 ± 1.41" in text  # 90 and 92: √2
        assert "Gap" not in text
        assert "No run succeeded" not in text
        assert "(matched" not in text
        assert "Verified against" in text  # what else stands below the main table


def test_each_alone(make: Make) -> None:
    text, file = shown([make(regime="native.epsilon", epsilon=1e-7)])
    assert not pairs(only([make(regime="native.epsilon")]))
    assert "native.epsilon" in text
    assert "| torch | native.epsilon | 98.00 |" in file


def test_the_defaults_are_named_and_native_that_is_matched_is_said_to_be(make: Make) -> None:
    keras = {"framework": "keras"}
    own = {"epsilon": 1e-7, "kernel_initialiser": "glorot_uniform", "rate_in_momentum": True}
    records = [make(), make(**keras), make(regime="native"), make(**keras, regime="native", **own)]
    assert [(pair.framework, pair.is_same) for pair in pairs(only(records))] == [
        ("keras", False),
        ("torch", True),
    ]
    text, _ = shown(records)
    assert (
        "Own defaults of keras: kernel_initialiser glorot_uniform, matched pytorch; epsilon 1e-07, "
        "matched 1e-08; rate_in_momentum True, matched False."
    ) in text
    assert "torch: its own defaults are the matched setting" in text
    assert "keras: its own defaults are" not in text


def test_settings_that_were_not_recorded_prove_nothing(make: Make) -> None:
    unknown = {"epsilon": None, "kernel_initialiser": None}
    (pair,) = pairs(only([make(**unknown), make(regime="native", **unknown)]))
    assert not pair.is_same
    (pair,) = pairs(only([make(), make(regime="native", **unknown)]))
    assert not pair.is_same
    assert changes([make(epsilon=1e-7)], {"alpha": 0.99}) == ()


def test_a_weight_decay_of_ones_own_does_not_part_the_pair(make: Make) -> None:
    adamw = {"optimizer": "adamw", "momentum": 0.0}
    records = [
        make(**adamw, weight_decay=0.01, settings=UNTYPED),
        make(**adamw, weight_decay=0.02, run="typed"),
        make(**adamw, weight_decay=0.004, settings=UNTYPED, regime="native"),
        make(**adamw, weight_decay=0.02, regime="native", run="typed"),
    ]
    own, typed = sorted(compare(records), key=lambda one: one.setup.settings.weight_decay or 0)
    assert [record.trained_with.weight_decay for record in own.everything] == [0.01, 0.004]
    assert [record.trained_with.weight_decay for record in typed.everything] == [0.02, 0.02]
    assert cases(own)[0].changes == (("weight_decay", 0.01, 0.004),)


def test_weight_decays_of_each_ones_own_without_a_matched_run(make: Make) -> None:
    adamw = {"optimizer": "adamw", "momentum": 0.0, "regime": "native"}
    records = [
        make(**adamw, framework="keras", weight_decay=0.004, settings=UNTYPED),
        make(**adamw, framework="flax", weight_decay=0.0001, settings=UNTYPED),
    ]
    for text in shown(records):
        assert "weight decay of each framework's own" in text
    for text in shown(records[:1]):
        assert "weight decay 0.004" in text


def test_versions_are_never_paired(make: Make) -> None:
    records = [make(), make(regime="native", framework_version="3.0")]
    assert [case.difference for case in cases(only(records))] == [None]
    text, _ = shown([*records, make(regime="native")])
    assert "Version" in text.split("Regimes")[1]


def test_resumed_trainings_stand_apart(make: Make) -> None:
    resumed = make(run="other", resumed_from="a.safetensors", first_epoch=2)
    whole, rest = sorted(
        compare([make(), make(regime="native"), resumed]), key=lambda c: c.setup.first_epoch
    )
    assert [record.identity.regime for record in whole.everything] == ["matched", "native"]
    assert rest.everything == (resumed,)


def test_failures_in_a_regime_are_given_with_it(make: Make, failed: Make) -> None:
    records = [make(), failed(regime="native"), failed(seed=1, regime="native")]
    text, file = shown(records)
    assert "torch native, seeds 0, 1: failed: it broke" in text.split("Regimes")[1]
    assert "- `torch` `native`, seeds 0, 1: failed: `it broke`" in file
    assert "| torch | native | – | – | 0 of 1 |" in file


def test_unverified_regimes_are_named(make: Make) -> None:
    text, _ = shown([make(), make(regime="native", certificate=None, unverified=True)])
    assert "nothing proves an equal computation: torch native." in text


def test_names_in_a_regime_are_not_markup(make: Make) -> None:
    name = "native.[red]a|b`<i>"
    text, file = shown([make(), make(regime=name, epsilon=1e-7)])
    assert name in text
    assert "<i>" not in file.split("### Regimes")[1].split("- Gap")[0]
    assert "a|b" not in file.split("### Regimes")[1].split("- Gap")[0]


def test_an_equal_gap_has_no_sign(make: Make) -> None:
    _, file = shown([make(), make(regime="native", test_accuracy=0.98 - 1e-9)])
    assert "| torch | native | 98.00 | 0.00 | 1 of 1 | 1,500 (1 of 1) | 0 (1 of 1) | ok |" in file
