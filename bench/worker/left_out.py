"""What is left out of a cell because its adapter cannot do it, each with the adapter's reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench.errors import NotSupportedError, UnavailableError
from bench.worker.messages import Emit, Measured


class LeftOut:
    """Collects the reasons by fields of the record, and sends them as they become known."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._reasons: dict[str, str] = {}

    @contextmanager
    def of(self, field: str) -> Iterator[None]:
        """Leave out what is measured in here where the adapter does not support it."""
        try:
            yield
        except NotSupportedError as reason:
            self._reasons[field] = str(reason)
            self._emit(Measured(figures={"left_out": self._reasons}))


@contextmanager
def asked_for(framework: str, what: str, remedy: str) -> Iterator[None]:
    """UnavailableError where the adapter does not support what a person asked for."""
    try:
        yield
    except NotSupportedError as reason:
        raise UnavailableError(f"{framework} cannot {what}: {reason}; {remedy}") from None
