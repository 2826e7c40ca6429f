"""Ratios, limits, warnings, phases, targets and sweeps, on records made for the purpose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.results.record import Record
from report.analysis import time_to_target
from report.analysis.comparison import Comparison, compare
from report.analysis.samples import samples
from report.analysis.throughput import limit_gflop_per_s
from report.build import build
from report.report_data import ReportData
from report.tables import phases, sweeps, target_tables, throughput_tables
from report.text import Note
from report.wording import notes

Make = Callable[..., Record]
ONLY = {
    "throughput_only": True,
    "test_accuracy": None,
    "epoch_s": [],
    "val_accuracy": [],
    "time_to_target_s": None,
    "time_to_target_with_compile_s": None,
    "steps_to_target": None,
}


def said(several: list[Note] | tuple[Note, ...]) -> str:
    return " ".join(
        "".join(part if isinstance(part, str) else part.text for part in note) for note in several
    )


def one(records: list[Record]) -> Comparison:
    (comparison,) = compare(records)
    return comparison


def processes(make: Make, framework: str, speeds: list[float], **more: object) -> list[Record]:
    """One block each, of which the first trains to the end and the others measure speed alone."""
    return [
        make(framework=framework, repeat=n, images_per_s=speed, **(ONLY if n else {}) | more)
        for n, speed in enumerate(speeds)
    ]


def test_repeats_count_for_speed_alone(make: Make) -> None:
    row = one(processes(make, "torch", [100.0, 110.0, 120.0])).rows[0]
    assert (row.runs_ok, row.speed.processes, row.images_per_s) == (3, 3, 110.0)
    assert row.seeds == (0,)
    assert row.accuracy_std is None
    assert (row.target_reached, row.target_runs) == (1, 1)


def test_runs_of_speed_alone_have_no_column_of_accuracy(make: Make) -> None:
    comparison = one(processes(make, "torch", [100.0, 110.0], **ONLY))
    assert comparison.rows[0].seeds == ()
    assert not any("accuracy" in said([note]) for note in notes.notes(comparison, []))
    assert target_tables.section(comparison) is None


def test_blocks_are_paired_and_not_seeds(make: Make) -> None:
    """Each block doubles the machine's speed, and the second framework has 0.9 of the first's."""
    speeds = [100.0, 200.0, 400.0]
    records = [
        *processes(make, "torch", speeds),
        *processes(make, "keras", [0.9 * speed for speed in speeds]),
    ]
    (contrast,) = throughput_tables.contrasts(one(records)).values()
    interval = contrast.effect.interval
    assert interval is not None
    assert (contrast.effect.estimate, interval.low, interval.high) == pytest.approx((0.9,) * 3)
    assert contrast.pairs == 3


def test_runs_without_a_common_block_are_told_to_be_unpaired(make: Make) -> None:
    records = [
        *processes(make, "torch", [100.0, 102.0], machine_host="h"),
        *processes(make, "keras", [50.0], machine_host="h", run="x"),
    ]
    comparison = one(records)
    (contrast,) = throughput_tables.contrasts(comparison).values()
    assert contrast.effect.estimate == pytest.approx(50 / (100 * 102) ** 0.5)
    assert (contrast.pairs, contrast.p) == (0, None)
    section = throughput_tables.section(comparison)
    assert section is not None
    assert "No block in common with torch: the ratio of keras" in said(section.notes)


def test_medians_and_pairs_that_contradict_each_other_are_told(make: Make) -> None:
    told = "keras is below torch by the medians, which are over all processes, and the other way"
    for speed, contradicts in ((120.0, True), (90.0, False)):
        records = [
            *processes(make, "torch", [100.0, 300.0, 310.0]),
            *processes(make, "keras", [speed]),
        ]
        section = throughput_tables.section(one(records))
        assert section is not None
        assert (told in said(section.notes)) == contradicts


def test_a_single_old_record_has_no_section_on_speed(make: Make) -> None:
    comparison = one([make()])
    assert comparison.rows[0].speed.images_per_s_low is None
    assert throughput_tables.section(comparison) is None


def test_the_limit_is_the_greatest_product_of_matrices(make: Make) -> None:
    records = [
        make(gflop_per_s=20.0, matrix_gflop_per_s=80.0, machine_gflop_per_s=100.0),
        make(framework="keras", gflop_per_s=10.0, matrix_gflop_per_s=125.0),
    ]
    assert limit_gflop_per_s(records) == 125.0
    shares = {row.framework: row.speed.limit_share for row in one(records).rows}
    assert shares == {"torch": pytest.approx(0.16), "keras": pytest.approx(0.08)}
    assert one([make(gflop_per_s=20.0)]).rows[0].speed.limit_share is None


@pytest.mark.parametrize(("busy", "warned"), [(2.09, False), (2.11, True)])
def test_more_threads_than_given_are_loud(make: Make, busy: float, warned: bool) -> None:
    comparison = one([make(busy_threads=1.5), make(seed=1, busy_threads=busy)])
    assert ("MORE THREADS THAN ASKED FOR: torch" in said(notes.warnings(comparison))) == warned


def test_disturbances_are_counted_by_kind(make: Make) -> None:
    records = [make(seed=n, warnings=[f"load {n}.5: wait"]) for n in range(3)]
    records.append(make(seed=3, warnings=["quota: raise it", "load 9: wait"]))
    section = throughput_tables.section(one(records))
    assert section is not None
    assert "4 of 4 records warn: load 0.5: wait" in said(section.notes)
    assert "1 of 4 records warn: quota: raise it" in said(section.notes)


def test_energy_is_of_the_windows_alone(make: Make) -> None:
    measured = {"windows_s": [0.1] * 5, "window_steps": 10, "batch_size": 64}
    rows = one([make(energy_j=6.4, **measured), make(framework="keras", **measured)]).rows
    energies = {row.framework: row.speed.energy_j_per_1000_images for row in rows}
    assert energies == {"torch": pytest.approx(2.0), "keras": None}


@pytest.mark.parametrize(
    ("more", "less", "epochs"),
    [(19.5, 0.96, 20.3125), (19.5, 0.0, None), (19.5, -1.0, None), (-1.0, 0.5, 0.0)],
)
def test_break_even(more: float, less: float, epochs: float | None) -> None:
    assert phases.break_even_epochs(more, less) == epochs


def test_a_variant_is_held_to_its_own_framework(make: Make) -> None:
    epochs_s = {"torch": 4.0, "torch:compile": 3.0, "torch:slow": 5.0, "keras:jit": 1.0}

    def cells(seeds: int) -> list[str]:
        records = [
            make(
                framework=name,
                seed=seed,
                compile_s=1.0 if name == "torch" else 11.0,
                epoch_s=[of + (seed % 3) / 100] * 2,
                images_per_s=1000 / of + seed % 3,
            )
            for name, of in epochs_s.items()
            for seed in range(seeds)
        ]
        comparison = one(records)
        found = {of.framework: (of.base, of.epochs) for of in phases.break_evens(comparison)}
        assert found == {
            "torch:compile": ("torch", pytest.approx(10.0)),
            "torch:slow": ("torch", None),
        }
        section = phases.break_even_section(comparison)
        assert section is not None
        return sorted(
            str(section.tables[0].columns[-1].cell(row)) for row in section.tables[0].rows
        )

    assert cells(8) == ["10.0", "never"]
    assert cells(1) == ["untold", "untold"]  # which of them is faster


def test_restricted_means_share_one_limit(make: Make) -> None:
    """keras' last run had 12 s and missed; nothing is known of it beyond, so 12 s hold for both."""
    missed = {"time_to_target_s": None, "time_to_target_with_compile_s": None}
    comparison = one(
        [
            make(time_to_target_s=8.0),
            make(seed=1, time_to_target_s=16.0, epoch_s=[8.0, 8.0]),
            make(framework="keras", epoch_s=[4.0, 4.0, 4.0], **missed),
            make(framework="keras", seed=1, time_to_target_s=4.0),
        ]
    )
    found = {of.row.framework: of.restricted for of in time_to_target.targets(comparison)}
    means = {name: (of.mean, of.limit) for name, of in found.items() if of}
    assert means == {"torch": (10.0, 12.0), "keras": (8.0, 12.0)}
    (keras,) = (of for of in samples(comparison, "time_to_target", "") if of.missed)
    assert keras.restricted == found["keras"], "compare has another"


