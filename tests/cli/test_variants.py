"""Variants of a framework, from the command line to the names of files."""

from __future__ import annotations

import json

BOTH = "twofold,twofold:counting"


def test_a_variant_runs_beside_the_plain_framework(bench):
    records = bench.records(BOTH, "--optimizer", "sgd", verified=True)
    plain, counting = records["twofold"], records["twofold:counting"]
    assert plain["status"]["outcome"] == counting["status"]["outcome"] == "ok"
    assert plain["environment"]["versions"]["variant"] == "None"
    assert counting["environment"]["versions"]["variant"] == "counting"
    assert counting["provenance"]["certificate"]["subject"]["framework"] == "twofold:counting"
    assert counting["provenance"]["order_sha256"] == plain["provenance"]["order_sha256"]
    assert counting["learning"]["train_loss"] == plain["learning"]["train_loss"]
    files = [path.name for path in bench.only_run().rglob("*") if "counting" in path.name]
    assert len(files) >= 3, "a record, a log and a checkpoint"
    assert not any(":" in path.name for path in bench.out.rglob("*"))
    assert not any(":" in path.name for path in bench.cache.rglob("*"))
    assert len(list((bench.cache / "certificates").iterdir())) == 2
    assert {name for r in (plain, counting) for name in r["weights"]["checkpoints"]} == {
        path.name for path in (bench.only_run() / "checkpoints").iterdir()
    }


def test_a_variant_that_cannot_run_here_tells_why(bench):
    records = bench.records("twofold:cogs,twofold")
    assert records["twofold:cogs"]["status"]["outcome"] == "unavailable"
    assert records["twofold:cogs"]["status"]["reason"] == "no difference engine here: build one"
    assert records["twofold"]["status"]["outcome"] == "ok"


def test_the_report_and_a_resumed_run_know_variants(bench):
    assert bench.run(BOTH, "--format", "md").returncode == 0
    folder = bench.only_run()
    assert "twofold:counting" in (folder / "report.md").read_text()
    next((folder / "records").glob("twofold.counting*")).unlink()
    done = bench("run", "--resume", str(folder), "--json")
    names = [record["identity"]["framework"] for record in json.loads(done.stdout)["records"]]
    assert sorted(names) == ["twofold", "twofold:counting"]


def test_weights_travel_between_variants(bench):
    bench.run("twofold:counting")
    (path,) = (bench.only_run() / "checkpoints").iterdir()
    assert path.name.startswith("digits_twofold.counting_seed0_epoch")
    done = bench("predict", "--checkpoint", str(path), "--framework", BOTH, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["trained_in"] == "twofold:counting"
    assert [result["framework"] for result in document["results"]] == BOTH.split(",")
    going_on = bench(
        *("run", "--from", str(path), "--epochs", "4", "--out", str(bench.out / "more")),
        *("--unverified", "--json"),
    )
    (record,) = json.loads(going_on.stdout)["records"]
    assert (
        record["identity"]["framework"]
        == record["weights"]["resumed_framework"]
        == "twofold:counting"
    )


def test_an_unknown_variant_is_refused(refused):
    line = refused("run", "--frameworks", "twofold:countin")
    assert "unknown variant 'twofold:countin' (did you mean 'twofold:counting'?)" in line
    assert "choose from twofold:counting, twofold:cogs" in line
    assert "reference has no variants" in refused("verify", "--frameworks", "reference:fast")
    assert "more than once" in refused("run", "--frameworks", "twofold:counting,twofold:counting")
