"""Networks and what can be chosen of them, on the command line, with the NumPy network."""

from __future__ import annotations

import json

import pytest

from bench.contract import ModelOptions
from bench.results import checkpoint

CHOSEN = ("--activation", "prelu", "--pooling", "average")


def test_what_is_chosen_is_in_plan_record_and_report(bench):
    done = bench.run("reference", *CHOSEN, "--json", "--format", "md")
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)["records"]
    assert (
        record["settings"]["model"],
        record["settings"]["activation"],
        record["settings"]["pooling"],
    ) == (
        "lenet5",
        "prelu",
        "average",
    )
    assert record["learning"]["parameters"] == 61_706 + 4
    assert record["learning"]["train_loss"][-1] < record["learning"]["train_loss"][0]
    manifest = json.loads((bench.only_run() / "run.json").read_text())
    settings = manifest["plan"]["settings"]
    assert (settings["activation"], settings["pooling"]) == ("prelu", "average")
    report = (bench.only_run() / "report.md").read_text()
    assert "lenet5 (prelu, average pooling)" in report


def test_a_checkpoint_goes_on_with_what_was_chosen(bench, refused):
    bench.run("reference", *CHOSEN, "--epochs", "1", "--save", "last")
    (path,) = (bench.only_run() / "checkpoints").iterdir()
    header = checkpoint.read(path).header
    assert header.model.options == ModelOptions("prelu", "average")
    assert header.model.label == "lenet5 (prelu, average pooling)"
    said = refused(
        *("run", "--frameworks", "reference", "--from", str(path), "--epochs", "2"),
        *("--activation", "selu"),
    )
    assert "--activation is prelu in it, not selu" in said
    done = bench(
        *("run", "--frameworks", "reference", "--from", str(path), "--epochs", "2", "--json"),
        *("--out", str(bench.out / "on"), "--threads", "1", "--unverified", "--pooling", "average"),
    )
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)["records"]
    assert (record["settings"]["activation"], record["settings"]["pooling"]) == ("prelu", "average")
    predicted = bench("predict", "--checkpoint", str(path), "--framework", "reference")
    assert "lenet5 (prelu, average pooling) trained in reference" in predicted.stdout


def test_images_come_to_the_size_of_the_network(bench):
    done = bench.run("reference", "--model", "convnet", "--epochs", "1", "--json")
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)["records"]
    assert (record["settings"]["model"], record["learning"]["parameters"]) == ("convnet", 16_938)
    (path,) = (bench.only_run() / "checkpoints").iterdir()
    assert checkpoint.read(path).header.model.input_shape == (28, 28, 1)
    predicted = bench("predict", "--checkpoint", str(path), "--json")
    assert predicted.returncode == 0, predicted.stderr
    (result,) = json.loads(predicted.stdout)["results"]
    assert result["accuracy"] == pytest.approx(record["learning"]["test_accuracy"])


def test_verify_names_what_was_chosen(bench):
    done = bench(
        *("verify", "--frameworks", "reference", "--optimizers", "sgd", "--threads", "1"),
        *("--activations", "prelu", "--pooling", "average"),
    )
    assert done.returncode == 0, done.stdout
    assert "lenet5 (prelu, average pooling), 1 threads" in done.stdout
    assert "61,710 in 14 tensors" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--activation", "seku"), "unknown activation 'seku' (did you mean 'selu'?)"),
        (("--activation", "none"), "unknown activation 'none'"),
        (("--pooling", "mean"), "unknown pooling 'mean': choose from max, average"),
        (("--model", "convnet", "--activation", "selu"), "does not apply to convnet"),
        (("--model", "lenet5-wide", "--pooling", "average"), "or take --model lenet5"),
    ],
)
@pytest.mark.parametrize("command", ["run", "verify"])
def test_wrong_calls(refused, command, arguments, complaint):
    if command == "verify":
        arguments = tuple("--models" if one == "--model" else one for one in arguments)
    assert complaint in refused(command, "--frameworks", "reference", *arguments)


def test_several_networks_to_verify(refused):
    assert "--activations names selu more than once" in refused(
        "verify", "--activations", "selu,selu"
    )
    assert "does not apply to lenet5-c5conv" in refused(
        "verify", "--models", "all", "--activations", "selu"
    )
