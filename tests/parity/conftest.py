"""The fixtures of the parity tests; the framework is a parameter."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from bench.contract import Adapter, ModelSpec
from bench.errors import NotSupportedError, UnknownNameError
from bench.system import machine
from impls.reference.adapter import ReferenceAdapter

from .compare import worst
from .problems import TASKS, Problem, problem
from .selection import chosen, is_on_jax, obtain, refuses_networks

# PyTorch's threads sleep while they wait for each other. Otherwise they take the oracle's CPUs, and
# on a busy machine most of the time. Read when PyTorch is loaded; it changes no result.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


CACHE_BYTES = 500_000_000  # of compiled programs; beyond, the folder is emptied


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a framework, for the tests that ask for one."""
    if "framework" in metafunc.fixturenames:
        try:
            metafunc.parametrize("framework", chosen(), scope="session")
        except UnknownNameError as error:
            raise pytest.UsageError(f"BENCH_FRAMEWORKS or BENCH_REQUIRE: {error}") from error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Function) -> Iterator[None]:
    """A network that its library has not all of is no failure."""
    try:
        return (yield)
    except NotSupportedError as error:
        framework = getattr(item, "callspec", None) and item.callspec.params.get("framework")
        if framework and refuses_networks(framework):
            pytest.skip(str(error))
        raise


@pytest.fixture(scope="session")
def adapter(framework: str, request: pytest.FixtureRequest) -> Iterator[Adapter]:
    """The framework's adapter, one in the session as in a worker; tests build it anew."""
    adapter = obtain(framework)
    with _compiled_programs(framework, request.config):
        yield adapter


@contextmanager
def _compiled_programs(framework: str, config: pytest.Config) -> Iterator[None]:
    """JAX keeps what XLA has compiled, in pytest's cache: `--cache-clear` compiles all anew.

    XLA takes most of the time of tests on JAX, and an adapter that is built anew compiles anew. The
    same program for the same machine is taken from there, within a session and in the next one;
    JAX knows it by the program, the options and its own version. It counts as a compilation.
    """
    if not is_on_jax(framework):
        yield
        return
    import jax

    with TemporaryDirectory() as folder:
        cache = getattr(config, "cache", None)  # none with `-p no:cacheprovider`
        kept = cache.mkdir(f"xla-{machine.describe().fingerprint}") if cache else Path(folder)
        files = [path for path in kept.iterdir() if path.is_file()]
        if sum(path.stat().st_size for path in files) > CACHE_BYTES:
            for path in files:
                path.unlink()
        settings = {
            "jax_compilation_cache_dir": str(kept),
            "jax_persistent_cache_min_compile_time_secs": 0.0,
            "jax_persistent_cache_min_entry_size_bytes": -1,
        }
        before = {name: getattr(jax.config, name) for name in settings}
        for name, value in settings.items():
            jax.config.update(name, value)
        yield
        for name, value in before.items():
            jax.config.update(name, value)


@pytest.fixture(scope="session")
def at_rest(framework: str) -> dict[ModelSpec, Adapter]:
    """Adapters that no test trains, by the network that each has been built with."""
    return {}


@pytest.fixture
def resting(
    request: pytest.FixtureRequest, framework: str, at_rest: dict[ModelSpec, Adapter]
) -> Adapter:
    """An adapter for the test's network alone, which `Problem.rest` builds once in a session.

    For tests that look at a network without training it: what one has compiled serves the next.
    """
    name = "task" if "task" in request.fixturenames else "network"
    model = request.getfixturevalue(name).model
    if model not in at_rest:
        at_rest[model] = obtain(framework)
    return at_rest[model]


class Oracle(ReferenceAdapter):
    """The reference with one thread: its products are small, and threads would only wait."""

    def build(self, *asked: Any) -> None:
        super().build(*asked[:-1], 1)  # the last is the number of threads


@pytest.fixture
def oracle() -> ReferenceAdapter:
    """The float64 reference."""
    return Oracle()


@pytest.fixture(params=TASKS)
def task(request: pytest.FixtureRequest) -> Problem:
    """A network and a training set, one after the other."""
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
