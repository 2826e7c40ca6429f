"""Speed measured by itself, repeated in fresh processes, swept over batch sizes and threads."""

from __future__ import annotations

import json

import pytest


def records(bench, *arguments: str) -> list[dict]:
    done = bench.run("reference", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["records"]


def test_a_training_is_followed_by_windows(bench):
    (record,) = records(bench)
    assert record["learning"]["test_accuracy"] is not None
    assert len(record["throughput"]["windows_s"]) == 4
    assert record["throughput"]["steady"] in (True, False)
    median_s = sum(sorted(record["throughput"]["windows_s"])[1:3]) / 2
    images = record["throughput"]["window_steps"] * record["identity"]["batch_size"]
    assert record["throughput"]["images_per_s"] == pytest.approx(images / median_s)
    assert record["throughput"]["gflop_per_s"] == pytest.approx(
        2_263_920 * record["throughput"]["images_per_s"] / 1e9
    )
    assert record["throughput"]["matrix_gflop_per_s"] > 0
    assert record["throughput"]["machine_gflop_per_s"] > 0
    assert 0.1 < record["throughput"]["busy_threads"] < 1.2
    assert (
        record["environment"]["state_after"]["cpu_busy_s"]
        > record["environment"]["state_before"]["cpu_busy_s"]
    )


def test_throughput_only_trains_nothing(bench):
    (record,) = records(bench, "--throughput-only")
    assert record["identity"]["throughput_only"]
    assert (
        record["timing"]["epoch_s"]
        == record["learning"]["val_accuracy"]
        == record["weights"]["checkpoints"]
        == []
    )
    assert record["learning"]["test_accuracy"] is record["settings"]["target_accuracy"] is None
    assert record["throughput"]["images_per_s"] > 0


def test_repeats_are_processes_of_their_own_that_measure_speed_alone(bench):
    found = records(bench, "--min-repeats", "3")
    assert [
        (r["identity"]["seed"], r["identity"]["repeat"], r["identity"]["throughput_only"])
        for r in found
    ] == [
        (0, 0, False),
        (0, 1, True),
        (0, 2, True),
    ]
    assert {len(r["timing"]["epoch_s"]) for r in found} == {3, 0}
    assert len({r["provenance"]["initial_weights_sha256"] for r in found}) == 1


@pytest.mark.alone
def test_a_precision_is_reached_or_told(bench):
    """90 % is reached by the least number of repeats, 0.001 % by none."""
    done = bench.run("reference", "--throughput-only", "--precision", "90%")
    assert done.returncode == 0
    assert "of 90% asked for after 3 processes" in done.stderr
    assert "reference on cpu, batch 16, 1 threads: ±" in done.stderr
    few = ("--throughput-only", "--precision", "0.001%", "--max-repeats", "4")
    done = bench.run("reference", *few, "--seeds", "1")
    assert done.returncode == 0
    assert "wider than 0.001% asked for after 4 processes" in done.stderr


def test_a_sweep_over_batch_sizes_and_threads(bench):
    found = records(bench, "--throughput-only", "--batch-sizes", "8,16", "--threads", "1,2")
    assert {(r["identity"]["batch_size"], r["identity"]["threads"]) for r in found} == {
        (8, 1),
        (8, 2),
        (16, 1),
        (16, 2),
    }
    assert "reference-cpu-batch8-threads2-seed0" in {r["identity"]["cell"] for r in found}
    assert all(r["status"]["outcome"] == "ok" for r in found)


def test_checkpoints_of_a_sweep_do_not_overwrite_each_other(bench):
    found = records(bench, "--batch-sizes", "8,16", "--save", "last")
    files = [name for record in found for name in record["weights"]["checkpoints"]]
    assert len(set(files)) == 2
    assert any("_batch8_seed0_" in name for name in files)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--precision", "two"), "--precision 'two' cannot be read: give a share such as 2%"),
        (("--precision", "0%"), "--precision 0 is not a share above 0"),
        (("--max-repeats", "5"), "--max-repeats 5 has no effect without --precision"),
        (("--batch-size", "16,"), None),
        (("--batch-size", "16,x"), "--batch-size '16,x' cannot be read"),
        (("--batch-size", "16,16"), "--batch-size names 16 more than once"),
        (("--threads", "1,0"), "--threads 0 is too small"),
        (("--window", "0"), "--window 0 is not a finite number above 0"),
        (("--windows", "2"), "--windows 2 is too small: give 4 or more"),
        (("--throughput-only", "--target", "0.9"), "--target 0.9 is never reached"),
    ],
)
def test_bad_input(bench, refused, arguments, complaint):
    call = ("run", "--frameworks", "reference", *arguments)
    if complaint is None:
        assert bench(*call, "--dry-run").returncode == 0
    else:
        assert complaint in refused(*call)
