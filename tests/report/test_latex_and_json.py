from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.results.record import Record
from report.analysis.comparison import compare
from report.analysis.configurations import distinct
from report.formats.json_document import document
from report.formats.latex import escaped, latex
from report.report_data import ReportData
from tests.golden_texts import assert_golden

GOLDEN = Path(__file__).parent / "golden"
Make = Callable[..., Record]
NASTY = r"\input{/etc/passwd} $x$ 100% a_b^c & # ~ {" + "\n" + "\x1b[31m"


def test_special_characters_are_set_as_they_are() -> None:
    assert escaped("100% & a_b #1") == r"100\% \& a\_b \#1"
    assert escaped(r"\x{y}") == r"\textbackslash{}x\{y\}"
    assert escaped("a -- b ''c") == "a -{}- b '{}'c"
    assert escaped("1–2 ± 3") == r"1--2 \ensuremath{\pm} 3"


@given(st.text())
def test_no_text_breaks_out(text: str) -> None:
    done = escaped(text)
    bare = re.sub(r"\\[{}$&#%_]", "", done)
    bare = re.sub(
        r"\\(?:text|char|ensuremath|pm|times|cdot|le|ge|ldots|surd|varepsilon)\w*", "", bare
    )
    assert not re.search(r"[\\$&#%_^~]", bare)
    assert bare.count("{") == bare.count("}")
    assert "\n" not in done


def test_tables_have_booktabs_and_whole_rows(windows: list[Record]) -> None:
    text = latex(ReportData.of(windows))
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") > 4
    for of, body in re.findall(
        r"\\begin{tabular}{@{}([lr]+)@{}}(.*?)\\end{tabular}", text, re.DOTALL
    ):
        assert [rule in body for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [True] * 3
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert len(rows) >= 2
        assert all(len(re.findall(r"(?<!\\)&", row)) == len(of) - 1 for row in rows)
    assert r"torch & 2.9.1 & 98.10 \ensuremath{\pm} 0.08 & 4 (8 runs) & 10,050" in text
    labels = re.findall(r"\\label{([^}]+)}", text)
    assert len(set(labels)) == len(labels)


def test_hostile_names_stay_text(make: Make) -> None:
    text = latex(ReportData.of([make(framework=NASTY, dataset=NASTY, seed=s) for s in (0, 1)]))
    assert r"\input" not in text
    assert r"\textbackslash{}input\{/etc/passwd\}" in text
    assert "No records" in latex(ReportData())


def test_the_whole_of_latex(windows: list[Record], frozen: list[Record]) -> None:
    assert_golden(GOLDEN / "report.tex", latex(ReportData.of([*windows, *frozen])))


def test_json_is_read_by_people_too() -> None:
    assert document(ReportData()).startswith('{\n "')


def test_json_holds_records_and_rows(frozen: list[Record]) -> None:
    read = json.loads(document(ReportData.of(frozen, problems=[(Path("a.json"), "torn")])))
    assert [Record.model_validate(one) for one in read["records"]] == distinct(frozen)
    assert read["problems"] == [{"file": "a.json", "reason": "torn"}]
    first = compare(frozen)[0]
    of = read["comparisons"][0]
    assert of["setup"]["settings"]["dataset"] == first.setup.settings.dataset
    assert [row["speed"]["images_per_s"] for row in of["rows"]] == [
        row.images_per_s for row in first.rows
    ]
    assert of["verdict"]["headline"].startswith("torch is the fastest")
    assert len(of["records"]) == len(first.everything)


@pytest.mark.xdist_group("report")
def test_each_format_has_its_files(report) -> None:
    folder, paths = report("regimes")
    assert [path.name for path in paths] == [
        *("report.html", "figures", "report.md", "records.csv", "epochs.csv"),
        *("report.tex", "report.json"),
    ]
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in paths)
