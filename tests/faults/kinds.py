"""All kinds of faults."""

from __future__ import annotations

from tests.faults import (
    archives,
    files,
    folders,
    libraries,
    names,
    processes,
    resources,
    surroundings,
    torn,
)

KINDS = (
    *(*processes.KINDS, *libraries.KINDS, *resources.KINDS, *torn.KINDS, *folders.KINDS),
    *(*surroundings.KINDS, *archives.KINDS, *files.KINDS, *names.KINDS),
)
