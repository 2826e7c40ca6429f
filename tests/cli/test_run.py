"""`bench run` on real data with the NumPy network: records, hashes, reports, exit codes."""

from __future__ import annotations

import csv
import json
import statistics

import pytest

from tests.record_making import field

FIELDS = set(
    """framework framework_version dataset model device seed outcome reason parameters epochs
    batch_size optimizer train_loss val_accuracy test_accuracy images_per_s epoch_s import_s
    build_s compile_s eval_s target_accuracy time_to_target_s time_to_target_with_compile_s
    peak_rss_bytes threads split_sha256 order_sha256 initial_weights_sha256 machine
    versions""".split()  # noqa: SIM905 - a list of names reads best as text
)


def test_json_is_one_document_with_every_field(bench):
    done = bench.run("reference", "--json", "--seeds", "0,1")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert set(document) == {"run", "records"}
    assert document["run"] == str(bench.only_run())
    assert [r["identity"]["cell"] for r in document["records"]] == [
        "reference-cpu-seed0",
        "reference-cpu-seed1",
    ]
    for record in document["records"]:
        assert {name: field(record, name) for name in FIELDS}.keys() == FIELDS
        assert record["status"]["outcome"] == "ok"
        assert record["status"]["reason"] is None
        assert record["learning"]["parameters"] == 61_706
        assert (
            record["settings"]["train_size"],
            record["settings"]["val_size"],
            record["settings"]["test_size"],
        ) == (
            56,
            60,
            60,
        )
        for per_epoch in ("epoch_s", "train_loss", "val_accuracy", "val_loss"):
            assert len(field(record, per_epoch)) == record["settings"]["epochs"] == 3
        images = record["throughput"]["window_steps"] * record["identity"]["batch_size"]
        assert record["throughput"]["images_per_s"] == pytest.approx(
            images / statistics.median(record["throughput"]["windows_s"])
        )
        assert 0 < record["timing"]["compile_s"] < 1  # NumPy compiles nothing
        assert record["environment"]["peak_rss_bytes"] > 10_000_000
        assert record["learning"]["train_loss"][-1] < record["learning"]["train_loss"][0]
        for name in ("split_sha256", "order_sha256", "initial_weights_sha256", "data_sha256"):
            assert len(field(record, name)) == 64
    first, second = document["records"]
    assert first["provenance"]["split_sha256"] != second["provenance"]["split_sha256"]
    assert (
        first["provenance"]["initial_weights_sha256"]
        != second["provenance"]["initial_weights_sha256"]
    )


def test_same_seed_same_numbers(bench):
    one = bench.records("reference")["reference"]
    two = bench.records("reference")["reference"]
    for name in ("train_loss", "val_accuracy", "test_accuracy", "order_sha256", "split_sha256"):
        assert field(one, name) == field(two, name)


def test_target_is_timed_on_the_training_clock(bench):
    record = bench.records("reference", "--target", "0.01")["reference"]
    assert record["timing"]["time_to_target_s"] == pytest.approx(record["timing"]["epoch_s"][0])
    assert record["timing"]["time_to_target_with_compile_s"] == pytest.approx(
        record["timing"]["epoch_s"][0] + record["timing"]["compile_s"]
    )
    record = bench.records("reference", "--target", "1")["reference"]
    assert record["settings"]["target_accuracy"] == 1.0
    assert record["timing"]["time_to_target_s"] is None
    assert record["timing"]["time_to_target_with_compile_s"] is None


def test_no_validation_no_target(bench):
    record = bench.records("reference", "--val-size", "0")["reference"]
    assert record["status"]["outcome"] == "ok"
    assert record["learning"]["val_accuracy"] == []
    assert record["settings"]["target_accuracy"] is None


