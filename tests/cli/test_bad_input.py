"""Wrong calls: one clear line, exit code 2, nothing lost, no traceback."""

from __future__ import annotations

import fcntl
import json
import os
import resource

import numpy as np
import pytest


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--frameworks", "pytorch"], "unknown framework 'pytorch'"),
        (
            ["--frameworks", "pytorch"],
            "choose from flax, flux, keras, torch, equinox, lux, mlx, reference, simplechains, "
            "tinygrad",
        ),
        (["--frameworks", "torch,"], None),
        (["--frameworks", ","], "--frameworks ',' is empty"),
        (["--frameworks", "torch,torch"], "--frameworks names torch more than once"),
        (["--dataset", "minst"], "unknown data set 'minst' (did you mean 'mnist'?)"),
        (["--model", "lenet"], "unknown model 'lenet' (did you mean 'lenet5'?)"),
        (["--optimizer", "lion"], "choose from sgd, rmsprop, adam, adamw"),
        (["--devices", "tpu"], ": choose from cpu, gpu, auto"),
        (["--deterministic", "--devices", "gpu"], "--deterministic works on the CPU only"),
        (["--batch-size", "5000"], "larger than the training set of 1437 images"),
        (["--batch-size", "0"], "--batch-size 0 is too small"),
        (["--epochs", "0"], "--epochs 0 is too small"),
        (["--epochs", "-3"], "--epochs -3 is too small"),
        (["--epochs", "many"], "--epochs"),
        (["--lr", "0"], "--lr 0 is not a finite number above 0"),
        (["--lr", "-0.1"], "--lr -0.1 is not"),
        (["--lr", "nan"], "--lr nan is not"),
        (["--lr", "inf"], "--lr inf is not"),
        (["--momentum", "0.9"], "--momentum 0.9 does not apply to adam"),
        (["--optimizer", "sgd", "--momentum", "1"], "--momentum 1 is not allowed"),
        (["--weight-decay", "-1"], "--weight-decay -1"),
        (["--target", "1.5"], "--target 1.5 is not an accuracy"),
        (["--target", "0"], "--target 0 is not an accuracy"),
        (["--target", "0.9", "--val-size", "0"], "--val-size is 0"),
        (["--train-size", "0"], "--train-size 0 is too small"),
        (["--train-size", "1797"], "are more than the 1797"),
        (["--val-size", "-1"], "--val-size -1 is too small"),
        (["--test-size", "0"], "--test-size 0 is too small"),
        (["--test-size", "99999"], "--test-size 99999 is too large"),
        (["--threads", "0"], "--threads 0 is too small"),
        (["--timeout", "0"], "--timeout 0 is not"),
        (["--wait-for-quiet", "-5m"], "--wait-for-quiet '-5m' is below 0: give 0s or more"),
        (["--share-host"], "--share-host is of a cluster: give --on dask:ADDRESS"),
        (["--format", "none,html"], "--format 'none,html': none stands by itself"),
        (["--seeds", "0,x"], "--seeds '0,x' cannot be read"),
        (["--seeds", "-1"], "--seeds -1 is too small"),
        (["--seeds", "1,1"], "--seeds names 1 more than once"),
        (["--fit", "stretch"], "choose from pad, resize"),
        (["--mean", "0.1,0.2"], "--mean has 2 values for images of 1 channels"),
        (["--std", "0"], "--std 0 is not a finite number above 0"),
        (["--no-such-option"], "--no-such-option"),
        (["--resume", "nowhere"], "nowhere is not the folder of a run"),
        (["--epochs", "1.5"], "--epochs '1.5' cannot be read: give a whole number"),
        (["--lr", "fast"], "--lr 'fast' cannot be read: give a number"),
        (["--resume", __file__], "test_bad_input.py is not the folder of a run"),
    ],
)
def test_run_refuses(bench, refused, arguments, complaint):
    if complaint is None:
        assert bench("run", *arguments, "--dry-run").returncode == 0
        return
    # NumPy is always there, also where the tests run without any framework.
    chosen = () if "--frameworks" in arguments else ("--frameworks", "reference")
    assert complaint in refused("run", "--out", str(bench.out), *chosen, *arguments)
    assert not bench.out.exists()


def test_too_many_threads_is_a_warning(bench):
    done = bench("run", "--frameworks", "reference", "--threads", "4096", "--dry-run")
    assert done.returncode == 0
    assert "warning: --threads 4096 is more than" in done.stderr


def test_other_commands_refuse(refused, tmp_path):
    assert "choose from frameworks, datasets, models" in refused("list", "everything")
    assert "does not exist" in refused("report", str(tmp_path / "nowhere"))
    assert "there are no records" in refused("report", str(tmp_path))
    assert "unknown data set" in refused("data", "show", "imagenet")
    assert "No such command" in refused("tain")


def test_unwritable_results(bench, refused, tmp_path):
    obstacle = tmp_path / "a-file"
    obstacle.write_text("")
    complaint = refused("run", "--frameworks", "reference", "--out", str(obstacle))
    assert f"cannot write results to {obstacle}" in complaint
    assert "--out" in complaint


