"""`bench profile`, with the reference as the framework."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from bench.cli.commands.speed import profile as command
from bench.results.step_profile import Profiles
from tests.results.test_step_profile import clean, profile

FROZEN = Path(__file__).parents[1] / "report" / "frozen-windows"
SMALL = (
    *("profile", "--frameworks", "reference", "--batch-size", "4", "--optimizer", "sgd"),
    *("--threads", "1"),
)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Where they are kept, for all tests: the same is certified in each."""
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture
def bench(bench, certificates):
    bench.env["LENET_BENCH_CACHE"] = str(certificates)
    return bench


def test_it_prints_and_keeps_every_part(bench):
    done = bench(*SMALL, "--rounds", "3", "--out", str(bench.out))
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    for words in ("conv2", "backward, to the inputs", "whole step", "not explained", "by 3 of 3"):
        assert words in said, words
    folder = bench.only_run()
    names = {path.name for path in folder.iterdir()}
    assert names == {"profile.json", "profile.csv", "profile.html", "figures", "reference.log"}
    (one,) = json.loads((folder / "profile.json").read_text())["profiles"]
    assert (len(one["rounds"]), one["batch_size"]) == (3, 4)
    rows = list(csv.DictReader((folder / "profile.csv").read_text().splitlines()))
    parts = [(row["layer"], row["part"]) for row in rows]
    assert len(parts) == len(set(parts)) == 21
    assert parts[:3] == [("", "gather"), ("conv1", "forward"), ("conv1", "parameters")]
    assert 0.2 < sum(float(row["share_of_step"]) for row in rows) < 5
    page = (folder / "profile.html").read_text()
    assert "conv1, forward" in page[page.index("<svg") :]


def test_a_report_shows_it_by_itself_and_below_a_run(bench, tmp_path):
    kept = bench.out / "profiled" / "profile.json"
    kept.parent.mkdir(parents=True)
    several = Profiles(command=("profile",), profiles=(profile(clean()),))
    kept.write_text(several.model_dump_json())
    alone = bench("report", str(kept.parent), "--format", "md", "--out", str(tmp_path / "a"))
    assert alone.returncode == 0, alone.stderr
    assert "Where the time of a training step goes: torch" in alone.stdout
    assert "backward, to the inputs" in (tmp_path / "a" / "report.md").read_text()
    together = bench(
        "report", str(FROZEN), str(bench.out), "--format", "md", "--out", str(tmp_path)
    )
    assert together.returncode == 0, together.stderr
    text = (tmp_path / "report.md").read_text()
    assert 0 < text.index("images/s") < text.index("## Where the time of a training step goes")
    kept.write_text("{")
    broken = bench("report", str(FROZEN), str(bench.out), "--format", "md", "--out", str(tmp_path))
    assert broken.returncode == 1
    assert "profile.json" in broken.stdout


def test_where_it_is_interrupted_before_anything_is_found_nothing_is_left(bench, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_profiled", interrupted)
    done = bench(*SMALL, "--out", str(bench.out))
    assert done.returncode == 130
    assert "interrupted after 0 of 1" in done.stderr
    assert list(bench.out.iterdir()) == []


def test_as_json_it_prints_one_document(bench):
    done = bench(*SMALL, "--rounds", "1", "--format", "none", "--json", "--out", str(bench.out))
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(done.stdout)["profiles"]
    assert one["rounds"][0]["seconds"]["step"] > 0
    assert not (bench.only_run() / "profile.html").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--frameworks", "pytorch"), "unknown framework 'pytorch'"),
        (("--batch-size", "0"), "--batch-size 0 is too small: give 1 or more"),
        (("--rounds", "0"), "--rounds 0 is too small"),
        (("--channels", "2"), "--channels 2 is not possible: give 1 or 3"),
        (("--activation", "rrelu"), "such a network is not cut"),
        (("--format", "md"), "unknown format of a profile 'md': choose from html, csv, none"),
        (("--device", "tpu"), "unknown device 'tpu'"),
        (("--optimizer", "lamb"), "lamb"),
    ],
)
def test_what_cannot_be_asked_for_is_said(bench, tmp_path, arguments, said):
    done = bench("profile", *arguments, "--out", str(tmp_path / "none"))
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "none").exists()


def test_an_adapter_without_parts_is_left_out_and_told(bench, monkeypatch):
    from bench.contract import AdapterBase
    from impls.reference.adapter import ReferenceAdapter

    monkeypatch.setattr(ReferenceAdapter, "step_part", AdapterBase.step_part)
    done = bench(*SMALL, "--rounds", "2", "--out", str(bench.out))
    assert done.returncode == 1
    assert "the adapter has no step_part" in done.stderr
    assert "left out" in done.stdout
