"""The site: a start page over runs that are really there, a page for each, nothing else touched."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.results import folders
from bench.results.record import Record
from report.site import figure as site_figure
from report.site.folder import MANIFEST, build_site, claim
from report.site.runs import Kept, RunRead
from report.tables.history import shifts, trends
from tests.report.test_html import NASTY, Outline
from tests.report.test_title_and_card import SETTINGS

pytestmark = pytest.mark.xdist_group("report")  # see test_html.py
Make = Callable[..., Record]


def read(name: str, *records: Record, problems: tuple[tuple[Path, str], ...] = ()) -> RunRead:
    return RunRead(Path("results") / name, records, problems, {})


@pytest.fixture
def run(make: Make) -> Callable[..., RunRead]:
    """A run of three processes of each framework on a day of January 2026, by its number."""

    def made(day: int, speeds: dict[str, float], **changes: object) -> RunRead:
        draw = random.Random(day)
        name = f"2026-01-{day:02}T12-00-00Z-mnist-lenet5"
        records = [
            make(
                run=name,
                run_id=f"{day:032x}",
                cell=f"{framework}-cpu-seed{seed}",
                started_at=f"2026-01-{day:02}T12:00:00Z",
                framework=framework,
                seed=seed,
                images_per_s=speed * draw.gauss(1, 0.004),
                **changes,
            )
            for framework, speed in speeds.items()
            for seed in range(3)
        ]
        return read(name, *records)

    return made


@pytest.fixture
def month(run) -> list[RunRead]:
    """Twenty days; from the 11th on PyTorch is 10 % faster. A last run is of Flax alone."""
    days = [run(day, {"torch": 1000 * (1 + (day > 10) / 10), "keras": 500}) for day in range(1, 21)]
    return [*days, run(21, {"flax": 700})]


def test_change_points_of_trends(month) -> None:
    found = {
        one.framework: shifts(one)
        for one in trends([record for of in month for record in of.records])
    }
    assert found["keras"] == found["flax"] == ()
    (shift,) = found["torch"]
    assert shift.run.startswith("2026-01-11")
    assert shift.ratio.estimate == pytest.approx(1.1, rel=0.01)
    assert shift.ratio.interval is not None
    assert shift.ratio.interval.low > 1.05


def test_what_is_kept_has_the_same_trends(month) -> None:
    """Though most of the records is gone."""
    kept, whole = Kept(), [record for of in month for record in of.records]
    for of in month:
        kept.add(of.records)
    assert [one.points for one in trends(kept.records)] == [one.points for one in trends(whole)]
    assert kept.records[0].provenance.certificate is None
    assert kept.records[0].settings is kept.records[-1].settings


def test_a_site_is_whole_and_its_links_lead_somewhere(month, tmp_path) -> None:
    out = tmp_path / "site"
    build_site(out, month, [])
    text = (out / "index.html").read_text(encoding="utf-8")
    outline = Outline(text)
    links = [of["href"] or "" for tag, of in outline.attributes if tag == "a"]
    pages = [link for link in links if not link.startswith("#")]
    assert len(pages) == 21
    assert all((out / link).is_file() for link in pages)
    assert pages[0] == "runs/2026-01-21T12-00-00Z-mnist-lenet5/report.html"  # the newest first
    identifiers = {of["id"] for _, of in outline.attributes if "id" in of}
    assert {link[1:] for link in links if link.startswith("#")} <= identifiers
    assert "21 runs on 1 machine, 2026-01-01 to 2026-01-21" in text
    assert not re.search(r"(?:src|href)=\"?https?:", text)
    assert "1.10" in text
    report = (out / pages[0]).read_text(encoding="utf-8")
    assert "flax</bdi> alone: " in report
    assert "by itself, draws them" in report


def test_a_run_that_was_interrupted_is_not_the_whole_run(month, tmp_path, make) -> None:
    begun = make(run="begun").model_copy(update={"run_settings": replace(SETTINGS, seeds=(0, 1))})
    build_site(tmp_path / "site", [*month[-1:], read("begun", begun)], [])
    rows = (tmp_path / "site" / "index.html").read_text(encoding="utf-8").split("<tr")
    assert ["begun" in row for row in rows if "not the whole run" in row] == [True]


@pytest.mark.parametrize(
    ("dates", "label", "told"),
    [
        (("2026-11-30T17:25", "2026-11-30T17:31"), "Time of the run on 2026-11-30", "17:25 17:31"),
        (("2026-11-29T17:25", "2026-11-30T17:31"), "Date of the run", "2026-11-29 2026-11-30"),
        (
            ("2026-11-29T17:25", "2026-11-29T17:31", "2026-11-30T09:00"),
            "Date of the run",
            "2026-11-29\n17:25 2026-11-29\n17:31 2026-11-30\n09:00",
        ),
        (("2026-11-30T17:25",), "Date of the run", "2026-11-30"),
    ],
)
def test_the_axis_of_time_tells_runs_apart(dates, label, told) -> None:
    found, ticks = site_figure._times([f"{each}:00+00:00" for each in dates], range(len(dates)))
    assert found == f"{label} (UTC)"
    assert list(ticks.items()) == list(enumerate(told.split(" ")))


def test_the_newest_runs_have_figures(month, tmp_path) -> None:
    build_site(tmp_path / "site", month[-2:], [month[-2].folder])
    drawn = [
        "<svg" in path.read_text(encoding="utf-8")
        for path in sorted((tmp_path / "site" / "runs").glob("*/report.html"))
    ]
    assert drawn == [True, False]


def test_a_folder_that_holds_something_else_is_refused(month, tmp_path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match=r"holds something else, such as thesis\.tex: give a new"):
        claim(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    (tmp_path / MANIFEST).write_text('{"program": "another"}')
    with pytest.raises(UsageError, match="holds something else"):
        build_site(tmp_path, month[:1], [])
    with pytest.raises(UsageError, match="is a file"):
        claim(tmp_path / "thesis.tex")


def test_pages_of_runs_that_are_gone_are_removed_and_nothing_else(month, tmp_path) -> None:
    out = tmp_path / "site"
    build_site(out, month[:3], [])
    (out / "CNAME").write_text("example.org")
    (out / "runs" / month[0].folder.name / "mine.txt").write_text("mine")
    content = json.loads((out / MANIFEST).read_text())
    victim = tmp_path / "report.html"
    victim.write_text("not of the site")
    content["pages"] += ["runs/../report.html", "../report.html", str(victim)]
    (out / MANIFEST).write_text(json.dumps(content))
    build_site(out, month[2:3], [])
    left = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert left == [
        "CNAME",
        "index.html",
        f"runs/{month[0].folder.name}/mine.txt",
        f"runs/{month[2].folder.name}/report.html",
        "site.json",
    ]
    assert victim.read_text() == "not of the site"


def test_runs_that_are_called_alike_have_a_page_each(run, tmp_path) -> None:
    first, second = run(1, {"torch": 1.0}), run(2, {"keras": 1.0})
    again = RunRead(Path("elsewhere") / first.folder.name, second.records, (), {})
    build_site(tmp_path / "site", [first, again], [])
    names = sorted(path.name for path in (tmp_path / "site" / "runs").iterdir())
    assert names == [first.folder.name, f"{first.folder.name}-2"]


def test_hostile_names_are_text(run, tmp_path) -> None:
    of = run(1, {NASTY: 100.0, "torch": 1.0}, machine_cpu=NASTY, dataset=NASTY, fit=NASTY)
    hostile = read("a\"b'<b>&<script>#?%2e", *of.records, problems=((Path(NASTY), NASTY),))
    build_site(tmp_path / "site", [hostile], [])
    text = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert Outline(text).tags.count("script") == 1
    assert "<b>" not in text.replace("<bdi>", "")
    (link,) = re.findall(r'href="(runs/[^"]+)"', text)
    assert re.fullmatch(r"[\w/.%-]+", link)


def test_nothing_to_show(tmp_path) -> None:
    broken = read("a", problems=((Path("a/records/x.json"), "not whole JSON"),))
    build_site(tmp_path / "site", [broken], [])
    text = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "No run has a record." in text
    assert "not whole JSON" in text


def test_run_folders_are_found(tmp_path) -> None:
    for name in ("b", "a"):
        (tmp_path / name / "records").mkdir(parents=True)
    (tmp_path / "notes").mkdir()
    assert folders.run_folders([tmp_path]) == [tmp_path / "a", tmp_path / "b"]
    assert folders.run_folders([tmp_path / "a", tmp_path]) == [tmp_path / "a", tmp_path / "b"]
