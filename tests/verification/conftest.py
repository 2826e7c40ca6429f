"""Keeps what was caught, and prints it at `-v`: fault, check, error, bound."""

from __future__ import annotations

import pytest

from bench.results.certificate import Check

_CAUGHT: dict[str, list[Check]] = {}


@pytest.fixture(scope="session")
def caught() -> dict[str, list[Check]]:
    return _CAUGHT


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _CAUGHT or terminalreporter.config.get_verbosity() <= 0:
        return
    terminalreporter.section("faults caught")
    terminalreporter.write_line("| fault | check | worst error | bound |")
    for fault, checks in _CAUGHT.items():
        for name in dict.fromkeys(check.name for check in checks):
            of = [check for check in checks if check.name == name]
            worst = max(of, key=lambda check: float("inf") if check.error is None else check.error)
            error = "other shape" if worst.error is None else f"{worst.error:.1e}"
            terminalreporter.write_line(f"| {fault} | {name} | {error} | {worst.bound:.1e} |")
