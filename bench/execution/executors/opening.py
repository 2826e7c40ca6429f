"""From where a run is to be measured to what measures it there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from bench.execution.executors import link, slurm
from bench.execution.executors.link import Link
from bench.execution.executors.place import Place


@contextlib.contextmanager
def opened(place: Place) -> Iterator[Link | None]:
    """The connection to a cluster; None for this machine.

    Raises:
        UnavailableError: a package is not installed.
        UsageError: nobody answers at the address, or the file says what cannot be.
    """
    match place.kind:
        case "local":
            yield None
        case "dask":
            with link.connected(place.address) as found:
                yield found
        case "slurm":
            with slurm.started(slurm.read(place.file)) as found:
                yield found
