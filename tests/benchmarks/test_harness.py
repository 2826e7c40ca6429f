"""What the costly parts of the harness cost: order, split, preparation, store and report.

    make benchmarks-harness

Needs no framework. The sizes are those of MNIST; a limit holds where a part is on the way of every
cell, and is wide enough for a slow and busy machine.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.results import store
from bench.results.record import Record
from bench.workload import normalisation, order
from report.build import build
from report.report_data import ReportData
from tests.record_making import changed

FROZEN = Path(__file__).resolve().parents[1] / "report" / "frozen"
TRAIN, VALIDATION = 55_000, 5_000
RECORDS = 96  # 4 frameworks, 8 seeds, 3 batch sizes


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """uint8 (60000, 32, 32, 1)."""
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (TRAIN + VALIDATION, 32, 32, 1), dtype=np.uint8)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """RECORDS of them, from those that tests/report keeps, each a cell of its own."""
    files = sorted(FROZEN.glob("*.json"))
    known = [Record.model_validate_json(file.read_text(encoding="utf-8")) for file in files]
    return [
        changed(record, seed=seed, cell=f"{record.identity.framework}-cpu-seed{seed}")
        for seed, record in zip(range(RECORDS), itertools.cycle(known), strict=False)
    ]


def test_split(benchmark: BenchmarkFixture) -> None:
    parts = benchmark(order.split, 0, TRAIN + VALIDATION, TRAIN, VALIDATION, 0)
    assert len(parts.train) == TRAIN
    assert benchmark.stats.stats.median < 1


def test_order_of_an_epoch(benchmark: BenchmarkFixture) -> None:
    epoch = benchmark(order.epoch_order, 0, 0, TRAIN, 128)
    assert epoch.images == TRAIN
    assert benchmark.stats.stats.median < 1


def test_hash_of_an_epochs_order(benchmark: BenchmarkFixture) -> None:
    epoch = order.epoch_order(0, 0, TRAIN, 128)
    assert len(benchmark(order.order_sha256, [epoch])) == 64


def test_mean_and_deviation_of_the_pixels(benchmark: BenchmarkFixture, pixels: np.ndarray) -> None:
    (mean,), _ = benchmark.pedantic(normalisation.statistics, (pixels,), rounds=5)
    assert mean == pytest.approx(0.5, abs=0.01)


def test_normalisation(benchmark: BenchmarkFixture, pixels: np.ndarray) -> None:
    images = benchmark.pedantic(normalisation.normalise, (pixels, [0.5], [0.25]), rounds=5)
    assert images.shape == pixels.shape
    assert images.dtype == np.float32


def test_a_record_is_written(
    benchmark: BenchmarkFixture, tmp_path: Path, records: list[Record]
) -> None:
    text = records[0].model_dump_json(indent=2)
    benchmark(store.write_atomically, tmp_path / "record.json", text)
    assert benchmark.stats.stats.median < 1


def test_records_are_read(
    benchmark: BenchmarkFixture, tmp_path: Path, records: list[Record]
) -> None:
    for record in records:
        text = record.model_dump_json(indent=2)
        (tmp_path / f"{record.identity.cell}.json").write_text(text, encoding="utf-8")
    files = sorted(tmp_path.iterdir())
    found, problems = benchmark.pedantic(store.read_records, (files,), rounds=5)
    assert len(found) == RECORDS
    assert not problems


def test_the_report_of_many_records(
    benchmark: BenchmarkFixture, tmp_path: Path, records: list[Record]
) -> None:
    written = benchmark.pedantic(build, (ReportData.of(records), tmp_path), rounds=3)
    assert all(path.stat().st_size for path in written)
