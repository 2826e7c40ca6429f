"""Verification: alone, before a run, kept and made anew."""

from __future__ import annotations

import json
import signal

import pytest

from bench.verification import causes

SGD = ("--optimizer", "sgd")  # the quickest to examine


def _kept(bench):
    return sorted((bench.cache / "certificates").glob("*.json"))


def test_the_reference_is_equivalent_to_itself(bench):
    done = bench(
        *("verify", "--frameworks", "reference", "--channels", "3", "--threads", "1", "--json"),
        *("--optimizers", "sgd:momentum=0.9:weight-decay=5e-4,adam"),
    )
    assert done.returncode == 0, done.stderr
    (document,) = json.loads(done.stdout)
    assert document["status"] == "equivalent"
    certificate = document["certificate"]
    first, second = certificate["subject"]["optimizers"]
    assert (first["momentum"], first["weight_decay"]) == (0.9, 5e-4)
    assert second["name"] == "adam"
    assert certificate["checks"][0]["case"] == "62,006 in 10 tensors"
    assert certificate["versions"]["numpy"]
    names = {check["name"] for check in certificate["checks"]}
    for name in ("round trip", "logits", "gradients", "optimizer", "batches gathered", "threads"):
        assert name in names
    for check in certificate["checks"]:
        assert 0 <= check["error"] <= check["bound"], check
        assert check["reason"]


def test_the_table_names_what_is_wrong(bench):
    done = bench("verify", "--frameworks", "flipped", "--optimizers", "sgd")
    assert done.returncode == 1
    rows = [line for line in done.stdout.splitlines() if "FAILS" in line]
    assert any("logits" in row for row in rows)
    assert any("conv1/kernel" in row for row in rows)
    assert "flipped: not-equivalent: logits" in done.stdout.replace("\n", " ")
    assert f"logits fails usually because of {causes.USUAL['logits']}." in done.stdout


@pytest.mark.long
def test_each_size_of_batch_is_examined(bench):
    done = bench(
        *("verify", "--frameworks", "reference", "--optimizers", "sgd", "--json"),
        *("--batch-sizes", "1,1401"),
    )
    one, many = json.loads(done.stdout)
    assert done.returncode == 0, (one["reason"], many["reason"])
    for document, size in ((one, 1), (many, 1401)):
        of = document["subject"]
        assert (of["batch_size"], of["predicted"]) == (size, [size])
        assert of["loaded"] == max(size, 1400)
        assert of["remainder"] == min(13, size - 1)
        cases = {check["case"] for check in document["certificate"]["checks"]}
        assert cases >= {f"full batch of {size:,}", f"{size:,} images after 20 steps"}


@pytest.mark.parametrize("sizes", ["0", "7,7", "many"])
def test_sizes_that_cannot_be(bench, sizes):
    done = bench("verify", "--frameworks", "reference", "--batch-sizes", sizes)
    assert done.returncode == 2
    assert "--batch-size" in done.stderr


def test_an_interruption_shows_what_was_found(bench):
    started = bench.start(
        "verify", "--frameworks", "reference", "--all", "--optimizers", "sgd", "--threads", "1"
    )
    assert started.stdout is not None
    first = started.stdout.readline()
    started.send_signal(signal.SIGTERM)
    out, said = started.communicate(timeout=120)
    assert started.returncode == 130, said
    assert first.startswith("NumPy reference, lenet5: equivalent")
    assert "interrupted after 1 of " in said
    assert "Traceback" not in said
    assert "batches" in out  # the table of the worst errors


def test_a_run_verifies_once_and_keeps_the_certificate_until_something_changes(bench):
    done = bench.run(
        *("reference", "--seeds", "0,1", "--json", "--format", "md", *SGD), verified=True
    )
    records = json.loads(done.stdout)["records"]
    assert done.returncode == 0
    (path,) = _kept(bench)
    kept = json.loads(path.read_text())
    for record in records:
        assert record["status"]["outcome"] == "ok"
        assert record["provenance"]["certificate"] == kept
        assert not record["provenance"]["unverified"]
    report = next(bench.out.glob("*/report.md")).read_text()
    assert "Verified against the float64 oracle before timing" in report
    assert "Certificates of equivalence" in report

    path.write_text(json.dumps(kept | {"made_at": "earlier"}))
    again = bench.records("reference", *SGD, verified=True)["reference"]["provenance"]
    assert again["certificate"]["made_at"] == "earlier"
    path.write_text("{not whole")
    anew = bench.records("reference", *SGD, verified=True)["reference"]["provenance"]
    assert anew["certificate"]["made_at"] >= kept["made_at"]
    assert len(_kept(bench)) == 1


def test_what_is_not_equivalent_is_not_timed_and_the_others_are(bench):
    records = bench.records("flipped,reference", "--seeds", "0,1", *SGD, verified=True)
    assert records["reference"]["status"]["outcome"] == "ok"
    record = records["flipped"]
    assert record["status"]["outcome"] == "not-equivalent"
    assert record["status"]["reason"].startswith("logits (397 images): error ")
    assert record["timing"]["epoch_s"] == []
    assert record["provenance"]["certificate"]["checks"]
    assert len(_kept(bench)) == 1  # what failed is not kept


def test_unverified_runs_all_the_same_and_says_so_everywhere(bench):
    done = bench.run("flipped,reference", *SGD, "--format", "md")
    assert done.returncode == 0
    assert "UNVERIFIED" in done.stdout
    assert done.stdout.count("ok, unverified") == 2
    folder = bench.only_run()
    assert "UNVERIFIED" in (folder / "report.md").read_text()
    for path in (folder / "records").iterdir():
        record = json.loads(path.read_text())
        assert record["provenance"]["unverified"]
        assert record["provenance"]["certificate"] is None
    assert _kept(bench) == []


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("killed", "failed", "the worker ended by SIGKILL"),
        ("raises", "failed", "ValueError: the tensor has a cold"),
        ("broken", "unavailable", "libfaulty.so.1"),
        ("absent", "unavailable", "a_module_that_nobody_has is not installed"),
    ],
)
def test_a_framework_that_fails_while_it_is_verified(bench, name, status, reason):
    records = bench.records(name, *SGD, verified=True)
    assert records[name]["status"]["outcome"] == status
    assert reason in records[name]["status"]["reason"]
    if status == "failed":
        assert "while it was verified, after " in records[name]["status"]["reason"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--frameworks", "torhc"), "unknown framework 'torhc' (did you mean 'torch'?)"),
        (("--models", "lenet6"), "unknown model 'lenet6' (did you mean 'lenet5'?)"),
        (("--optimizers", "adagrad"), "unknown optimizer 'adagrad'"),
        (("--optimizers", "sgd:beta=1"), "unknown constant of sgd 'beta'"),
        (("--optimizers", "sgd:momentum=x"), "--optimizers 'x' cannot be read"),
        (("--optimizers", "adam:momentum=0.9"), "--momentum 0.9 does not apply to adam"),
        (("--optimizers", "sgd,sgd"), "--optimizers names"),
        (("--devices", "tpu"), "unknown device 'tpu'"),
        (("--all", "--models", "lenet5"), "--all takes no --models"),
        (("--channels", "2"), "--channels 2 is not possible: give 1 or 3"),
        (("--threads", "0"), "--threads 0 is too small"),
        (("--seed", "-1"), "--seed -1 is too small"),
    ],
)
def test_wrong_calls(refused, arguments, complaint):
    assert complaint in refused("verify", *arguments)
