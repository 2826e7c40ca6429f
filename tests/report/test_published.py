"""The published runs: their records can be read, and the README says what they hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.results.record import Record
from bench.results.step_profile import read_profiles
from bench.results.store import read_manifest, read_records
from report.analysis.comparison import compare
from report.analysis.ladder import ladders
from report.build import markdown
from report.report_data import ReportData

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = ROOT / "results" / "published"
RUNS = sorted(path.parent for path in PUBLISHED.glob("*/run.json"))
FOUR = {"torch", "keras", "flax", "flux"}
LADDERS = [run for run in RUNS if run.name.startswith("ladder")]
TRAININGS = [run for run in RUNS if run not in LADDERS]


def _markdown(run: Path) -> str:
    return markdown(ReportData.of(records_of(run), profiles=read_profiles([run])[0]))


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def records_of(run: Path) -> list[Record]:
    records, problems = read_records([run])
    assert problems == []
    return records


def test_there_are_runs_of_both_data_sets_and_ladders() -> None:
    assert [run.name for run in TRAININGS] == ["cifar10-12k", "mnist", "mnist-avx2"]
    assert [run.name for run in LADDERS] == ["ladder", "ladder-one-thread"]


@pytest.mark.parametrize("run", LADDERS, ids=lambda run: run.name)
def test_every_rung_was_proved_and_timed_and_a_step_profiled(run: Path) -> None:
    records = records_of(run)
    assert all(one.provenance.certificate is not None for one in records)
    assert all(one.provenance.certificate.passed for one in records if one.provenance.certificate)
    (comparison,) = compare(records)
    found = ladders(comparison)
    assert {rungs[0].row.framework.partition(":")[0] for rungs in found} == FOUR
    assert all(rung.row.speed.processes >= 5 for rungs in found for rung in rungs)
    (profiles,), problems = read_profiles([run])
    assert problems == []
    shares = {one.framework: one.explained for one in profiles.profiles}
    assert shares.keys() >= FOUR
    assert all(share is not None and share.estimate >= 0.9 for share in shares.values())


@pytest.mark.parametrize("run", TRAININGS, ids=lambda run: run.name)
def test_all_frameworks_were_proved_equal_and_trained_on_several_seeds(run: Path) -> None:
    records = records_of(run)
    assert {record.identity.framework for record in records} == FOUR
    for record in records:
        assert record.status.outcome == "ok"
        assert record.provenance.certificate is not None
        assert record.provenance.certificate.passed
    (comparison,) = compare(records)
    for row in comparison.rows:
        assert len(row.seeds) >= 3
        assert row.speed.processes >= 6
        assert row.accuracy_std is not None


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_the_committed_report_has_the_table_of_the_records(run: Path) -> None:
    rows = [line for line in _markdown(run).splitlines() if line.startswith("| ")]
    committed = (run / "report.md").read_text(encoding="utf-8").splitlines()
    assert rows
    assert set(rows) <= set(committed), "make the report of the published runs anew"
    assert (run / "report.html").stat().st_size > 100_000


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_nothing_tells_of_the_folders_that_it_ran_in(run: Path) -> None:
    manifest = read_manifest(run)
    assert str(manifest.plan.settings.data_root) == "/data"
    for file in (path for path in run.rglob("*") if path.suffix in (".json", ".md", ".csv")):
        assert not re.search(r"/(root|home|tmp|opt|work)/", file.read_text(encoding="utf-8")), file


@pytest.mark.parametrize(
    ("page", "runs"),
    [("README.md", ["mnist-avx2"]), ("docs/published.md", ["mnist-avx2", "mnist"])],
)
def test_pages_quote_the_published_runs(page: str, runs: list[str]) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [cells(line) for line in text.splitlines() if line.startswith("| ")]
    quoted = [row for row in lines if row[0] in FOUR and len(row) > 2]
    assert len(quoted) == len(runs) * len(FOUR)
    for number, run in enumerate(runs):
        rows = quoted[number * len(FOUR) : (number + 1) * len(FOUR)]
        assert {row[0] for row in rows} == FOUR
        made = markdown(ReportData.of(records_of(PUBLISHED / run))).splitlines()
        for row in rows:
            of = [cells(line) for line in made if line.startswith(f"| {row[0]} |")]
            assert set(row) <= {cell for line in of for cell in line}, (run, row[0])
    for figure in re.findall(r"results/published/[\w./-]+", text):
        assert (ROOT / figure).exists(), figure
