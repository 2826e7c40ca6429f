"""`bench run --recipe`, `reproduce`, `rerun`, `show` and `list recipes`, as a person types them."""

from __future__ import annotations

import json
import math

import pytest

RECIPE = """
title = "Two epochs of digits"
source = "somebody"
command = "python -m bench reproduce two.toml"
datasets = ["digits"]

[options]
train-size = 200
val-size = 60
test-size = 60
epochs = 2
batch-size = 64
optimizer = "sgd"
lr = 0.1
evaluate = ["test"]
epoch-zero = true

[[published]]
metric = "val_accuracy"
best = true
value = 0.5

[[published]]
metric = "test_accuracy"
epoch = 0
value = 0.1
"""
QUICK = (
    *("--threads", "1", "--unverified", "--windows", "4", "--window", "0.01"),
    *("--wait-for-quiet", "0s"),
)


@pytest.fixture
def two(tmp_path) -> str:
    (tmp_path / "two.toml").write_text(RECIPE)
    return str(tmp_path / "two.toml")


def test_a_recipe_is_reproduced_and_its_record_repeated(bench, two):
    out = ("--out", str(bench.out))
    done = bench(
        *("reproduce", two, "--frameworks", "reference", "--seeds", "0,1", "--lr", "0.05"),
        *(*QUICK, *out),
    )
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "Published and measured" in said
    assert "Validation accuracy, best epoch 50.00 % reference" in said
    assert "NOT AS PUBLISHED: run with --lr 0.05 for 0.1." in said
    folder = bench.only_run()
    assert "Published and measured" in (folder / "report.md").read_text()
    assert "Published and measured" in (folder / "report.html").read_text()
    path = folder / "records" / "reference-cpu-seed0.json"
    record = json.loads(path.read_text())
    assert record["provenance"]["recipe"]["recipe"] == "two"
    assert record["provenance"]["recipe"]["overridden"] == ["--lr 0.05 for 0.1"]
    assert (record["settings"]["epochs"], record["settings"]["learning_rate"]) == (2, 0.05)
    assert record["run_settings"]["data_root"] is None

    done = bench("rerun", str(path), "--json", *out)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    again = document["record"]
    assert all(document["likeness"]["hashes"].values())
    assert all(document["likeness"]["figures"].values())
    assert document["likeness"]["largest"] == 0
    assert again["learning"]["train_loss"] == record["learning"]["train_loss"]
    assert again["provenance"]["recipe"] == record["provenance"]["recipe"]
    assert again["identity"]["run"] != record["identity"]["run"]
    without = {"seeds", "data_root", "min_repeats", "max_repeats"}
    assert again["settings"] == record["settings"]
    kept = {name: value for name, value in record["run_settings"].items() if name not in without}
    assert {name: again["run_settings"][name] for name in kept} == kept

    # A record that tells of other losses and another order is told to be unlike.
    record["learning"]["train_loss"][1] += 0.01
    record["provenance"]["order_sha256"] = "0" * 64
    path.write_text(json.dumps(record))
    done = bench("rerun", str(path), *out)
    assert done.returncode == 1, done.stderr
    assert "order of the images: was 000000000000, is" in done.stdout
    assert "not equal to the last bit: train loss" in done.stdout
    assert "initial weights: equal" in done.stdout


def test_a_deterministic_run_is_the_same_again_or_an_error(bench):
    plain = bench.run("reference", "--deterministic", "--format", "md")
    assert plain.returncode == 0, plain.stderr
    path = bench.only_run() / "records" / "reference-cpu-seed0.json"
    record = json.loads(path.read_text())
    assert record["settings"]["deterministic"] is True
    assert "deterministic operations" in (bench.only_run() / "report.md").read_text()
    call = ("rerun", str(path), "--out", str(bench.out))
    done = bench(*call)
    assert done.returncode == 0, done.stderr
    assert "equal to the last bit, as a deterministic run has to be" in done.stdout

    record["learning"]["train_loss"][1] = math.nextafter(record["learning"]["train_loss"][1], 2)
    path.write_text(json.dumps(record))
    done = bench(*call)
    assert done.returncode == 1, done.stderr
    assert "NOT REPRODUCED, though deterministic: not equal to the last bit: train" in done.stdout


def test_what_determinism_costs_is_told(bench):
    assert bench.run("reference").returncode == 0
    path = bench.only_run() / "records" / "reference-cpu-seed0.json"
    done = bench("rerun", str(path), "--deterministic", "--out", str(bench.out))
    assert done.returncode == 0, done.stderr
    assert "deterministic operations: " in done.stdout
    assert "times as fast; two processes" in done.stdout


def test_what_is_there(bench):
    done = bench("list", "recipes", "--json")
    rows = json.loads(done.stdout)["recipes"]
    assert [row["name"] for row in rows] == [
        *("flux-cifar10", "intro-mnist", "lenet5-suite", "modelzoo-mnist", "simplechains-mnist"),
    ]
    done = bench("show", "recipe", "modelzoo-mnist")
    assert done.returncode == 0
    assert "stop-patience = 10" in done.stdout
    done = bench("show", "recipe", "intro-mnist", "--json")
    assert json.loads(done.stdout)["options"]["test_mean"] == [0.1325]


def test_the_plan_of_a_recipe(bench, two):
    done = bench(
        *("run", "--recipe", two, "--frameworks", "reference", "--epochs", "7"),
        *("--dry-run", "--json"),
    )
    plan = json.loads(done.stdout)["plan"]["settings"]
    assert (plan["epochs"], plan["learning_rate"], plan["train_size"]) == (7, 0.1, 200)
    assert plan["evaluate"] == ["test"]


def test_wrong_calls(refused, tmp_path, two):
    assert "unknown recipe 'lenet'" in refused("reproduce", "lenet")
    assert "give one recipe, of flux-cifar10" in refused("reproduce")
    assert "give one recipe, of flux-cifar10" in refused("reproduce", "intro-mnist", "--all")
    assert "No such option" in refused("reproduce", two, "--epoch", "3")
    assert "unknown recipe" in refused("show", "recipe", "nothing")
    assert "unknown kind to show 'model'" in refused("show", "model", "lenet5")
    assert "give `show recipe intro-mnist`" in refused("show", "intro-mnist")
    assert "give one of flux-cifar10, intro-mnist" in refused("show", "recipe")
    said = refused("run", "--recipe", two, "--resume", str(tmp_path))
    assert "cannot be used together" in said
    said = refused("run", "--recipe", two, "--frameworks", "reference", "--train-size", "5000")
    assert said.startswith(f"error: recipe {two} with --train-size 5000 for 200: ")
    zero = tmp_path / "zero.toml"
    zero.write_text(RECIPE.replace("epoch-zero = true", 'schedule = "plateau"\npatience = 0'))
    said = refused("run", "--recipe", str(zero), "--frameworks", "reference")
    assert f"{zero}: options.patience: --patience 0 is too small: give 1 or more" in said
    (tmp_path / "record.json").write_text("{}")
    assert "cannot read" in refused("rerun", str(tmp_path / "record.json"))
    assert "does not exist" in refused("rerun", str(tmp_path / "nothing.json"))
