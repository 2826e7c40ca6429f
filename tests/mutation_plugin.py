"""A plugin of pytest for `mutations.py`: which test runs which line, and how each came out.

It looks at the process of the tests alone, not at those that they start.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import coverage

PACKAGES = ("bench", "report", "impls")
_MEASURED: coverage.Coverage | None = None
if "MUTATIONS_COVERAGE" in os.environ:
    _MEASURED = coverage.Coverage(
        data_file=os.environ["MUTATIONS_COVERAGE"],
        data_suffix=True,
        source=[str(Path.cwd() / package) for package in PACKAGES],
        config_file=False,
    )
    _MEASURED.set_option("run:disable_warnings", ["no-data-collected", "module-not-imported"])
    _MEASURED.start()


def pytest_runtest_logstart(nodeid: str) -> None:
    if _MEASURED:
        _MEASURED.switch_context(f"{os.environ['MUTATIONS_SUITE']} {nodeid}")


def pytest_runtest_logfinish() -> None:
    if _MEASURED:
        _MEASURED.switch_context("")


def pytest_sessionfinish() -> None:
    if _MEASURED:
        _MEASURED.stop()
        _MEASURED.save()


def _told(nodeid: str, outcome: str, duration_s: float) -> None:
    if "MUTATIONS_LOG" in os.environ and "PYTEST_XDIST_WORKER" not in os.environ:
        with open(os.environ["MUTATIONS_LOG"], "a") as file:
            print(json.dumps([nodeid, outcome, duration_s]), file=file)


def pytest_runtest_logreport(report: Any) -> None:
    _told(report.nodeid, report.outcome, report.duration)


def pytest_collectreport(report: Any) -> None:
    if report.failed:
        _told(report.nodeid, report.outcome, 0.0)
