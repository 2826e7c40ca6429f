"""Each exhibit of the museum is seen by its check, and the page has all of them."""

from __future__ import annotations

import pytest

from .examining import examining
from .museum import BEGIN, END, EXHIBITS, PAGE, Exhibit, address, table
from .test_faults import _skip_without_a_free_cpu

LARGE = 10_000  # images at once, of which the reference needs minutes


def marks(one: Exhibit) -> list[pytest.MarkDecorator]:
    several = one.sizes.get("predicted", ()) or (one.sizes.get("batch_size", 0),)
    found = [pytest.mark.long] if max(several) > LARGE else []
    return [*found, pytest.mark.alone] if one.caught_by == "threads" else found


SHOWN = [pytest.param(one, marks=marks(one), id=str(one)) for one in EXHIBITS if one.adapter]


@pytest.mark.parametrize("exhibit", SHOWN)
def test_a_defect_is_seen(exhibit: Exhibit) -> None:
    if exhibit.caught_by == "threads":
        _skip_without_a_free_cpu()
    assert exhibit.adapter
    checks = examining(
        exhibit.adapter(),
        exhibit.caught_by,
        options=exhibit.options,
        optimizers=(exhibit.optimizer,),
        **exhibit.sizes,
    )
    assert any(check.name == exhibit.caught_by and not check.passed for check in checks)


def test_there_is_no_exhibit_without_an_end() -> None:
    assert len([one for one in EXHIBITS if one.adapter]) >= 12
    for one in EXHIBITS:
        assert bool(one.adapter) == bool(one.caught_by) != bool(one.why_not), one.title
        assert all(address(name).rpartition("/")[2].isdigit() for name in one.source)
    assert len({one.title for one in EXHIBITS}) == len(EXHIBITS)


def test_the_page_has_all_of_them() -> None:
    """`python -m tests.verification.museum` writes it."""
    page = PAGE.read_text(encoding="utf-8")
    assert page.partition(BEGIN)[2].partition(END)[0] == table()
