"""Which comparisons a search asks for, and what it concludes, from verdicts that are given."""

from __future__ import annotations

import math

import pytest

from bench.gate.releases.decision import Verdict, rule_of
from bench.gate.releases.search import Needed, search

EIGHT = tuple("abcdefgh")
LEAST = math.log1p(rule_of().threshold)


def verdict(effect: float, *, is_undecided: bool = False) -> Verdict:
    outcome = "same" if abs(effect) < LEAST else "slower" if effect > 0 else "faster"
    return Verdict("inconclusive" if is_undecided else outcome, effect, effect, effect, 6)


def run(seconds, *, every=False, undecided=(), versions=EIGHT):
    """What is found where the logarithms of the seconds are known, and what was asked for."""
    known, asked = {}, []
    while True:
        try:
            return search(versions, known.get, every=every, threshold=rule_of().threshold), asked
        except Needed as needed:
            first, last = needed.edge
            asked.append(first + last)
            effect = seconds[versions.index(last)] - seconds[versions.index(first)]
            known[needed.edge] = verdict(effect, is_undecided=first + last in undecided)


def edges(of):
    return ["".join(edge) for edge, _ in of]


def steps(**changes):
    """Seconds that change at these releases."""
    total, found = 0.0, []
    for name in EIGHT:
        total += changes.get(name, 0.0)
        found.append(total)
    return found


def test_ends_that_do_not_differ_end_the_search():
    found, asked = run(steps())
    assert asked == ["ah"]
    assert (found.changes, found.undecided, found.unexplained) == ((), (), ())


@pytest.mark.parametrize("change", [0.05, -0.05], ids=["slower", "faster"])
@pytest.mark.parametrize("at", EIGHT[1:])
def test_a_change_is_found_by_halves(at, change):
    found, asked = run(steps(**{at: change}))
    before = EIGHT[EIGHT.index(at) - 1]
    assert edges(found.changes) == [before + at]
    assert found.changes[0][1].effect == pytest.approx(change)
    assert len(asked) <= 5
    assert not found.unexplained


def test_two_changes_are_found_where_they_do_not_cancel():
    found, _ = run(steps(c=0.05, g=0.1))
    assert edges(found.changes) == ["bc", "fg"]


def test_two_changes_that_cancel_are_found_by_comparing_all():
    cancelling = steps(c=0.05, g=-0.05)
    assert run(cancelling)[0].changes == ()
    found, asked = run(cancelling, every=True)
    assert asked == ["ab", "bc", "cd", "de", "ef", "fg", "gh"]
    assert edges(found.changes) == ["bc", "fg"]


def test_a_change_in_small_steps_is_of_no_single_release():
    found, _ = run(steps(**dict.fromkeys(EIGHT[1:], 0.02)))
    assert found.changes == ()
    assert len(found.unexplained) >= 1
    first, last = found.unexplained[0]
    assert EIGHT.index(last) - EIGHT.index(first) >= 1


def test_what_cannot_be_told_is_named_and_does_not_stop_the_search():
    found, asked = run(steps(g=0.05), undecided=("ad",))
    assert edges(found.changes) == ["fg"]
    assert edges(found.undecided) == ["ad"]
    assert "dh" in asked  # since the left half is not known to be the same


def test_undecided_ends():
    found, asked = run(steps(g=0.05), undecided=("ah",))
    assert (asked, edges(found.undecided), found.changes) == (["ah"], ["ah"], ())


def test_a_release_that_drops_out_leaves_what_is_known():
    """As where one in the middle turns out not to be installable."""
    seven = tuple(one for one in EIGHT if one != "d")
    found, asked = run(
        [value for name, value in zip(EIGHT, steps(g=0.05), strict=True) if name != "d"],
        versions=seven,
    )
    assert edges(found.changes) == ["fg"]
    assert not any("d" in edge for edge in asked)


def test_two_releases():
    found, asked = run([0.0, 0.05], versions=("a", "b"))
    assert (asked, edges(found.changes)) == (["ab"], ["ab"])