def test_sweeps_are_of_set_ups_that_differ_in_one_thing_alone(make: Make) -> None:
    records = [
        make(threads=1, images_per_s=100.0),
        make(threads=2, images_per_s=180.0),
        make(threads=4, images_per_s=240.0, learning_rate=0.5),
        make(threads=1, batch_size=128, images_per_s=150.0),
    ]
    found = sweeps.sweeps(compare(records))
    assert [(sweep.swept, sweep.values) for sweep in found] == [
        ("batch_size", (64, 128)),
        ("threads", (1, 2)),
    ]
    gains = sweeps.section(found[1]).tables[2]
    assert [column.cell(gains.rows[0]) for column in gains.columns[1:]] == ["1.00", "1.80"]


def test_a_sweep_is_drawn(make: Make, tmp_path: Path) -> None:
    """Names are text: no formulas, no tags; equal bytes each time."""
    nasty = "_$x^</svg>手"
    records = [
        make(
            framework=name, seed=seed, batch_size=size, images_per_s=speed * size * (1 + seed / 50)
        )
        for name, speed in (("torch", 10.0), (nasty, 5.0))
        for seed in (0, 1)
        for size in (32, 64, 512)
    ]
    assert tmp_path / "figures" in build(ReportData.of(records), tmp_path)
    drawn = (tmp_path / "figures" / "sweep-1.svg").read_bytes()
    text = " ".join(ElementTree.fromstring(drawn).itertext())
    for expected in ("torch", nasty, "512", "Images a second", "batch size"):
        assert expected in text
    assert "![Sweep over batch size](figures/sweep-1.svg)" in (tmp_path / "report.md").read_text()
    build(ReportData.of(records[::-1]), tmp_path)
    assert (tmp_path / "figures" / "sweep-1.svg").read_bytes() == drawn


def test_rates_that_are_none_are_left_out(make: Make) -> None:
    """Files come from anyone; a logarithm of 0 would be an accident."""
    row = one([make(images_per_s=0.0), make(seed=1, images_per_s=-5.0)]).rows[0]
    assert (row.speed.processes, row.images_per_s) == (0, None)
