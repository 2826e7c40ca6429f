"""`--regime native` on random networks: the framework's own generator, through the command line."""

from __future__ import annotations

import json
import os

import pytest

from bench import frameworks
from bench.contract import ModelOptions
from bench.results import checkpoint

CHOSEN = ("--activation", "rrelu", "--dropout", "0.4", "--noise", "0.1")
REQUIRED = {name for name in os.environ.get("BENCH_REQUIRE", "").split(",") if name}
INSTALLED = [
    framework.name
    for framework in frameworks.built_in()
    if any(default.name == "generator" for default in framework.own)
    and (framework.name in REQUIRED or not frameworks.missing(framework))
]
needs_torch = pytest.mark.skipif("torch" not in INSTALLED, reason="torch is not installed")


def records(folder):
    found = (json.loads(path.read_text()) for path in (folder / "records").glob("*.json"))
    return {record["identity"]["cell"]: record for record in found}


@pytest.mark.long
@needs_torch
def test_torch_trains_with_its_own_generator(bench):
    asked = ("--regime", "matched,native,each", "--seeds", "0,1", "--save", "none")
    asked += ("--format", "md")
    done = bench.run("torch", *CHOSEN, *asked, verified=True)
    assert done.returncode == 0, done.stderr
    found = records(bench.only_run())
    assert sorted(found) == [
        *("torch-cpu-native-seed0", "torch-cpu-native-seed1"),
        *("torch-cpu-native.generator-seed0", "torch-cpu-native.generator-seed1"),
        *("torch-cpu-seed0", "torch-cpu-seed1"),
    ]
    for cell, record in found.items():
        assert record["learning"]["train_loss"][-1] < record["learning"]["train_loss"][0], cell
        own = "native" in cell
        assert record["trained_with"]["generator"] == ("own" if own else "harness")
        assert (
            record["provenance"]["draws_sha256"] is None,
            record["timing"]["draw_s"] is None,
        ) == (own, own)
        # What is proved is the network with given numbers: the certificate is that of matched.
        subject = found["torch-cpu-seed0"]["provenance"]["certificate"]["subject"]
        assert record["provenance"]["certificate"]["subject"] == subject
    # The generator is PyTorch's only default that differs, so that native is native.generator.
    one, same, other = (
        found[f"torch-cpu-{name}"]["learning"]["step_loss"]
        for name in ("native-seed0", "native.generator-seed0", "native-seed1")
    )
    assert one == same
    assert one != other
    matched = found["torch-cpu-seed0"]
    assert one != matched["learning"]["step_loss"]
    assert (
        matched["provenance"]["initial_weights_sha256"]
        == (found["torch-cpu-native-seed0"]["provenance"]["initial_weights_sha256"])
    )
    report = (bench.only_run() / "report.md").read_text()
    assert "NOT AN EQUAL" not in report
    assert "generator `own`, matched `harness`" in report
    assert "native is matched again" not in report


@pytest.mark.long
@needs_torch
def test_rerun_of_a_record_with_its_own_generator(bench):
    done = bench.run("torch", *CHOSEN, "--regime", "each", "--deterministic", "--epochs", "2")
    assert done.returncode == 0, done.stderr
    (path,) = (bench.only_run() / "records").iterdir()
    assert "native.generator" in path.name
    again = bench("rerun", str(path), "--out", str(bench.out / "again"))
    assert again.returncode == 0, again.stderr
    assert "losses and accuracies: equal to the last bit, as a deterministic run" in again.stdout
    assert "random numbers of training: of torch's own generator, seed 0" in again.stdout


@needs_torch
def test_a_checkpoint_predicts_and_does_not_go_on(bench, refused):
    done = bench.run("torch", *CHOSEN, "--regime", "native", "--save", "last", "--epochs", "1")
    assert done.returncode == 0, done.stderr
    (path,) = bench.out.glob("*/checkpoints/*")
    header = checkpoint.read(path).header
    assert header.model.options == ModelOptions("rrelu", dropout=0.4, noise=0.1)
    assert header.model.generator_seed == 0
    said = refused("run", "--from", str(path), "--epochs", "2", "--frameworks", "torch")
    assert "came from a generator of torch's own, whose state no checkpoint holds" in said
    predicted = bench("predict", "--checkpoint", str(path), "--framework", "torch,reference")
    assert predicted.returncode == 0, predicted.stderr


@pytest.mark.long
@pytest.mark.skipif(len(INSTALLED) < 2, reason="fewer than two frameworks are installed")
def test_every_framework_draws_by_itself(bench):
    done = bench.run(",".join(INSTALLED), *CHOSEN, "--regime", "native", "--epochs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    found = records(bench.only_run())
    assert len(found) == len(INSTALLED)
    for cell, record in found.items():
        assert record["status"]["outcome"] == "ok", (cell, record["status"]["reason"])
        assert record["trained_with"]["generator"] == "own"
        assert record["provenance"]["draws_sha256"] is None
        assert record["learning"]["train_loss"][-1] < record["learning"]["train_loss"][0], cell


@pytest.mark.skipif("keras" not in INSTALLED, reason="keras is not installed")
def test_noise_that_the_layer_of_keras_does_not_know(bench):
    done = bench.run("keras", "--noise", "1.5", "--regime", "native", "--epochs", "1")
    assert done.returncode == 1
    (record,) = records(bench.only_run()).values()
    assert record["status"]["outcome"] == "failed"
    assert "GaussianNoise takes a standard deviation of 1 at most" in record["status"]["reason"]


def test_the_reference_has_no_generator_of_its_own(bench):
    done = bench.run("reference", "--dropout", "0.4", "--regime", "native", "--epochs", "1")
    assert done.returncode == 0, done.stderr
    assert "reference: its own defaults are the matched setting" in done.stderr
    (record,) = records(bench.only_run()).values()
    assert record["trained_with"]["generator"] == "harness"
    assert len(record["provenance"]["draws_sha256"]) == 64
