"""One call of the program: what was typed, and who does what frameworks are asked to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it comes with all that tasks and events are made of, which --help needs not
    from bench.execution import Executor


@dataclass(frozen=True, slots=True)
class Invocation:
    """What every command gets as its context's object.

    arguments  as they were typed, without the program's name
    executor   makes the executor, when a command has something for it
    """

    arguments: tuple[str, ...]
    executor: Callable[[], Executor]


Run = Callable[[list[str], Invocation], int]  # `bench run`, as a function of its arguments
