"""`bench run --recipe`, `bench reproduce`, `bench show recipe`: published trainings, repeated."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from bench.cli.console import say, standard_output
from bench.config import recipe
from bench.config.published import Reproduced
from bench.errors import UnknownNameError, UsageError


def followed(given_recipe: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], Reproduced]:
    """The settings of a run that follows a recipe, and what its records tell of that.

    What a person typed, `given`, goes before the recipe.
    """
    found = recipe.read(given_recipe)
    merged, overridden = recipe.followed(found, given)
    return merged, found.reproduced(merged["dataset"], overridden)


@contextlib.contextmanager
def blamed(repeats: Reproduced | None, given_recipe: str | None) -> Iterator[None]:
    """What cannot be planned is told with the recipe that asked for it, if there is one."""
    try:
        yield
    except UsageError as error:
        if repeats is None or given_recipe is None:
            raise
        typed = "; ".join(repeats.overridden)
        over = f" with {typed}" if typed else ""
        raise UsageError(f"recipe {given_recipe}{over}: {error}") from error


def reproduce(
    name: str | None, every: bool, options: Sequence[str], run: Callable[[list[str]], int]
) -> int:
    """Run one recipe, or all of this project, as published but for the options that were typed.

    `run` takes the arguments of `bench run`. Where all are run, one that cannot be does not keep
    the next from it; the exit code is the greatest.
    """
    if (name is None) is not every:
        raise UsageError(
            f"give one recipe, of {', '.join(recipe.names())}, or a file, or --all; options come "
            "after it"
        )
    if name is not None:
        return run(["--recipe", name, *options])
    codes = []
    notes = Console(stderr=True)
    for each in recipe.names():
        say(notes, f"recipe {each}")
        try:
            codes.append(run(["--recipe", each, *options]))
        except UsageError as error:
            say(notes, f"error: {error}", style="red")
            codes.append(2)
    return max(codes)


def show(what: str, name: str | None, *, as_json: bool) -> int:
    """Print a recipe: its file, or as JSON what was read from it."""
    if what != "recipe":
        if name is None and what in recipe.names():
            raise UsageError(f"{what} is a recipe: give `show recipe {what}`")
        raise UnknownNameError("kind to show", what, ("recipe",))
    if name is None:
        raise UsageError(f"no recipe is named: give one of {', '.join(recipe.names())}, or a file")
    found = recipe.read(name)
    if as_json:
        print(json.dumps(found.model_dump(mode="json"), indent=2))
        return 0
    console = standard_output()
    say(console, f"# {recipe.path_of(name)}")
    say(console, recipe.path_of(name).read_text(encoding="utf-8").rstrip())
    return 0
