"""Speeds that others disturbed: left out of every figure, or in them with a mark."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

import pytest

from bench.config.run_settings import RunSettings
from bench.results.record import Record
from report.analysis.comparison import compare, status
from report.analysis.contrasts import family
from report.analysis.regimes import pairs
from report.analysis.throughput import accepting_disturbed
from report.formats.json_document import document
from report.report_data import ReportData
from report.tables import throughput_tables
from report.tables.main import DISTURBED, MARK
from report.wording.notes import notes, plain_note
from report.wording.summary import verdict

Make = Callable[..., Record]
SETTINGS = RunSettings(
    frameworks=("torch", "flax"), devices=("cpu",), batch_sizes=(128,), threads=(2,),
    min_repeats=4, max_repeats=4,
)  # fmt: skip


@pytest.fixture
def speeds(make: Make) -> Callable[..., list[Record]]:
    """Blocks of a framework, each with its speed; those of the numbers in `disturbed` were."""

    def made(framework: str, *values: float, disturbed=(), **changes) -> list[Record]:
        return [
            make(
                framework=framework,
                seed=number,
                images_per_s=value,
                gflop_per_s=value / 100,
                matrix_gflop_per_s=100.0,
                measured_windows=80,
                clean_windows=3 if number in disturbed else 75,
                disturbed=number in disturbed,
                **changes,
            ).model_copy(update={"run_settings": SETTINGS})
            for number, value in enumerate(values)
        ]

    return made


@pytest.fixture
def case(speeds) -> list[Record]:
    """PyTorch, the faster one by far, beside a program that computes."""
    torch = speeds("torch", 351.0, 340.0, 362.0, 351.0, disturbed=range(4))
    return [*torch, *speeds("flax", 4158.0, 4160.0, 4150.0, 4170.0)]


def headline(records: list[Record]) -> str:
    (comparison,) = compare(records)
    return plain_note(verdict(comparison).headline).replace("\u00a0", " ")


def test_nothing_is_told_of_what_was_disturbed(case) -> None:
    (comparison,) = compare(case)
    assert not family(comparison, "images_per_s").contrasts
    torch = next(row for row in comparison.rows if row.framework == "torch")
    assert (torch.images_per_s, torch.speed.limit_share, torch.speed.gflop_per_s) == (None,) * 3
    assert (torch.speed.processes, torch.speed.disturbed) == (0, 4)
    assert torch.status == "ok, disturbed, 12 of 320 windows clean"
    said = headline(case)
    assert said.startswith("flax alone remained: 4,159 images a second")
    assert said.endswith(
        "nothing to compare it with. Others disturbed torch: nothing can be told of their speed."
    )
    unsure = {one.name: one for one in verdict(comparison).findings}["Unsure"]
    text = " ".join(map(plain_note, unsure.said))
    assert "Others disturbed 4 of 4 processes of torch, which count in no figure of speed." in text
    assert "--wait-for-quiet" in text


def test_the_documents_say_the_same(case) -> None:
    (comparison,) = compare(case)
    (written,) = json.loads(document(ReportData(records=case, compared=[comparison])))[
        "comparisons"
    ]
    torch = next(row for row in written["rows"] if row["framework"] == "torch")
    assert torch["speed"]["images_per_s"] is None
    assert "images_per_s" not in {of["metric"] for of in written["contrasts"]}


def test_where_all_are_disturbed_nobody_is_the_fastest(speeds) -> None:
    torch = speeds("torch", 351.0, 340.0, disturbed=range(2))
    records = [*torch, *speeds("flax", 4158.0, 4160.0, disturbed=range(2))]
    assert headline(records) == (
        "Who is faster cannot be told. Others disturbed flax, torch: nothing can be told of "
        "their speed."
    )


def test_what_to_do_where_all_are_disturbed(speeds) -> None:
    torch = speeds("torch", 351.0, 340.0, disturbed=range(2), training_disturbed=True,
                   time_to_target_s=3.0)  # fmt: skip
    flax = speeds("flax", 4158.0, 4160.0, disturbed=(0,))
    (comparison,) = compare([*torch, *flax])
    said = map(plain_note, notes(comparison, ()))
    assert (
        "Others disturbed every measurement: no images/s of torch, and no time to the "
        "target of torch. Best on a quiet machine: `bench run --resume FOLDER` repeats the speeds "
        "and times to the target need a new run; `bench report --accept-disturbed FOLDER` has "
        "them count as they are."
    ) in said


def test_one_disturbed_process_is_left_out(speeds) -> None:
    torch = speeds("torch", 1000.0, 1010.0, 100.0, 990.0, disturbed=(2,))
    records = [*torch, *speeds("flax", 500.0, 505.0, 500.0, 495.0)]
    (comparison,) = compare(records)
    row = comparison.rows[0]
    assert (row.framework, row.images_per_s) == ("torch", 1000.0)
    assert row.status == "ok, 1 of 4 disturbed, 3 of 80 windows clean"
    (contrast,) = family(comparison, "images_per_s").contrasts.values()
    assert contrast.pairs == 3
    assert contrast.effect.estimate == pytest.approx(2.0)
    found = torch[2].throughput
    taken = found.model_copy(update={"clean_windows": found.measured_windows})
    torch[2] = torch[2].model_copy(update={"throughput": taken})
    assert status(torch) == "ok, 1 of 4 disturbed, a little in all of 80 windows"
    found = throughput_tables.section(comparison)
    assert found is not None
    assert "Left out, since others disturbed it: 1 process of torch." in map(
        plain_note, found.notes
    )


def test_every_figure_that_rests_on_an_accepted_one_is_marked(case) -> None:
    (comparison,) = compare(accepting_disturbed(case))
    assert family(comparison, "images_per_s").contrasts
    rows = {row.framework: row for row in comparison.rows}
    assert (rows["torch"].speed.accepted, rows["flax"].speed.accepted) == (4, 0)
    found = throughput_tables.section(comparison)
    assert found is not None
    cells = {
        column.name: {row.framework: str(column.cell(row)) for row in comparison.rows}
        for column in found.tables[0].columns
    }
    for name in ("CV", "Ratio", "95 %", "p", "Verdict", "GFLOP/s"):
        assert cells[name]["torch"].endswith(MARK), name
        assert not cells[name]["flax"].endswith(MARK), name
    assert DISTURBED in map(plain_note, found.notes)
    said = headline(accepting_disturbed(case))
    assert "times as fast as torch" in said
    assert MARK in said
    assert said.endswith("they count since --accept-disturbed was given.")


def test_what_was_not_disturbed_stays_as_it_is(case) -> None:
    before = [record for record in case if record.identity.framework == "flax"]
    assert accepting_disturbed(before) == before


def test_other_regimes_leave_it_out_as_well(speeds) -> None:
    native = speeds("torch", 10.0, 20.0, disturbed=(0,), regime="native")
    (comparison,) = compare([*speeds("torch", 20.0, 20.0), *native])
    (pair,) = pairs(comparison)
    assert pair.native is not None
    assert asdict(pair.native)["images_per_s"] == 20.0
