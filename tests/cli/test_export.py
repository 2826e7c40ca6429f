"""`bench export`, `bench run --mlflow`, `--format parquet`: what is refused, and what is kept."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from unittest import mock

import pytest

FROZEN = Path(__file__).parents[1] / "report" / "frozen-windows"
REAL = importlib.util.find_spec
needs_mlflow = pytest.mark.skipif(
    REAL("mlflow") is None,
    reason="MLflow is not installed: tox -e exports",
)


def without(*names: str):
    """As where these are not installed."""
    return mock.patch.object(
        importlib.util, "find_spec", lambda name, *of: None if name in names else REAL(name, *of)
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--mlflow", "mlruns"), "--mlflow needs mlflow: pip install 'lenet-bench[mlflow]'"),
        (("--mlflow", "localhost:5000"), "is no place for runs of MLflow"),
        (("--format", "md,parquet"), "needs pyarrow: pip install 'lenet-bench[parquet]'"),
    ],
)
def test_a_run_that_cannot_export_does_not_begin(bench, options, said):
    with without("mlflow", "pyarrow"):
        done = bench.run("reference", *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert not bench.out.exists()


def test_export_without_mlflow_or_records_is_refused(refused, tmp_path):
    with without("mlflow"):
        assert "pip install" in refused("export", str(FROZEN), "--mlflow", "mlruns")
    with mock.patch.object(importlib.util, "find_spec", return_value=object()):
        assert "no records in" in refused("export", str(tmp_path), "--mlflow", "mlruns")


@pytest.mark.skipif(REAL("pyarrow") is None, reason="pyarrow is not installed: tox -e exports")
def test_a_report_in_parquet(bench, tmp_path):
    done = bench("report", str(FROZEN), "--format", "parquet", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.glob("*.parquet")} == {
        "records.parquet",
        "epochs.parquet",
    }


@needs_mlflow
def test_a_run_is_exported_at_its_end_and_not_again(bench, tmp_path):
    place = f"sqlite:///{tmp_path}/mlflow.db"
    done = bench.run("reference", "--mlflow", place)
    assert done.returncode == 0, done.stderr
    assert f"exported 1 cells to {place}" in done.stderr
    again = bench("export", str(bench.only_run()), "--mlflow", place, "--share")
    assert again.returncode == 0, again.stderr
    assert "exported 0 cells" in again.stdout
    assert "1 were already there" in again.stdout
    assert "Taken out for sharing" in again.stdout


@needs_mlflow
def test_a_run_outlives_a_server_that_is_not_there(bench):
    bench.env["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    done = bench.run("reference", "--mlflow", "http://127.0.0.1:9")
    assert done.returncode == 2
    (complaint,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "did not take the records" in complaint
    assert f"bench export {bench.only_run()} --mlflow http://127.0.0.1:9" in complaint
    assert len(list(bench.only_run().glob("records/*.json"))) == 1
    bench.complaints.clear()  # the library's words are no text of ours
