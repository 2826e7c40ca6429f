"""What is said of a setting where it is declared, and the words that several declarations use."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

from bench.config import checks, parsing
from bench.config.checks import Check

# Panels of the command line's help, in their order.
WHAT, DATA, TRAINING, SCHEDULE = "What to compare", "Data", "Training", "Schedule and early stop"
RUNNING, SPEED, SAVED = "How to run", "How to measure speed", "Checkpoints"
PANELS = (WHAT, DATA, TRAINING, SCHEDULE, RUNNING, SPEED, SAVED)

# What a recipe may say of it: it decides what is learned; it may stand in a recipe, but changes
# nothing of that; it may not stand there, since it is where or how a run is measured.
InRecipe = Literal["decides", "allowed", "refused"]
DECIDES: InRecipe = "decides"


@dataclass(frozen=True, slots=True)
class Setting:
    """What is said of a setting beside its name, type and default.

    help     for the command line
    panel    of the help that it stands in
    check    of a value that was given, by itself; what it must agree with is checked in the plan
    parse    typed text → value; None: the command line converts it by its type
    write    value → text that `parse` reads
    flag     as it is typed, where that is not its name; and another that is taken for it
    recipe   what a recipe may say of it
    repeated whether the option is typed once for each element of a tuple of texts
    """

    help: str
    panel: str
    check: Check
    parse: Callable[[str, str], Any] | None = None
    write: Callable[[Any], str] = parsing.as_typed
    flag: str | None = None
    also: str | None = None
    recipe: InRecipe = "refused"
    repeated: bool = False


def choice(what: str, kind: Any, *others: str) -> Check:
    """One of the choices that a type of `bench.choices` has, or of the others."""
    return checks.one_of(what, lambda: (*get_args(kind), *others))


COUNT: Check = partial(checks.at_least, 1)
