"""Every setting, declared once: name, type, default, help, panel, check.

The options of `bench run`, the keys of recipes, the settings of a plan, of a record and of a
checkpoint derive from these declarations. A new setting is a field in `TrainingSettings` or in
`RunSettings`, and the code that uses it.

What was *given*, on the command line or in a recipe, is a mapping with the names of those settings
alone; `bench.config.plan.make` fills in the others.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from bench.config.declaration import PANELS, Setting
from bench.config.run_settings import RunSettings
from bench.config.training_settings import TrainingSettings

Part = TypeVar("Part", TrainingSettings, RunSettings)


@dataclass(frozen=True, kw_only=True)
class Settings(TrainingSettings, RunSettings):
    """All settings of a run, as they are used."""

    @property
    def training(self) -> TrainingSettings:
        """Those that decide what is learned."""
        return self._part(TrainingSettings)

    @property
    def of_run(self) -> RunSettings:
        """Those that do not: which cells there are, how they are measured and kept."""
        return self._part(RunSettings)

    def _part(self, kind: type[Part]) -> Part:
        return kind(**{field.name: getattr(self, field.name) for field in fields(kind)})


@dataclass(frozen=True, slots=True)
class Declared:
    """A setting as the parts of the program that derive from it see it.

    kind     its type without the None, such as int or tuple[str, ...]
    default  None where it depends on something, and where None is the default
    about    what else is said of it
    """

    name: str
    kind: Any
    default: Any
    about: Setting

    @property
    def flag(self) -> str:
        """As it is typed, such as --batch-size."""
        return self.about.flag or "--" + self.name.replace("_", "-")

    @property
    def key(self) -> str:
        """As recipes spell it, such as batch-size."""
        return self.flag.removeprefix("--")

    def parse(self, typed: Any) -> Any:
        """What was typed as a value; it may be one already, where the type is a plain one."""
        if self.about.repeated:
            return tuple(typed)
        is_text = self.about.parse is not None and isinstance(typed, str)
        return self.about.parse(self.flag, typed) if is_text and self.about.parse else typed

    def written(self, value: Any) -> str:
        """A value as a person would type it."""
        return self.about.write(value)

    def typed(self, value: Any, *, strict: bool = False) -> Any:
        """A value from a file as one of the setting's type; pydantic's ValidationError if it can't.

        `strict`: no number from text, and so on. One value stands for a list of one.
        """
        from pydantic import TypeAdapter  # not needed for the command line's help

        if get_origin(self.kind) is tuple:
            value = tuple(value) if isinstance(value, list | tuple) else (value,)
        return TypeAdapter(self.kind).validate_python(value, strict=strict)


def _declared() -> dict[str, Declared]:
    found = {}
    for field in fields(Settings):
        kind, about = get_args(field.type)
        if get_origin(kind) in (Union, UnionType):
            (kind,) = (one for one in get_args(kind) if one is not type(None))
        default = None if field.default is MISSING else field.default
        found[field.name] = Declared(field.name, kind, default, about)
    return dict(sorted(found.items(), key=lambda one: PANELS.index(one[1].about.panel)))


DECLARED: Mapping[str, Declared] = _declared()  # by name, in the order of the help


def flag(name: str) -> str:
    """A setting as it is typed: --batch-size for batch_sizes."""
    return DECLARED[name].flag


def given_or_default(given: Mapping[str, Any], name: str) -> Any:
    """What was given of a setting, or else its default; None where that depends on something."""
    return given.get(name, DECLARED[name].default)


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that were given, by name, each of which has passed its own check.

    A default passes as it is, since it may be what nobody can type, such as an empty list.

    Raises:
        UsageError: one is not allowed, the first of them.
    """
    found = {}
    for name, value in given.items():
        of = DECLARED[name]
        found[name] = value if value == of.default else of.about.check(of.flag, value)
    return found
