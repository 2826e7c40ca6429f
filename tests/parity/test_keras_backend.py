"""Keras has one backend for the life of a process, and says so where a second one is asked for."""

from __future__ import annotations

import importlib.util

import pytest

from bench.contract import Adapter
from bench.errors import UnavailableError
from bench.frameworks import create, named

ROWS = {"keras": "tensorflow", "keras:jax": "jax", "keras:torch": "torch"}


def test_a_second_backend_in_a_process_is_refused(adapter: Adapter, framework: str) -> None:
    if framework not in ROWS:
        pytest.skip("the backends are Keras's")
    others = (one for one in ROWS if one != framework and importlib.util.find_spec(ROWS[one]))
    other = next(others, None)
    if other is None:
        pytest.skip("no second backend is installed")
    with pytest.raises(UnavailableError, match="take a new process with KERAS_BACKEND=") as caught:
        create(named(other))
    assert f"on the backend {ROWS[framework]!r} in this process" in str(caught.value)
    assert f"this adapter needs {ROWS[other]!r}" in str(caught.value)