def test_without_json_a_table_and_files(bench):
    done = bench.run("reference", "--format", "md,csv")
    assert done.returncode == 0, done.stderr
    assert "reference" in done.stdout
    assert "61,706" in done.stdout
    folder = bench.only_run()
    assert f"wrote {folder / 'report.md'}" in done.stdout
    assert "61,706" in (folder / "report.md").read_text()
    with (folder / "records.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["framework"] == "reference"
    assert (folder / "logs" / "reference-cpu-seed0.log").exists()


def test_each_run_has_an_identity_that_its_records_have_too(bench):
    for _ in range(2):
        assert bench.run("reference,flipped", "--epochs", "1").returncode == 0
    found = []
    for folder in bench.out.iterdir():
        records = [json.loads(path.read_text()) for path in (folder / "records").iterdir()]
        (of_records,) = {record["identity"]["run_id"] for record in records}
        assert of_records == json.loads((folder / "run.json").read_text())["run_id"]
        found.append(of_records)
    assert len(set(found)) == 2
    assert all(len(one) == 32 for one in found)


def test_report_command_over_the_results_folder(bench, tmp_path):
    bench.run("reference")
    bench.run("reference")
    done = bench("report", str(bench.out), "--out", str(tmp_path / "both"), "--format", "csv")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "both" / "records.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 2


def test_report_names_a_record_that_it_cannot_read(bench):
    bench.run("reference", "--seeds", "0,1")
    torn = bench.only_run() / "records" / "reference-cpu-seed1.json"
    torn.write_text(torn.read_text()[:100])
    done = bench("report", str(bench.only_run()), "--format", "md")
    assert done.returncode == 1
    assert f"left out {torn}" in done.stdout
    assert "reference" in (bench.only_run() / "report.md").read_text()


def test_dry_run_prints_the_plan_and_writes_nothing(bench):
    done = bench.run("reference", "--dry-run", "--seeds", "3,1")
    assert done.returncode == 0, done.stderr
    assert "reference-cpu-seed3, reference-cpu-seed1" in done.stdout
    assert not bench.out.exists()
    done = bench.run("reference", "--dry-run", "--json")
    document = json.loads(done.stdout)
    assert document["plan"]["settings"]["train_size"] == 56
    assert document["cells"] == ["reference-cpu-seed0"]


def test_npz_of_ones_own(bench, tmp_path):
    numpy = pytest.importorskip("numpy")
    rng = numpy.random.default_rng(0)
    parts = {"train": 90, "test": 40}
    arrays = {
        **{
            f"x_{p}": rng.integers(0, 256, (n, 32, 32, 3), dtype=numpy.uint8)
            for p, n in parts.items()
        },
        **{f"y_{p}": numpy.arange(n) % 7 for p, n in parts.items()},
    }
    numpy.savez(tmp_path / "own.npz", **arrays)
    done = bench(
        *("run", "--frameworks", "reference", "--dataset", f"npz:{tmp_path / 'own.npz'}"),
        *("--epochs", "1", "--batch-size", "16", "--seeds", "0", "--out", str(bench.out), "--json"),
        "--unverified",
    )
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)["records"]
    assert record["settings"]["train_size"] == 81
    assert record["settings"]["test_size"] == 40
    assert len(record["trained_with"]["mean"]) == 3
    assert record["learning"]["parameters"] == 62_006 - 3 * 85  # 7 classes instead of 10


def test_npz_in_another_form_with_other_names_is_taken_and_told(bench, tmp_path):
    numpy = pytest.importorskip("numpy")
    images = numpy.linspace(0, 1, 256, dtype="f4").reshape(1, 1, 16, 16).repeat(60, axis=0)
    labels = numpy.arange(60)[:, None] % 3
    names = ("train/x", "train/y", "test/x", "test/y")
    arrays = zip(names, (images, labels, images, labels[:, 0]), strict=True)
    numpy.savez(tmp_path / "own.npz", **dict(arrays))
    own = (f"npz:{tmp_path / 'own.npz'}", "--arrays", ",".join(names))
    told = (
        "own.npz: taken are train/x and test/x float32 (N, 1, 16, 16) as uint8 (N, 16, 16, 1) "
        "(channels first, times 255); train/y int64 (N, 1) (one column)"
    )
    call = ("run", "--frameworks", "reference", "--dataset", *own, "--dry-run")
    for done in (bench(*call), bench("data", "show", *own, "--json")):
        assert done.returncode == 0, done.stderr
        assert done.stderr.splitlines().count(told) == 1
        assert told not in done.stdout


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adamw"])
def test_every_optimizer_learns(bench, optimizer):
    momentum = ("--momentum", "0.9") if optimizer != "adamw" else ()
    record = bench.records("reference", "--optimizer", optimizer, *momentum)["reference"]
    assert record["trained_with"]["optimizer"] == optimizer
    assert record["learning"]["train_loss"][-1] < record["learning"]["train_loss"][0]


def test_without_the_report_extra_the_table_is_printed_all_the_same(bench, tmp_path):
    # A module of that name that cannot be found further, as where the extra is not installed.
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "jinja2.py").write_text("raise ModuleNotFoundError(name='jinja2')\n")
    bench.env["PYTHONPATH"] = f"{hidden}:{bench.env['PYTHONPATH']}"
    done = bench.process(*bench.tiny("reference", "--format", "md"))
    assert done.returncode == 0, done.stderr
    assert "61,706" in done.stdout
    assert "no report files: jinja2 is missing: pip install 'lenet-bench[report]'" in done.stdout
