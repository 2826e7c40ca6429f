"""`bench report` with its formats, on a run of the reference implementation."""

from __future__ import annotations

import html
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import TINY, Bench

FROZEN = Path(__file__).parents[1] / "report" / "frozen-windows"


@pytest.fixture(scope="module")
def original(tmp_path_factory, data, decoded):
    """A run, made once; tests have copies of it."""
    made = Bench(tmp_path_factory.mktemp("original"), data, decoded)
    made.run("reference", "--format", "html")
    return made.only_run()


@pytest.fixture
def run(bench, original):
    return Path(shutil.copytree(original, bench.out / original.name))


def test_a_run_ends_with_a_page_that_says_how_it_was_started(bench, run):
    text = (run / "report.html").read_text()
    assert "reference</bdi> alone was measured" in text
    (command,) = re.findall(r"<code>(.*?)</code>", text)
    typed = shlex.split(html.unescape(re.sub(r"</?span>", "", command)))
    assert typed[:4] == ["python", "-m", "bench", "run"]
    assert typed[3:] == json.loads((run / "run.json").read_text())["command"]


def test_a_reader_that_has_gone_takes_nothing_along(bench):
    """As after `| head -1`: the report is written all the same."""
    reader, writer = os.pipe()
    os.close(reader)
    call = ("run", "--frameworks", "reference", "--out", str(bench.out), *TINY, "--unverified")
    with open(writer, "w") as closed:
        done = subprocess.run(
            bench.command(*call, "--json", "--format", "md"),
            env=bench.env,
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (bench.only_run() / "report.md").is_file()


def test_a_full_disk_takes_no_table_along(bench, full_disk):
    """There is room for the record, and none for the report."""
    folder = full_disk(1 << 18, filled=0)
    call = ("run", "--frameworks", "reference", "--out", str(folder), *TINY, "--unverified")
    done = bench(*call, "--save", "none", "--format", "html,md,csv")
    assert done.returncode == 2, done.stderr
    assert "reference" in done.stdout
    assert "images/s" in done.stdout.lower()
    complaint = next(line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert "cannot write the report to" in complaint
    assert "No space left on device" in complaint
    assert len(list(folder.glob("*/records/*.json"))) == 1


def _flat(plan):
    return plan | plan["settings"] | {"settings": None}


def test_the_command_made_of_records_plans_the_same(bench, run, tmp_path):
    record = next((run / "records").glob("*.json"))
    done = bench("report", str(record), "--out", str(tmp_path / "one"), "--format", "html")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "one" / "report.html").read_text()
    (command,) = re.findall(r"<code>(.*?)</code>", text)
    made = shlex.split(html.unescape(re.sub(r"</?span>", "", command)))[3:]
    again = bench(*made, "--dry-run", "--json")
    assert again.returncode == 0, again.stderr
    planned = _flat(json.loads(again.stdout)["plan"])
    first = _flat(json.loads((run / "run.json").read_text())["plan"])
    asked_otherwise = {"save", "save_every", "timeout_s", "windows", "window_s", "data_root"}
    differing = {name for name in first if first[name] != planned[name]}
    assert differing <= asked_otherwise


def test_formats_are_those_asked_for(bench, run, tmp_path):
    done = bench("report", str(run), "--out", str(tmp_path / "x"), "--format", "latex,json")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["report.json", "report.tex"]
    assert "report.tex" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--format", "docx"), "unknown format 'docx': choose from html, md, csv, latex, json"),
        (("--format", ","), "names no format"),
        (("--out", __file__), "test_report.py is a file: give a folder"),
        (("--format", "md", "--open"), "--open shows the HTML report: add html to --format"),
    ],
)
def test_wrong_formats(bench, tmp_path, options, said):
    done = bench("report", str(tmp_path), *options)
    assert done.returncode == 2
    assert said in done.stderr


def test_open_shows_the_page(bench, run, tmp_path):
    shown, browser = tmp_path / "shown", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {shown}\n')
    browser.chmod(0o755)
    bench.env["BROWSER"] = str(browser)
    done = bench("report", str(run), "--open")
    assert done.returncode == 0, done.stderr
    assert shown.read_text().strip() == (run / "report.html").as_uri()


