"""An adapter that tells another version of its framework than the installed one is refused."""

from __future__ import annotations

import numpy as np
import pytest

from bench import frameworks
from bench.errors import NotSupportedError, UnavailableError
from bench.worker.versions import versions_of, versions_or_none


class Telling:
    def __init__(self, versions):
        self._versions = versions

    def versions(self):
        if self._versions is None:
            raise NotSupportedError("no versions here")
        return self._versions


@pytest.mark.parametrize("more", ["", "+cpu"])
def test_the_installed_version_is_believed(more):
    told = {"numpy": np.__version__ + more, "blas": "any"}
    assert versions_of(Telling(told), "reference") == told


def test_another_version_is_refused():
    told = {"numpy": "1.0", "blas": "any"}
    complaint = (
        rf"says that it computes with numpy 1\.0, and {np.__version__} is installed: let "
        "`versions` ask the library"
    )
    for ask in (versions_of, versions_or_none):
        with pytest.raises(UnavailableError, match=complaint):
            ask(Telling(told), "reference")


def test_what_is_no_version_is_compared_as_it_is(monkeypatch):
    monkeypatch.setattr(frameworks, "version", lambda framework: "of yesterday")
    assert versions_of(Telling({"numpy": "of yesterday"}), "reference")
    with pytest.raises(UnavailableError):
        versions_of(Telling({"numpy": "of today"}), "reference")


def test_nothing_is_known_where_nothing_is_told(monkeypatch):
    assert versions_or_none(Telling(None), "reference") == {}
    with pytest.raises(NotSupportedError):
        versions_of(Telling(None), "reference")
    monkeypatch.setattr(frameworks, "version", lambda framework: None)
    assert versions_of(Telling({"numpy": "1.0"}), "reference") == {"numpy": "1.0"}
