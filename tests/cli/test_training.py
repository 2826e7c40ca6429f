"""Schedules, early stops and the order of the images, as they are typed."""

from __future__ import annotations

import json

import pytest

STILL = ("--optimizer", "sgd", "--lr", "1e-9")  # learns nothing: no epoch is better than the first


def test_a_schedule_and_its_rates_are_in_the_record_and_in_the_report(bench):
    done = bench.run(
        *("reference", *STILL, "--epochs", "9", "--schedule", "plateau", "--patience", "2"),
        *("--floor", "5e-10", "--stop-patience", "3", "--epoch-zero", "--evaluate", "test"),
        *("--format", "md,csv"),
    )
    assert done.returncode == 0, done.stderr
    assert "learning rate × 0.1 after 2 epochs without a better validation" in " ".join(
        done.stdout.split()
    )
    assert "ended after epoch 6: converged" in done.stderr
    folder = bench.only_run()
    record = json.loads((folder / "records" / "reference-cpu-seed0.json").read_text())
    assert record["learning"]["learning_rates"] == pytest.approx([1e-9] * 3 + [1e-10] * 3)
    assert (record["settings"]["learning_rate"], record["status"]["stopped_early"]) == (
        1e-9,
        "converged",
    )
    assert (
        record["settings"]["epochs"],
        len(record["timing"]["epoch_s"]),
        record["learning"]["best_epoch"],
    ) == (9, 6, 1)
    assert set(record["learning"]["epoch_0"]) >= {"val_accuracy", "test_loss_by_epoch"}
    assert "× 0.1 after 2 epochs" in (folder / "report.md").read_text()
    heading, first, *_ = (folder / "epochs.csv").read_text().splitlines()
    assert dict(zip(heading.split(","), first.split(","), strict=True))["learning_rates"] == "1e-09"


def test_two_schedules_are_two_set_ups(bench, tmp_path):
    bench.run("reference")
    bench.run("reference", "--schedule", "plateau")
    done = bench("report", str(bench.out), "--out", str(tmp_path / "both"), "--format", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "both" / "report.json").read_text())
    assert len(document["comparisons"]) == 2


def test_a_run_that_goes_on_has_the_schedule_of_the_checkpoint(bench):
    asked = ("--schedule", "plateau", "--patience", "1", "--floor", "1e-12")
    done = bench.run("reference", *STILL, *asked, "--save", "last")
    assert done.returncode == 0, done.stderr
    (path,) = (bench.only_run() / "checkpoints").iterdir()
    going_on = ("run", "--from", str(path), "--threads", "1", "--unverified", "--epochs", "5")
    done = bench(*going_on, "--json", "--out", str(bench.out))
    (record,) = json.loads(done.stdout)["records"]
    # Epochs 2 and 3 brought nothing, so that the fourth has a hundredth of the rate.
    assert record["learning"]["learning_rates"] == pytest.approx([1e-11, 1e-12])
    done = bench(*going_on, "--patience", "3")
    assert done.returncode == 2
    assert "--patience is 1 in it, not 3" in done.stderr


def test_a_run_is_resumed_with_its_schedule(bench):
    done = bench.run("reference", "--schedule", "plateau", "--seeds", "0,1")
    assert done.returncode == 0, done.stderr
    folder = bench.only_run()
    (folder / "records" / "reference-cpu-seed1.json").unlink()
    done = bench("run", "--resume", str(folder), "--schedule", "plateau", "--json")
    assert done.returncode == 0, done.stderr
    records = json.loads(done.stdout)["records"]
    assert [one["settings"]["schedule"] for one in records] == ["plateau"] * 2
    done = bench("run", "--resume", str(folder), "--patience", "3")
    assert done.returncode == 2
    assert "--patience was 5, not 3" in done.stderr


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        (("--schedule", "plateau", "--patience", "0"), "--patience 0 is too small: give 1 or more"),
        (("--schedule", "step"), "unknown schedule 'step': choose from constant, plateau"),
        (("--patience", "4"), "--patience 4 has no effect with a constant learning rate"),
        (("--monitor", "train"), "unknown set to monitor 'train': choose from val, test"),
        (("--evaluate", "tset"), "unknown part to evaluate 'tset' (did you mean 'test'?)"),
        (("--init", "he"), "unknown initialisation 'he'"),
        (("--test-mean", "a"), "--test-mean 'a' cannot be read"),
    ],
)
def test_what_cannot_be_is_one_line(refused, asked, complaint):
    assert complaint in refused("run", "--frameworks", "reference", *asked)