def test_a_baseline_is_followed_in_every_format(bench, tmp_path):
    out = tmp_path / "told"
    formats = ("--format", "html,md,csv,latex,json", "--out", str(out))
    done = bench("report", str(FROZEN), "--baseline", "keras", *formats)
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "report.json").read_text())["comparisons"]
    assert {one["baseline"] for one in found} == {"keras"}
    for one in found:
        speed = next(of for of in one["contrasts"] if of["metric"] == "images_per_s")
        to_keras = [of for of in speed["contrasts"] if of["to"]["framework"] == "keras"]
        ratios = {of["framework"]: of["effect"]["estimate"] for of in to_keras}
        assert ratios.keys() == {row["framework"] for row in one["rows"]} - {"keras"}
        assert min(ratios.values()) > 1  # keras is the slowest
        assert f"{ratios['torch']:.3f} times as fast as keras" in str(one["verdict"])
        for name in ("report.md", "report.tex", "report.html"):
            text = html.unescape(re.sub(r"</?bdi>|`", "", (out / name).read_text()))
            assert f"{ratios['torch']:.3f}" in text, name
            assert "images/s to that of keras" in text, name
    assert "images/s to that of keras" in " ".join(done.stdout.split())


def test_an_unknown_baseline_is_refused(refused, tmp_path):
    complaint = refused("report", str(FROZEN), "--baseline", "pytorch", "--out", str(tmp_path))
    assert "the baseline 'pytorch' has no images_per_s" in complaint
    assert "choose from keras, torch, torch:compile" in complaint
    assert not list(tmp_path.iterdir())


def test_what_is_no_record_is_refused_and_nothing_is_written(refused, tmp_path):
    (tmp_path / "README.md").write_text("# No record\n")
    complaint = refused("report", str(tmp_path / "README.md"), "--out", str(tmp_path / "out"))
    assert "no record can be read: " in complaint
    assert "README.md" in complaint
    assert not (tmp_path / "out").exists()


def test_a_shared_report_lies_in_a_folder_of_its_own_and_says_what_it_lacks(bench, run, original):
    before = (run / "report.html").read_bytes()
    done = bench("report", str(run), "--share", "--format", "md,json")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (run / "shared").iterdir()) == ["report.json", "report.md"]
    assert (run / "report.html").read_bytes() == before
    said = done.stdout.splitlines()[-1]
    assert said.startswith("Taken out for sharing: ")
    for path in (run / "shared").iterdir():
        text = path.read_text(encoding="utf-8")
        assert not any(str(folder.parent) in text for folder in (run, original))
        assert said[:60] in text


def test_a_site_over_runs(bench, run, original, tmp_path):
    site = tmp_path / "site"
    done = bench("report", str(run.parent), "--site", str(site), "--share")
    assert done.returncode == 0, done.stderr
    assert f"wrote {site / 'index.html'}" in done.stdout
    assert (site / "runs" / run.name / "report.html").is_file()
    text = (site / "index.html").read_text()
    assert not any(str(folder.parent) in text for folder in (run, original))
    (run / "records" / "broken.json").write_text("{")
    again = bench("report", str(run.parent), "--site", str(site))
    assert again.returncode == 1
    assert "1 files could not be read: the start page names them." in again.stdout
    assert "broken.json" in (site / "index.html").read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--out", "x"), "--out is for one report, and --site for many: give one of them"),
        (("--format", "md"), "--format is for one report"),
        (("--baseline", "torch"), "--baseline is for one report"),
    ],
)
def test_a_site_is_no_report(refused, tmp_path, options, said):
    assert said in refused("report", str(FROZEN), "--site", str(tmp_path / "s"), *options)


def test_a_folder_with_something_else_becomes_no_site(refused, tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    complaint = refused("report", str(FROZEN), "--site", str(tmp_path))
    assert "holds something else, such as thesis.tex" in complaint
    assert "there are no runs in" in refused(
        "report", str(tmp_path), "--site", str(tmp_path / "new")
    )
    assert not (tmp_path / "new").exists()
