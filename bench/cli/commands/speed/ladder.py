"""`bench ladder`: from what a framework's first example writes to its plain adapter, in one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench import frameworks
from bench.config.parsing import words
from bench.errors import UsageError

# Up to five pairs are held to Student's t, which can tell a pair of many apart; signed ranks need
# more than ten for that.
REPEATS = 5


def ladder(asked: str | None, options: Sequence[str], run: Callable[[list[str]], int]) -> int:
    """Time all rungs of these frameworks, block by block; `run` takes the arguments of `bench run`.

    UsageError for a framework that has no ladder, or where none that has one is installed.
    """
    plain = (
        words("--frameworks", asked, such_as="torch,keras") if asked is not None else _installed()
    )
    climbed = [rung.name for name in plain for rung in frameworks.rungs(name)]
    measured = ["--throughput-only", "--min-repeats", str(REPEATS)]
    return run(["--frameworks", ",".join(climbed), *measured, *options])


def _installed() -> Sequence[str]:
    having = {name: one for name, one in frameworks.catalogue().items() if one.ladder}
    found = [name for name, one in having.items() if frameworks.missing(one) is None]
    if not found:
        raise UsageError(f"no framework with a ladder is installed: it takes {', '.join(having)}")
    return found
