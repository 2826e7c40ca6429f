"""The section on the hosts of a run: a ratio a host, and what they come to together."""

from __future__ import annotations

from collections.abc import Callable

from report.analysis.configurations import network
from report.analysis.hosts import OfFramework, OverHosts
from report.tables.main import NONE, Column, probability, ratio
from report.tables.sections import Section, saying
from report.text import Given, Note

MOST_DRAWN = 6
MOST_HOSTS = 8  # in a table; the figure and the pooled ratio are of all


def figure_name(number: int) -> str | None:
    """The file of the drawing of a run on several hosts, counted from 1; None where many are."""
    return f"figures/hosts-{number}.svg" if number <= MOST_DRAWN else None


def section(found: OverHosts, number: int) -> Section:
    """The pooled ratios, and below them each host's own."""
    pooled = saying(
        [
            Column("Framework", "", lambda row: Given(row.framework), 0, is_text=True),
            Column("Hosts", "", lambda row: f"{len(row.by_host)}", 0),
            Column("Blocks", "", lambda row: f"{row.blocks}", 1),
            Column("Ratio", "", lambda row: ratio(row.pooled.estimate), 0),
            Column("95 %", "ratio", _interval, 0),
            Column("p", "", lambda row: probability(row.p), 1),
            Column("I²", "%", _i_squared, 2),
            Column("Verdict", "", lambda row: row.verdict, 0, is_text=True),
        ],
        found.rows,
    )
    shown = found.hosts[:MOST_HOSTS]
    by_host = saying(
        [
            Column("Framework", "", lambda row: Given(row.framework), 0, is_text=True),
            *(Column(host_name(place), "", _of(host), place) for place, host in enumerate(shown)),
        ],
        found.rows,
    )
    return Section("Hosts", (pooled, by_host), tuple(_notes(found)), figure_name(number))


def host_name(place: int) -> str:
    """What a host is called in a report: its number, from 1."""
    return f"Host {place + 1}"


def _notes(found: OverHosts) -> list[Note]:
    setup = found.setup
    told: list[Note] = [
        (
            Given(setup.settings.dataset),
            " · ",
            *network(setup),
            f" · {setup.device}, {setup.settings.optimizer}, batch {setup.batch_size}, "
            f"{setup.threads} threads.",
        ),
        (
            "Images/s over that of ",
            Given(found.base),
            ", within blocks that ran on one host. First: over the hosts, each of which counts "
            "alike; the interval is Student's of their means, and tells what a host like these "
            "would show. p: by Holm over the rows. I²: how much of what the hosts differ by is "
            "more than the scatter of their blocks.",
        ),
        (
            "Second: each host's own ratio and its 95 % interval; no speed of one host is held "
            "against another's.",
        ),
    ]
    if len(found.hosts) > MOST_HOSTS:
        told.append((f"The first {MOST_HOSTS} of {len(found.hosts)} hosts are shown.",))
    return told


def _interval(row: OfFramework) -> str:
    found = row.pooled.interval
    return NONE if found is None else f"{ratio(found.low)}–{ratio(found.high)}"


def _i_squared(row: OfFramework) -> str:
    return NONE if row.pooled.i_squared is None else f"{100 * row.pooled.i_squared:.0f}"


def _of(host: str) -> Callable[[OfFramework], str]:
    def cell(row: OfFramework) -> str:
        one = row.by_host.get(host)
        if one is None:
            return NONE
        found = one.interval
        bounds = f" ({ratio(found.low)}–{ratio(found.high)})" if found else ""
        return f"{ratio(one.estimate)}{bounds}"

    return cell
