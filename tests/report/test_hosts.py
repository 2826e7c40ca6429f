"""One run on several hosts: a ratio a host, and a ratio over them."""

from __future__ import annotations

import numpy as np
import pytest

from report.analysis.comparison import compare
from report.analysis.contrasts import family
from report.analysis.hosts import over_hosts
from report.figures.canvas import house_style
from report.figures.gallery import looks
from report.figures.hosts import hosts as drawn
from report.tables import contents
from report.wording.caveats import doubts
from tests.record_making import changed

# Images/s of torch and flax in three blocks on each host.
SPEEDS = {
    "a" * 12: {"torch": (2000.0, 2100.0, 1900.0), "flax": (1000.0, 1000.0, 1000.0)},
    "b" * 12: {"torch": (900.0, 950.0, 1000.0), "flax": (500.0, 500.0, 500.0)},
    "c" * 12: {"torch": (4400.0, 4000.0, 4200.0), "flax": (2000.0, 2000.0, 2000.0)},
}


def made(make, host, framework, seed, images_per_s, **changes):
    return make(
        framework=framework,
        seed=seed,
        cell=f"{framework}-cpu-seed{seed}",
        run="one",
        run_id="1" * 32,
        images_per_s=images_per_s,
        disturbed=None,
        machine_host=host,
        machine_fingerprint=host,
        **changes,
    )


@pytest.fixture
def records(make):
    """Seeds go to hosts in turns, as blocks do."""
    return [
        made(make, host, framework, 3 * place + at, speed)
        for place, (host, of_host) in enumerate(SPEEDS.items())
        for framework, speeds in of_host.items()
        for at, speed in enumerate(speeds)
    ]


def test_a_ratio_is_within_blocks_and_its_interval_over_hosts(records):
    (found,) = over_hosts(compare(records))
    assert found.base == "torch"
    assert found.hosts == tuple(SPEEDS)
    (row,) = found.rows
    own = {
        host: np.exp(np.mean(np.log(np.array(of["flax"]) / np.array(of["torch"]))))
        for host, of in SPEEDS.items()
    }
    assert {host: one.estimate for host, one in row.by_host.items()} == pytest.approx(own)
    assert row.pooled.estimate == pytest.approx(np.exp(np.mean(np.log([*own.values()]))))
    assert row.blocks == 9
    assert row.verdict == "slower"


def test_nothing_is_told_over_one_host_or_of_two_runs(records):
    assert over_hosts(compare([one for one in records if "a" * 12 in str(one.environment)])) == []
    apart = [
        changed(one, run_id=f"{number % 3}" * 32)
        for number, one in enumerate(records)
        if one.environment.machine.host == "a" * 12
    ]
    assert over_hosts(compare(apart)) == []


def test_cells_of_two_attempts_are_no_pair(records):
    torn = [
        changed(one, attempt=1)
        if one.environment.machine.host == "b" * 12 and one.identity.framework == "flax"
        else one
        for one in records
    ]
    ((row,),) = [found.rows for found in over_hosts(compare(torn))]
    assert set(row.by_host) == {"a" * 12, "c" * 12}


def test_a_shared_host_is_in_no_ratio(records):
    shared = [changed(one, shares_host=True) for one in records]
    comparisons = compare(shared)
    assert over_hosts(comparisons) == []
    assert not any(family(one, "images_per_s").contrasts for one in comparisons)
    assert any("--share-host" in str(note) for note in doubts(comparisons[0]))
    assert all(row.images_per_s for one in comparisons for row in one.rows)


def test_the_report_has_a_section_and_a_figure_of_the_hosts(records):
    comparisons = compare(records)
    (section,) = [one for one in contents.across(comparisons) if one.title == "Hosts"]
    pooled, by_host = section.tables
    told = {column.heading(): column.cell(pooled.rows[0]) for column in pooled.columns}
    assert told["Hosts"] == "3"
    assert told["Blocks"] == "9"
    assert told["Verdict"] == "slower"
    assert [column.name for column in by_host.columns[1:]] == ["Host 1", "Host 2", "Host 3"]
    ((name, found),) = contents.drawn(contents.crossings(comparisons))
    assert f"figures/{name}.svg" == section.figure
    with house_style():
        drawing = drawn(found, looks(comparisons), name)
    assert sum(map(len, drawing.marks.values())) == 4  # three hosts, and all of them
    assert "over 3 hosts" in drawing.seen
