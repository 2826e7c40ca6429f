"""Dropout, RReLU and noise on the command line, with the NumPy network."""

from __future__ import annotations

import json

import pytest

from bench.contract import ModelOptions
from bench.results import checkpoint
from tests.record_making import field

CHOSEN = ("--activation", "rrelu", "--dropout", "0.4", "--noise", "0.1")
LABEL = "lenet5 (rrelu, dropout 0.4, noise 0.1)"


def test_what_is_random_is_in_plan_record_and_report(bench):
    done = bench.run("reference", *CHOSEN, "--json", "--format", "md")
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)["records"]
    names = ("activation", "dropout", "noise", "parameters")
    chosen = {name: field(record, name) for name in names}
    assert chosen == {"activation": "rrelu", "dropout": 0.4, "noise": 0.1, "parameters": 61_706}
    assert record["learning"]["train_loss"][-1] < record["learning"]["train_loss"][0]
    assert len(record["provenance"]["draws_sha256"]) == 64
    assert 0 < record["timing"]["draw_s"] < sum(record["timing"]["epoch_s"])
    full = record["learning"]["step_loss"][:3]  # without the last, smaller batch
    assert record["learning"]["oracle_step_loss"] == pytest.approx(full, rel=1e-6)
    plan = json.loads((bench.only_run() / "run.json").read_text())["plan"]["settings"]
    assert (plan["activation"], plan["dropout"], plan["noise"]) == ("rrelu", 0.4, 0.1)
    assert LABEL in (bench.only_run() / "report.md").read_text()
    (row,) = (bench.only_run() / "records").iterdir()
    again = bench("rerun", str(row), "--out", str(bench.out / "again"), "--json")
    assert again.returncode == 0, again.stderr
    likeness = json.loads(again.stdout)["likeness"]
    assert likeness["hashes"]["draws_sha256"] is True
    assert all(likeness["figures"].values())


def test_a_training_that_goes_on_is_the_training_that_never_stopped(bench):
    whole = bench.run("reference", *CHOSEN, "--epochs", "2", "--save", "none", "--json")
    begun = bench.run("reference", *CHOSEN, "--epochs", "1", "--save", "last", "--json")
    assert (whole.returncode, begun.returncode) == (0, 0), whole.stderr + begun.stderr
    (path,) = bench.out.glob("*/checkpoints/*")
    header = checkpoint.read(path).header
    assert header.model.options == ModelOptions("rrelu", dropout=0.4, noise=0.1)
    on = bench(
        *("run", "--frameworks", "reference", "--from", str(path), "--epochs", "2", "--json"),
        *("--out", str(bench.out / "on"), "--threads", "1", "--unverified", "--save", "none"),
    )
    assert on.returncode == 0, on.stderr
    (one,), (other,) = (json.loads(done.stdout)["records"] for done in (whole, on))
    assert one["learning"]["train_loss"][1] == pytest.approx(
        other["learning"]["train_loss"][0], rel=1e-5
    )
    predicted = bench("predict", "--checkpoint", str(path), "--framework", "reference")
    assert LABEL in predicted.stdout


def test_a_plain_training_has_no_random_numbers(bench):
    done = bench.run("reference", "--epochs", "1", "--dropout", "0", "--noise", "0", "--json")
    (record,) = json.loads(done.stdout)["records"]
    assert (record["provenance"]["draws_sha256"], record["timing"]["draw_s"]) == (None, None)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--dropout", "1"], "--dropout 1 is not a rate: give 0 or more, below 1"),
        (["--dropout", "1.5"], "--dropout 1.5 is not a rate"),
        (["--dropout", "-0.1"], "--dropout -0.1 is not a rate"),
        (["--dropout", "nan"], "--dropout nan is not a rate"),
        (["--dropout", "half"], "--dropout"),
        (["--noise", "-0.1"], "--noise -0.1 is not a standard deviation: give 0 or more"),
        (["--noise", "nan"], "--noise nan is not a standard deviation"),
        (["--noise", "inf"], "--noise inf is not a standard deviation"),
        (["--model", "convnet", "--dropout", "0.5"], "--dropout 0.5 does not apply to convnet"),
        (["--model", "convnet", "--dropout", "0.5"], "take --model lenet5"),
        (["--model", "convnet", "--activation", "rrelu"], "rrelu does not apply to convnet"),
        (["--dropout", "0.5", "--regime", "each"], "reference has none that differs with adam"),
        (["--activation", "rrelus"], "unknown activation 'rrelus' (did you mean 'rrelu'?)"),
    ],
)
def test_refused(bench, refused, arguments, complaint):
    given = ("--frameworks", "reference", "--out", str(bench.out))
    assert complaint in refused("run", *given, *arguments)
    assert not bench.out.exists()
    if not {"half", "--model", "--regime"} & set(arguments):
        assert complaint in refused("verify", "--frameworks", "reference", *arguments)


def test_a_recipe_with_what_cannot_be(refused, tmp_path):
    path = tmp_path / "mine.toml"
    head = 'title = "t"\nsource = "s"\ncommand = "c"\ndatasets = ["digits"]\n[options]\n'
    for line, complaint in (
        ("dropout = 1.0", "--dropout 1 is not a rate"),
        ("noise = -0.5", "--noise -0.5 is not a standard deviation"),
        ('noise = "much"', "options.noise"),
    ):
        path.write_text(head + line)
        said = refused("run", "--recipe", str(path), "--frameworks", "reference", "--dry-run")
        assert complaint in said
        assert "mine" in said


def test_the_model_zoo_has_its_noise(bench):
    done = bench(
        *("reproduce", "modelzoo-mnist", "--frameworks", "reference", "--dataset", "digits"),
        *("--dry-run", "--json"),
    )
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert '"noise": 0.1' in json.dumps(plan)