def test_full_results_folder_loses_no_record(bench):
    def no_large_files() -> None:  # as on a full disk, a write fails after some bytes
        resource.setrlimit(resource.RLIMIT_FSIZE, (1800, 1800))

    small = ("--train-size", "64", "--val-size", "0", "--test-size", "32", "--epochs", "1")
    done = bench("data", "show", "digits")  # the cache of decoded images is there before
    assert done.returncode == 0, done.stderr
    bench.env["PYTHONDONTWRITEBYTECODE"] = "1"  # it would leave modules that are cut off, too
    done = bench.process(
        *("run", "--frameworks", "reference", "--seeds", "0", "--out", str(bench.out), *small),
        preexec_fn=no_large_files,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "cannot write" in done.stderr


def test_two_runs_into_one_folder(bench, refused):
    bench.run("reference")
    folder = bench.only_run()
    handle = os.open(folder / "lock", os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        complaint = refused("run", "--resume", str(folder))
    finally:
        os.close(handle)
    assert "another run is writing to" in complaint


def test_resume_with_other_options(bench, refused):
    bench.run("reference")
    folder = bench.only_run()
    complaint = refused("run", "--resume", str(folder), "--epochs", "4", "--lr", "0.5")
    assert "--epochs was 3, not 4" in complaint
    assert "--lr was 0.001, not 0.5" in complaint
    same = bench("run", "--resume", str(folder), "--epochs", "3", "--wait-for-quiet", "2s")
    assert same.returncode == 0, same.stderr


def test_resume_of_another_machine(bench, refused):
    bench.run("reference")
    manifest = bench.only_run() / "run.json"
    text = manifest.read_text()
    start = text.index('"fingerprint"')
    manifest.write_text(text[:start] + '"fingerprint": "0123456789ab"\n  }\n}')
    complaint = refused("run", "--resume", str(bench.only_run()))
    assert "started on another machine" in complaint
    assert "its description is of another version" in complaint


def test_resume_with_another_share_of_the_machine(bench, refused):
    """What differs is told, and no hash."""
    bench.run("reference")
    path = bench.only_run() / "run.json"
    written = json.loads(path.read_text())
    of = written["machine"]
    here = of["usable_cpus"], of["fingerprint"], of["host"]
    of |= {"usable_cpus": 99, "cpu_quota": 1.5, "fingerprint": "0123456789ab"}
    path.write_text(json.dumps(written))
    complaint = refused("run", "--resume", str(bench.only_run()))
    assert f"another share of this one: usable CPUs 99 → {here[0]}; CPU quota 1.5 → " in complaint
    for digest in ("0123456789ab", *here[1:]):
        assert str(digest) not in complaint


def test_resume_of_a_torn_run(bench, refused):
    bench.run("reference")
    manifest = bench.only_run() / "run.json"
    manifest.write_text(manifest.read_text()[:200])
    assert "cannot read" in refused("run", "--resume", str(bench.only_run()))


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"x_train": (50, 32, 32)}, "y_train"),
        ({"y_test": np.zeros(20)}, "y_test"),
        ({"y_test": np.full(20, -1)}, "y_test"),
        ({"x_test": np.full((20, 32, 32), 0.3)}, "x_test"),
        ({"x_train": np.zeros((50, 32), np.uint8)}, "x_train"),
    ],
)
def test_bad_npz(refused, tmp_path, arrays, complaint):
    good = {
        "x_train": np.zeros((60, 32, 32), np.uint8),
        "y_train": np.arange(60) % 3,
        "x_test": np.zeros((20, 32, 32), np.uint8),
        "y_test": np.arange(20) % 3,
    }
    path = tmp_path / "own.npz"
    if complaint == "y_train":
        del good["y_train"]
        arrays = {}
    np.savez(path, **(good | arrays))
    message = refused("run", "--frameworks", "reference", "--dataset", f"npz:{path}")
    assert complaint in message
    assert str(path) in message


def test_data_that_change_between_plan_and_cell_are_noticed(bench, tmp_path):
    """A resumed run on other images is a failed cell, not a wrong figure."""
    path = tmp_path / "own.npz"
    arrays = {
        "x_train": np.zeros((60, 32, 32), np.uint8),
        "y_train": np.arange(60) % 3,
        "x_test": np.zeros((20, 32, 32), np.uint8),
        "y_test": np.arange(20) % 3,
    }
    np.savez(path, **arrays)
    call = ("run", "--unverified", "--frameworks", "killed", "--dataset", f"npz:{path}")
    bench(*call, "--seeds", "0", "--epochs", "2", "--batch-size", "16", "--out", str(bench.out))
    arrays["x_train"] = arrays["x_train"] + np.uint8(1)
    np.savez(path, **arrays)
    done = bench("run", "--resume", str(bench.only_run()), "--json")
    assert done.returncode == 1
    assert "has changed since the run was planned" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--seeds"),
        ("run", "--evaluate"),
        ("verify", "--frameworks"),
        ("verify", "--models"),
        ("verify", "--poolings"),
        ("verify", "--optimizers"),
        ("verify", "--devices"),
        ("verify", "--batch-sizes"),
        ("ladder", "--frameworks"),
        ("profile", "--frameworks"),
        ("profile", "--format"),
    ],
)
def test_an_option_that_is_given_empty(refused, arguments):
    complaint = refused(*arguments, "")
    assert complaint.startswith(f"error: {arguments[-1]} '' is empty: give ")
    assert "such as" in complaint
