"""Profiles as a table, a heat map, CSV and a page."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from bench.results.step_profile import Round
from report.figures.step_profile import heat_map
from report.formats.step_profile import files
from report.tables.step_profile import keys, lines, sections
from tests.results.test_step_profile import clean, profile, seconds


def named(name, rounds=None, **changed):
    made = profile(clean() if rounds is None else rounds, **changed)
    return made.model_copy(update={"framework": name})


def texts(found):
    return " ".join(
        "".join(part if isinstance(part, str) else part.text for part in note)
        for section in sections(found)
        for note in section.notes
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
    assert [len(one.tables) for one in sections([disturbed, absent])] == [0]


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
