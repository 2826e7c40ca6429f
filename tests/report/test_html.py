"""The page is whole, in order, and made of escaped text."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from statistics import median

import pytest

from bench.results.record import Record
from report.analysis.comparison import compare
from report.analysis.configurations import distinct
from report.build import build
from report.formats import html_parts
from report.formats.csv_files import csv_files
from report.formats.data_dictionary import entries
from report.formats.html import page
from report.report_data import ReportData
from report.tables.sections import Section, Table
from report.wording.notes import plain_note
from report.wording.titles import titles

# The reports that several files of tests read are made once, so they share a process.
pytestmark = pytest.mark.xdist_group("report")

Make = Callable[..., Record]
NASTY = "a\"b'<b>&amp;</td></script><script>alert(1)</script><!-- \x1b[31m{{ 7*7 }}" + "x" * 300
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Outline(HTMLParser):
    """Tags in their order; a tag that is not closed, or closed twice, is an error."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch(r"h\d", tag):
            self.headings.append((tag, ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if any(re.fullmatch(r"h\d", tag) for tag in self.open):
            level, text = self.headings[-1]
            self.headings[-1] = (level, text + data)


def html(records: list[Record], **others: object) -> str:
    return page(ReportData.of(records, **others), csv_files(records)).html


@pytest.fixture
def of_windows(report) -> str:
    """The page over `windows`."""
    return report("windows").page.read_text(encoding="utf-8")


def test_parts_stand_in_their_order(report) -> None:
    headings = Outline(report("regimes").page.read_text(encoding="utf-8")).headings
    first = [text for _, text in headings[: [h for h, _ in headings].index("h2", 2)]]
    assert first[1].startswith("mnist · lenet5 · cpu · target 97 % · machine ")
    assert first[2:5] == ["Verdict", "Results", "Figures"]
    assert first.index("Certificate of equivalence") < first.index("Regimes")
    assert first[-1] == "What failed, and why"
    assert [text for level, text in headings if level == "h2"][-2:] == [
        "Raw data",
        "Share and cite",
    ]
    assert [h for h, _ in headings].count("h1") == 1


def test_links_lead_somewhere_and_names_are_unique(of_windows: str) -> None:
    outline = Outline(of_windows)
    identifiers = [of["id"] for _, of in outline.attributes if "id" in of]
    assert len(set(identifiers)) == len(identifiers)
    links = [of["href"] or "" for tag, of in outline.attributes if tag == "a"]
    inner = {link[1:] for link in links if link.startswith("#")}
    assert inner <= set(identifiers)
    assert all(link.startswith(("#", "data:")) for link in links)
    labels = [
        of["aria-labelledby"] or "" for _, of in outline.attributes if "aria-labelledby" in of
    ]
    assert {name for label in labels for name in label.split()} <= set(identifiers)


def test_nothing_comes_from_elsewhere(of_windows: str) -> None:
    for tag, of in Outline(of_windows).attributes:
        assert tag not in {"img", "link", "iframe", "object"}
        assert "src" not in of
    assert not re.search(r"@import|url\((?!#)", of_windows)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', of_windows)
    script = re.search(r"<script>(.*?)</script>", of_windows, re.DOTALL)
    assert policy
    assert script
    digest = base64.b64encode(hashlib.sha256(script.group(1).encode()).digest()).decode()
    assert policy.group(1).startswith("default-src 'none'")
    assert f"script-src &#39;sha256-{digest}&#39;" in policy.group(1) or (
        f"script-src 'sha256-{digest}'" in policy.group(1)
    )


def test_tables_are_whole(of_windows: str) -> None:
    tables = re.findall(r"<table>.*?</table>", of_windows, re.DOTALL)
    assert len(tables) > 8
    for table in tables:
        assert re.search(r"<caption[^>]*>.+?</caption>", table, re.DOTALL)
        count = len(re.findall(r'<th scope="col"', table))
        for row in re.findall(r"<tr>(.*?)</tr>", table.partition("<tbody>")[2], re.DOTALL):
            assert len(re.findall(r"<t[hd][ >]", row)) == count
            assert len(re.findall(r'<th scope="row"', row)) == 1


def test_nasty_names_leave_the_page_whole(make: Make, failed: Make) -> None:
    names = ("framework", "dataset", "model", "fit", "run", "cell", "started_at")
    nasty = [
        make(**dict.fromkeys(names, NASTY), machine_cpu=NASTY, versions={NASTY: NASTY}),
        failed(**dict.fromkeys(names, NASTY), seed=1, reason=NASTY, machine_cpu=NASTY),
    ]
    plain = {name: f"tame-{name}" for name in names}
    tame = [
        make(**plain, machine_cpu="tame", versions={"a": "b"}),
        failed(**plain, seed=1, reason="tame", machine_cpu="tame"),
    ]
    problems = [(Path(NASTY), NASTY)], [(Path("a"), "b")]
    text, tame_text = (
        html(of, problems=problem) for of, problem in zip((nasty, tame), problems, strict=True)
    )

    def shape(tags: list[str]) -> list[str]:  # how often a figure's text is wrapped may differ
        return [tag for tag in tags if tag in {"section", "table", "tr", "td", "script", "li", "b"}]

    assert shape(Outline(text).tags) == shape(Outline(tame_text).tags)
    assert "<script>alert" not in text
    assert "\x1b" not in text
    assert "49xxx" not in text


def test_raw_data_are_in_the_page(windows: list[Record], of_windows: str) -> None:
    found = dict(
        re.findall(
            r'download="([^"]+)" href="data:text/csv;charset=utf-8;base64,([^"]+)"', of_windows
        )
    )
    ordered = distinct(windows)
    for name, text in csv_files(ordered).items():
        assert base64.b64decode(found[name]).decode() == text
    assert len(ordered) == len(windows)


def test_large_data_are_compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_parts, "PLAIN_DOWNLOAD_BYTES", 10)
    link = html_parts.download("records.csv", "a,b\n" * 1000)
    assert link["name"] == "records.csv.gz"
    data = base64.b64decode(str(link["href"]).partition("base64,")[2])
    assert gzip.decompress(data).decode() == "a,b\n" * 1000


def test_every_column_of_the_data_has_a_meaning(windows: list[Record]) -> None:
    of = entries()
    for name, text in csv_files(windows).items():
        assert [one.column for one in of if one.file == name] == text.splitlines()[0].split(",")
    assert all(len(one.meaning) > 3 for one in of)
    assert {one.form for one in of} == {"text", "number", "whole number", "True or False", "JSON"}
    units = {one.column: one.unit for one in of}
    assert (units["images_per_s"], units["gflop_per_s"]) == ("images/s", "GFLOP/s")
    assert (units["wall_s"], units["peak_rss_bytes"], units["epochs"]) == ("s", "bytes", "")


def test_commands_are_the_typed_ones_where_they_are_known(make: Make) -> None:
    record = make(run="here", framework="torch")
    typed = html([record], typed={"here": ("run", "--dataset", "it's <b>")})
    assert "as typed, run <bdi>here</bdi>" in typed
    assert "<span>--dataset &#39;it&#39;&#34;&#39;&#34;&#39;s &lt;b&gt;&#39;</span>" in typed
    assert "made of what the records say" in html([record])


@pytest.mark.parametrize(
    ("shown", "key"),
    [
        ("12,346", 12346.0),
        ("98.10 ± 0.10", 98.1),
        ("1.23e-05", 1.23e-5),
        ("-0.45 ± 0.15", -0.45),
        ("9.60 (3/3)", 9.6),
        ("not reached (0/3)", 1e300),
    ],
)
def test_numbers_sort_by_their_value(shown: str, key: float) -> None:
    assert float(html_parts.sort_key(shown)) == key


def test_what_is_more_sorts_behind_and_nothing_sorts_nowhere() -> None:
    assert float(html_parts.sort_key("> 21.0 (1/3)")) > float(html_parts.sort_key("21.0 (3/3)"))
    assert html_parts.sort_key("–") == ""


def test_sparse_records_give_a_page(make: Make, failed: Make) -> None:
    lists = {name: [] for name in ("train_loss", "val_loss", "val_accuracy", "epoch_s")}
    cases = {
        "nothing to show": [],
        "No run succeeded": [failed(), failed(framework="flux", outcome="timeout")],
        "alone was measured": [make()],
        "over 2 processes": [make(seed=0), make(seed=1)],
        "One seed": [make(), make(framework="keras")],
        "images a second": [make(**lists, throughput_only=True, test_accuracy=None)],
    }
    for said, records in cases.items():
        text = html(records)
        Outline(text)
        assert said in text


def test_titles_tell_comparisons_apart(windows: list[Record], make: Make) -> None:
    shown = ["".join(getattr(p, "text", p) for p in t) for t in titles(compare(windows))]
    assert shown == [
        "mnist · lenet5 · cpu · batch 64",
        "mnist · lenet5 · cpu · batch 128 · speed only",
    ]
    other = compare([make(), make(machine_fingerprint="f" * 64, threads=1)])
    assert len({repr(title) for title in titles(other)}) == 2
    speed = compare([make(), make(throughput_only=True, machine_fingerprint="f" * 64)])
    of_training, of_speed = (plain_note(title) for title in titles(speed))
    assert re.fullmatch(r"mnist · lenet5 · cpu · machine \w{12}…", of_training)
    assert re.fullmatch(r"mnist · lenet5 · cpu · machine \w{12}… · speed only", of_speed)


def test_the_same_records_give_the_same_page(report, windows, problems, tmp_path: Path) -> None:
    first = report("windows")
    build(ReportData.of(windows[::-1], problems=problems), tmp_path, formats=["html"])
    page = first.page.read_bytes()
    assert page == (tmp_path / "report.html").read_bytes()
    drawn = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert drawn == {path.name: path.read_bytes() for path in (first.folder / "figures").iterdir()}
    assert {name.partition(".")[2] for name in drawn} == {"svg", "png"}
    speeds = [
        r.throughput.images_per_s or 0
        for r in windows
        if (r.identity.framework, r.identity.batch_size) == ("torch", 64)
    ]
    assert f">{median(speeds):,.0f}<" in page.decode()


def test_of_many_figures_only_the_first_are_drawn(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("report.figures.gallery.MOST_FIGURES", 1)
    records = [make(batch_size=size, seed=seed) for size in (32, 64) for seed in (0, 1)]
    text = html(records)
    assert text.count("None here, since there are many") == 1
    first, second = text.split('class="comparison"')[1:]
    assert "<figure>" in first
    assert "<figure>" not in second.partition('id="across"')[0]


def test_failures_are_told_once(make: Make, failed: Make) -> None:
    assert html([make(), failed(seed=7, reason="it broke here")]).count("it broke here") == 1


def test_only_a_caption_that_the_heading_says_already_is_hidden() -> None:
    columns = Table((), ())
    one, two = (
        html_parts.section(Section("Speed", (columns,) * count), {})["tables"] for count in (1, 2)
    )
    assert [table["is_titled"] for table in (*one, *two)] == [True, False, False]
