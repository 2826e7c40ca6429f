"""Profiles as a table, a heat map, CSV and a page."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from bench.results.step_profile import Profiles, Round
from report.build import build
from report.figures.step_profile import heat_map
from report.formats.step_profile import files
from report.report_data import ReportData
from report.tables.step_profile import keys, lines, section
from tests.report.every_format import PLAIN
from tests.results.test_step_profile import clean, profile, seconds


def named(name, rounds=None, **changed):
    made = profile(clean() if rounds is None else rounds, **changed)
    return made.model_copy(update={"framework": name})


def texts(found):
    return " ".join(
        "".join(part if isinstance(part, str) else part.text for part in note)
        for note in section(found).notes
    )


def test_parts_and_what_they_leave_are_a_whole_step():
    slow = named("flax", [Round(seconds=seconds(2.0), disturbed=False)] * 8)
    told = [named("torch"), slow]
    rows = {(line.layer, line.what): line for line in lines(told)}
    assert len(rows) == len(keys(told)) + 3
    for name in ("torch", "flax"):
        whole, left, parts = (
            float(rows["", what].cells[name])
            for what in ("whole step", "not explained", "all parts together")
        )
        assert whole == pytest.approx(parts + left, rel=0.01)
    assert float(rows["conv2", "forward"].cells["flax"]) == 2.0


def test_the_notes_say_who_is_left_out_and_why():
    disturbed = named("keras", [Round(seconds=seconds(), disturbed=True)] * 7)
    absent = named("flux", [], reason="unavailable: no Julia <here>")
    said = texts([named("torch"), disturbed, absent])
    assert "torch: the parts together are 11" in said
    assert "keras: disturbed, 0 of 7 rounds clean" in said
    assert "flux: left out: unavailable: no Julia <here>." in said
    assert section([disturbed, absent]).tables == ()


def test_the_heat_map_holds_the_milliseconds():
    told = [named("torch"), named("flax")]
    (mesh,) = heat_map(told, "profile").axes.collections
    values = np.asarray(mesh.get_array())
    assert values.shape == (len(keys(told)), 2)
    row = keys(told).index(("conv2", "parameters"))
    assert values[row] == pytest.approx([3.105, 3.105])


def test_its_files():
    made = files([named("torch"), named("<b>")], ("html", "csv"))
    assert made.keys() == {
        "profile.html",
        "profile.csv",
        "figures/profile.svg",
        "figures/profile.png",
    }
    rows = list(csv.DictReader(made["profile.csv"].splitlines()))
    of_torch = [row for row in rows if row["framework"] == "torch"]
    assert sum(float(row["share_of_step"]) for row in of_torch) == pytest.approx(
        named("torch").explained.estimate, rel=1e-6
    )
    page = made["profile.html"]
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_of_nothing_there_is_a_page_with_the_reason():
    made = files([named("flux", [], reason="unavailable: no Julia")], ("html", "csv"))
    assert made.keys() == {"profile.html", "profile.csv"}
    assert "unavailable: no Julia" in made["profile.html"]
    assert made["profile.csv"].count("\n") == 1


def test_a_report_has_a_section_a_heat_map_and_data_of_each_profile(frozen, tmp_path):
    told = Profiles(command=("profile",), profiles=(named("torch"), named("<b>")))
    silent = Profiles(command=("profile",), profiles=(named("flux", [], reason="no Julia"),))
    written = build(ReportData.of(frozen, profiles=[told, silent]), tmp_path, formats=PLAIN)
    assert {tmp_path / "profile-1.csv", tmp_path / "profile-2.csv"} <= set(written)
    assert (tmp_path / "figures" / "profile-1.svg").is_file()
    assert not (tmp_path / "figures" / "profile-2.svg").exists()
    page, text = (tmp_path / "report.html").read_text(), (tmp_path / "report.md").read_text()
    below = page[page.index('<h2 id="across">') :]
    assert "parts of a training step</h2>" in below.casefold()
    assert "conv1, forward" in below[below.index("<svg") : below.index("</svg>")]
    assert "<b>" not in page
    assert 'download="profile-1.csv"' in page
    assert "known too roughly" in page  # what the columns mean
    assert "](figures/profile-1.svg)" in text
    assert "flux: left out: no Julia." in text.replace("`", "")
    assert r"backward, to the inputs &" in (tmp_path / "report.tex").read_text()
    document = json.loads((tmp_path / "report.json").read_text())
    assert [len(one["profiles"]) for one in document["profiles"]] == [2, 1]
    build(ReportData.of(frozen), tmp_path, formats=PLAIN)
    assert not (tmp_path / "figures" / "profile-1.svg").exists()
    assert "profiles" not in json.loads((tmp_path / "report.json").read_text())


def test_a_report_of_profiles_alone_has_a_title_and_no_empty_files(tmp_path):
    told = Profiles(command=("profile",), profiles=(named("torch"), named("flax")))
    build(ReportData(profiles=[told]), tmp_path, formats=PLAIN)
    assert (
        (tmp_path / "report.md")
        .read_text()
        .startswith("# Where the time of a training step goes: torch and flax\n")
    )
    assert not (tmp_path / "records.csv").exists()
    for name in ("report.md", "report.html", "report.tex"):
        assert "No records" not in (tmp_path / name).read_text(), name
