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
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bench.config.options import Options
from bench.config.published import Published, Reproduced
from bench.errors import UnknownNameError, UsageError
from bench.workload.training import Training

FOLDER = Path(__file__).parent / "recipes"
SUFFIX = ".toml"

# What a recipe may say: what is trained and on what, and not where or how it is measured.
NETWORK = ("model", "activation", "pooling", "dropout", "noise")
DATA = ("train_size", "val_size", "test_size", "fit", "mean", "std")
UPDATES = ("epochs", "batch_sizes", "optimizer", "lr", "momentum", "weight_decay")
AROUND = ("seeds", "target", "save", "save_every")  # none of which changes what is learned
OF_TRAINING = tuple(field.name for field in fields(Training) if field.name != "deterministic")
DECIDING = (*NETWORK, *DATA, *UPDATES, *OF_TRAINING)
ALLOWED = (*DECIDING, *AROUND)


class Recipe(BaseModel):
    """A recipe's file, checked. `options` are by their names in `ALLOWED`."""

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
        raise UsageError(f"{path} is not there: give a recipe's file, or one of {_listed()}")
    raise UnknownNameError("recipe", given, [*names(), f"FILE{SUFFIX}"])


def read(given: str) -> Recipe:
    """A recipe by name or file, checked in every part but for what only a plan can tell."""
    path = path_of(given)
    try:
        content = path.read_bytes()
        table = tomllib.loads(content.decode())
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
        raise UsageError(f"{path}: {where}: {what}{_choices(fault)}") from error


def settings(
    recipe: Recipe, parsed: Mapping[str, Any], given: set[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Settings with the recipe's in place of what was not typed, and what was typed against it.

    `parsed` are all settings as values, `given` names those that a person typed.
    """
    own = {"dataset": recipe.datasets[0], **recipe.options}
    merged = dict(parsed) | {name: value for name, value in own.items() if name not in given}
    typed: list[str] = []
    for name in sorted(given):
        value = parsed[name]
        if name == "dataset" and value in recipe.datasets:
            continue
        if name in own and value != own[name]:
            typed.append(f"--{key_of(name)} {_shown(value)} for {_shown(own[name])}")
        elif name in DECIDING and name not in own:
            typed.append(f"--{key_of(name)} {_shown(value)}")
    return merged, tuple(typed)


def key_of(name: str) -> str:
    """A setting's name as recipes and the command line spell it."""
    return "batch-size" if name == "batch_sizes" else name.replace("_", "-")


def _options(table: Any, path: Path) -> dict[str, Any]:
    """The options by the names of settings, each of its type."""
    if not isinstance(table, dict):
        raise UsageError(f"{path}: options: give a table, [options]")
    known = {key_of(name): name for name in ALLOWED}
    hints = get_type_hints(Options) | get_type_hints(Training)
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise UsageError(f"{path}: options: {UnknownNameError('option', key, known)}")
        name = known[key]
        where = f"{path}: options.{key}"
        found[name] = _typed(hints[name], value, where)
    return found


def _typed(annotation: Any, value: Any, where: str) -> Any:
    """The value as the option takes it; one number stands for a list of one."""
    if "tuple" in str(annotation):
        value = tuple(value) if isinstance(value, list) else (value,)
    try:
        return TypeAdapter(annotation).validate_python(value, strict=True)
    except ValidationError as error:
        fault = error.errors()[0]
        raise UsageError(f"{where}: {fault['msg']}, not {_shown(value)}") from error


def _choices(fault: Any) -> str:
    """What is allowed, where the fault is a key."""
    if fault["type"] != "extra_forbidden":
        return ""
    own = [name for name in Recipe.model_fields if name not in ("name", "sha256")]
    of = Published.model_fields if fault["loc"][0] == "published" else own
    return f": choose from {', '.join(of)}"


def _listed() -> str:
    return ", ".join(names())


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
