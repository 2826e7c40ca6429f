"""The fixtures of the parity tests; the framework is a parameter."""

from __future__ import annotations

import pytest

from bench.contract import Adapter
from bench.errors import UnknownNameError
from impls.reference.adapter import ReferenceAdapter

from .compare import worst
from .problems import LENETS, Problem, problem
from .selection import chosen, obtain


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a framework, for the tests that ask for one."""
    if "framework" in metafunc.fixturenames:
        try:
            metafunc.parametrize("framework", chosen(), scope="session")
        except UnknownNameError as error:
            raise pytest.UsageError(f"BENCH_FRAMEWORKS or BENCH_REQUIRE: {error}") from error


@pytest.fixture(scope="session")
def adapter(framework: str) -> Adapter:
    """The framework's adapter, one in the session as in a worker; tests build it anew."""
    return obtain(framework)


@pytest.fixture
def oracle() -> ReferenceAdapter:
    """The float64 reference."""
    return ReferenceAdapter()


@pytest.fixture(params=[*LENETS, "uneven"])
def task(request: pytest.FixtureRequest) -> Problem:
    """A network and a training set, one after the other."""
    return problem(request.param)


@pytest.fixture(params=LENETS)
def lenet(request: pytest.FixtureRequest) -> Problem:
    """LeNet-5 for every size of image."""
    return problem(request.param)


@pytest.fixture
def square() -> Problem:
    """The one-channel task, for what does not depend on the shape."""
    return problem("32x32x1")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The worst errors of the run, at `-v`."""
    if worst and terminalreporter.config.get_verbosity() > 0:
        terminalreporter.section("worst errors")
        for (framework, check), error in sorted(worst.items()):
            if framework in chosen():
                terminalreporter.write_line(f"{framework:<10} {check:<40} {error:.1e}")
