"""The framework is a parameter, as in the parity tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from bench.contract import Adapter
from tests.parity.selection import chosen, obtain


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "framework" in metafunc.fixturenames:
        metafunc.parametrize("framework", chosen(), scope="session")


@pytest.fixture(scope="session")
def adapter(framework: str) -> Adapter:
    return obtain(framework)


@pytest.fixture(autouse=True)
def no_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()
