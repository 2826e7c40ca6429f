"""Recipes: published trainings as data, which any framework can run.

A recipe is a TOML file: title, source, the command that repeats it, its data sets, options by their
names on the command line, and the figures that were published. Those of this project lie in the
folder recipes; a person's own has the same form. What is wrong with one is a UsageError that names
the file and the key.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.config.parsing import as_typed
from bench.config.published import Published, Reproduced
from bench.config.settings import DECLARED, Declared
from bench.errors import UnknownNameError, UsageError, one_line

FOLDER = Path(__file__).parent / "recipes"
SUFFIX = ".toml"

# What a recipe may say, by key: what is trained and on what, not where or how it is measured.
ALLOWED = {one.key: one for one in DECLARED.values() if one.about.recipe != "refused"}


class Recipe(BaseModel):
    """A recipe's file, checked. `options` are by the names of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str
    title: str = Field(min_length=1, max_length=200)
    source: str = Field(min_length=1, max_length=500)
    command: str = Field(min_length=1, max_length=500)
    datasets: tuple[str, ...] = Field(min_length=1)
    notes: tuple[str, ...] = ()
    options: Mapping[str, Any] = Field(default_factory=dict)
    published: tuple[Published, ...] = ()

    def of(self, dataset: str) -> tuple[Published, ...]:
        """What was published of a data set; nothing of one that is not the recipe's."""
        if dataset not in self.datasets:
            return ()
        return tuple(one for one in self.published if one.dataset in (None, dataset))

    def reproduced(self, dataset: str, overridden: tuple[str, ...]) -> Reproduced:
        """What the records of a run that follows the recipe tell of it."""
        return Reproduced(
            recipe=self.name,
            title=self.title,
            source=self.source,
            sha256=self.sha256,
            overridden=overridden,
            published=self.of(dataset),
        )


def names() -> list[str]:
    """The recipes of this project."""
    return sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}"))


def path_of(given: str) -> Path:
    """The file of a recipe by its name, or of a person's own file."""
    if given in names():
        return FOLDER / f"{given}{SUFFIX}"
    path = Path(given).expanduser()
    if path.is_file():
        return path
    if path.suffix == SUFFIX:
        raise UsageError(f"{path} does not exist: give a recipe's file, or one of {_listed()}")
    raise UnknownNameError("recipe", given, [*names(), f"FILE{SUFFIX}"])


def read(given: str) -> Recipe:
    """A recipe by name or file, checked in every part but for what only a plan can tell."""
    path = path_of(given)
    try:
        return _read(path)
    except RecursionError as error:
        raise UsageError(f"{path} is nested too deep to be a recipe") from error


def _read(path: Path) -> Recipe:
    try:
        content = path.read_bytes()
        table = tomllib.loads(content.decode("utf-8-sig"))  # Windows writes a mark first
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} is no TOML file: {error}") from error
    unknown = table.pop("name", None) or table.pop("sha256", None)
    if unknown is not None:
        raise UsageError(f"{path}: unknown key: a recipe has the name of its file")
    table["options"] = _options(table.get("options", {}), path)
    table |= {"name": path.stem, "sha256": hashlib.sha256(content).hexdigest()}
    try:
        return Recipe.model_validate(table)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "as a whole"
        what = "unknown key" if fault["type"] == "extra_forbidden" else fault["msg"]
        raise UsageError(f"{path}: {one_line(where)}: {one_line(what)}{_choices(fault)}") from error


def followed(recipe: Recipe, given: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The settings of a run that follows it, and what was typed against it.

    `given` are the settings that a person typed, which go before the recipe's.
    """
    own = {"dataset": recipe.datasets[0], **recipe.options}
    typed: list[str] = []
    for name, value in sorted(given.items()):
        about = DECLARED[name]
        if name == "dataset" and value in recipe.datasets:
            continue
        if name in own and value != own[name]:
            typed.append(f"{about.flag} {about.written(value)} for {about.written(own[name])}")
        elif about.about.recipe == "decides" and name not in own:
            typed.append(f"{about.flag} {about.written(value)}")
    return own | dict(given), tuple(typed)


def _options(table: Any, path: Path) -> dict[str, Any]:
    """The options by the names of settings, each of its type and checked."""
    if not isinstance(table, dict):
        raise UsageError(f"{path}: options: give a table, [options]")
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key not in ALLOWED:
            raise UsageError(
                f"{path}: options: {UnknownNameError('option', one_line(key), ALLOWED)}"
            )
        found[ALLOWED[key].name] = _checked(ALLOWED[key], value, f"{path}: options.{key}")
    return found


def _checked(of: Declared, value: Any, where: str) -> Any:
    """The value as the setting takes it; one number stands for a list of one."""
    try:
        return of.about.check(of.flag, of.typed(value, strict=True))
    except ValidationError as error:
        fault = error.errors()[0]
        raise UsageError(f"{where}: {fault['msg']}, not {one_line(as_typed(value))}") from error
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from error


def _choices(fault: Any) -> str:
    """What is allowed, where the fault is a key."""
    if fault["type"] != "extra_forbidden":
        return ""
    own = [name for name in Recipe.model_fields if name not in ("name", "sha256")]
    of = Published.model_fields if fault["loc"][0] == "published" else own
    return f": choose from {', '.join(of)}"


def _listed() -> str:
    return ", ".join(names())
