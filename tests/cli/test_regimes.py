"""`bench run --regime`: cells, records and the report of frameworks in their own defaults."""

from __future__ import annotations

import json
import re

import pytest

from tests.record_making import field

ALL = ("--regime", "matched,native,each")
FILES = ("--format", "md,csv")


def test_dry_run_lists_the_cells(bench):
    done = bench.run("opinionated,reference", *ALL, "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["plan"]["settings"]["regimes"] == ["matched", "native", "each"]
    assert sorted(document["cells"]) == [
        "opinionated-cpu-native-seed0",
        "opinionated-cpu-native.bias-init-seed0",
        "opinionated-cpu-native.kernel-init-seed0",
        "opinionated-cpu-seed0",
        "reference-cpu-native-seed0",
        "reference-cpu-seed0",
    ]
    done = bench.run("opinionated", *ALL, "--dry-run")
    assert "opinionated-cpu-native.bias-init-seed0" in done.stdout
    assert not bench.out.exists()


@pytest.mark.parametrize(
    ("regime", "complaint"),
    [
        ("nativ", "unknown regime 'nativ' (did you mean 'native'?): choose from matched, native, "),
        ("native.epsilon", "choose from matched, native, each"),
        ("native,native", "--regime names native more than once"),
        (
            ",",
            "--regime ',' is empty: give one or several with commas between, such as matched",
        ),
        ("each", "and reference has none that differs with adam: add matched or native"),
    ],
)
def test_refused(refused, bench, regime, complaint):
    asked = ("run", "--frameworks", "reference", "--dataset", "digits", "--regime", regime)
    assert complaint in refused(*asked, "--out", str(bench.out))
    assert not bench.out.exists()


def test_a_run_is_not_resumed_in_another_regime(bench, refused):
    bench.run("reference", "--regime", "native")
    folder = str(bench.only_run())
    complaint = refused("run", "--resume", folder, "--regime", "matched,native")
    assert "was started with other options: --regime was native, not matched,native;" in complaint
    done = bench("run", "--resume", folder, "--regime", "native")
    assert done.returncode == 0, done.stderr
    done = bench("run", "--resume", folder)
    assert done.returncode == 0, done.stderr


def test_a_checkpoint_goes_on_in_no_regime(bench, refused):
    bench.run("reference", "--regime", "native", "--save", "last")
    (file,) = (bench.only_run() / "checkpoints").iterdir()
    asked = ("run", "--from", str(file), "--epochs", "4", "--regime", "native")
    assert "--regime does not apply" in refused(*asked)


def _by_cell(folder):
    records = (json.loads(path.read_text()) for path in (folder / "records").glob("*.json"))
    return {record["identity"]["cell"]: record for record in records}


def test_every_regime_is_trained_recorded_and_reported(bench):
    done = bench.run("opinionated,reference", *ALL, "--seeds", "0,1", "--target", "0.01", *FILES)
    assert done.returncode == 0, done.stderr
    assert "reference: its own defaults are the matched setting with adam" in done.stderr
    records = _by_cell(bench.only_run())
    assert len(records) == 12
    assert {record["status"]["outcome"] for record in records.values()} == {"ok"}
    settings = {
        name: (
            record["identity"]["regime"],
            record["trained_with"]["kernel_initialiser"],
            record["trained_with"]["bias_initialiser"],
        )
        for name, record in records.items()
        if name.startswith("opinionated") and name.endswith("seed0")
    }
    own = "opinionated-cpu-native"
    assert settings == {
        "opinionated-cpu-seed0": ("matched", "pytorch", "pytorch"),
        f"{own}-seed0": ("native", "glorot_uniform", "zeros"),
        f"{own}.kernel-init-seed0": ("native.kernel-init", "glorot_uniform", "pytorch"),
        f"{own}.bias-init-seed0": ("native.bias-init", "pytorch", "zeros"),
    }
    weights = {
        name: record["provenance"]["initial_weights_sha256"] for name, record in records.items()
    }
    assert weights["opinionated-cpu-seed0"] == weights["reference-cpu-native-seed0"]
    assert len({weights[name] for name in settings}) == 4
    for name in ("split_sha256", "order_sha256"):  # a default touches neither
        assert len({field(records[cell], name) for cell in settings}) == 1

    gap = [
        100
        * (
            records[f"{own}-seed{n}"]["learning"]["test_accuracy"]
            - matched["learning"]["test_accuracy"]
        )
        for n in (0, 1)
        for matched in [records[f"opinionated-cpu-seed{n}"]]
    ]
    mean, error = sum(gap) / 2, abs(gap[0] - gap[1]) / 2  # s/√2 of two values
    row = rf"\| opinionated \| native \| .* \| {_signed(mean)} ± {error:.2f} \| 2 of 2 \|"
    report = (bench.only_run() / "report.md").read_text()
    assert re.search(row, report), row
    # The same computation at the same seed, so that there is no gap at all.
    assert re.search(r"\| reference \| native \| .* \| 0.00 ± 0.00 \| 2 of 2 \|", report)
    main, section = report.split("### Regimes")
    assert "NOT AN EQUAL" not in report
    # A row each in the main table, and in each of the tables below it: of matched runs alone.
    tables = main.split("\n### ")
    assert len(tables) > 1
    for table in tables:
        assert table.count("\n| opinionated |") == table.count("\n| reference |") == 1, table
    printed = done.stdout.split("Regimes")[1]
    for text in (printed, section.replace("`", "")):
        assert "by design not an equal comparison" in text
        assert "kernel_initialiser glorot_uniform, matched pytorch" in text
        assert "reference: its own defaults are the matched setting" in text
        assert "native.bias-init" in text
        assert "4 (2 of 2)" in text  # the first epoch's steps reach a target of 1 %
    assert (bench.only_run() / "records.csv").read_text().count(",native.kernel-init,") == 2


def _signed(points):
    shown = f"{points:+.2f}"
    return re.escape("0.00" if shown in ("+0.00", "-0.00") else shown)


def test_native_alone(bench):
    done = bench.run("opinionated", "--regime", "native", *FILES)
    assert done.returncode == 0, done.stderr
    assert "No run here is matched" in done.stdout
    assert "Regimes" in done.stdout
    assert "opinionated" in done.stdout
    assert "No run succeeded" not in done.stdout
    assert "| opinionated | native |" in (bench.only_run() / "report.md").read_text()


def test_a_regime_is_verified_before_it_is_timed(bench):
    done = bench.run("opinionated", "--optimizer", "sgd", *ALL, verified=True)
    assert done.returncode == 0, done.stderr
    records = _by_cell(bench.only_run())
    assert all(record["provenance"]["certificate"]["checks"] for record in records.values())
    # Initial weights are no part of what is examined, so one certificate is for all.
    assert (
        len(
            {
                json.dumps(record["provenance"]["certificate"]["subject"])
                for record in records.values()
            }
        )
        == 1
    )
    assert "Verified against the float64 oracle before timing: opinionated" in done.stdout
    assert "opinionated native" not in done.stdout.split("Regimes")[0]
