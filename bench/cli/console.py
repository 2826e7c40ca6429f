"""What several commands say and ask in the same way."""

from __future__ import annotations

import os

from rich.console import Console

from bench import frameworks
from bench.errors import UsageError

SET_ASIDE = "a run sets some of the others aside"  # where a data set has no images for testing
BOUNDLESS = 10_000  # columns, more than any line has


def standard_output() -> Console:
    """As wide as the terminal, or as $COLUMNS; in a pipe or a file no line is broken or cut."""
    console = Console(highlight=False)
    if not console.is_terminal and not os.environ.get("COLUMNS"):
        console.width = BOUNDLESS
    return console


def say(console: Console, text: str, style: str | None = None) -> None:
    """One line for a person, with nothing in it taken for markup."""
    console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)


def installed(names: tuple[str, ...] | None, notes: Console) -> tuple[str, ...]:
    """The named frameworks, which must exist; without names, those that are installed."""
    if names is not None:
        return tuple(frameworks.named(name).name for name in names)
    here = []
    for framework in frameworks.catalogue().values():
        if not framework.default:
            continue
        absent = frameworks.missing(framework)
        if absent is None:
            here.append(framework.name)
        else:
            say(notes, f"without {framework.name}: {absent}")
    if not here:
        raise UsageError(
            "no framework is installed: pip install 'lenet-bench[torch]' or another one, or take "
            "--frameworks reference"
        )
    return tuple(here)
