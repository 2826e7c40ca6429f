"""Pages of the site that are made from the program: its commands, a record's fields, the adapter.

A page has a marker, such as `<!-- made from the program: fields of a record -->`, and this Sphinx
extension puts the text in its place as the page is read. The commands get a page each, in
`reference/commands/`, which git ignores.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from sphinx.application import Sphinx

from bench.cli.app import app
from bench.config.settings import DECLARED
from bench.contract import Adapter, AdapterBase, EpochBatches, ModelSpec, OptimizerSpec
from bench.results.record import Record

# A link that is called as its file gets the title of the page; on GitHub it is the name that helps.
NAMED_AS_A_FILE = re.compile(r"\[(?:docs/)?[\w/-]+\.md\](?=\()")
MARKER = re.compile(r"<!-- made from the program: (.+?) -->")
COMMANDS = Path("reference") / "commands"
OTHER_OPTIONS = "Options"


def _cell(text: str) -> str:
    """Text as a cell of a table, in one line."""
    return " ".join(text.split()).replace("|", r"\|")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines) + "\n"


# Commands


def _commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command as it is typed, such as `bench data fetch`, and what it is."""
    for child in group.commands.values():
        whole = f"{name} {child.name}"
        if getattr(child, "commands", None):
            yield from _commands(child, whole)
        else:
            yield whole, child


def _file(whole: str) -> str:
    return whole.removeprefix("bench ").replace(" ", "-")


def _described(text: str) -> str:
    """A command's help as Markdown: the lines below `Examples:` are a block to copy."""
    prose, _, examples = inspect.cleandoc(text).partition("Examples:")
    if not examples:
        return f"{prose.strip()}\n"
    typed = "\n".join(f"$ {line.strip()}" for line in examples.strip().splitlines())
    return f"{prose.strip()}\n\n```console\n{typed}\n```\n"


def _option(option: Any, context: Any) -> tuple[str, str]:
    """How an option is typed, and what it does; a flag takes no value."""
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else f" `{option.display_type(context)}`"
    required = " Required." if option.required else ""
    return names + value, f"{option.help or ''}{required}{_default(option)}"


def _default(parameter: Any) -> str:
    if parameter.default in (None, (), False) or callable(parameter.default):
        return ""
    return f" Default: `{parameter.default}`."


def _of_command(whole: str, command: Any) -> str:
    context = typer.Context(command, info_name=whole)
    text = [f"# {whole}\n", _described(command.help or "")]
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    if arguments:
        rows = [
            (f"`{one.metavar or one.name.upper()}`", f"{getattr(one, 'help', '')}{_default(one)}")
            for one in arguments
        ]
        text += ["## Arguments\n", _table(("argument", "what it is"), rows)]
    panels: dict[str, list[tuple[str, ...]]] = {}
    for one in command.params:
        if one.param_type_name == "option" and not one.hidden and one.name != "help":
            panel = one.rich_help_panel or OTHER_OPTIONS
            panels.setdefault(panel, []).append(_option(one, context))
    for panel, rows in panels.items():
        text += [f"## {panel}\n", _table(("option", "what it does"), rows)]
    return "\n".join(text)


def _write_commands(site: Sphinx) -> None:
    """The pages of the commands; a file that would be the same is left alone, and not read anew."""
    folder = Path(site.srcdir) / COMMANDS
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        folder / f"{_file(whole)}.md": _of_command(whole, command)
        for whole, command in _commands(typer.main.get_group(app), "bench")
    }
    for path in set(folder.glob("*.md")) - made.keys():
        path.unlink()
    for path, text in made.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _list_of_commands() -> str:
    found = list(_commands(typer.main.get_group(app), "bench"))
    first = [(inspect.cleandoc(command.help or "")).partition("\n\n")[0] for _, command in found]
    rows = [
        (f"[`{whole}`](commands/{_file(whole)}.md)", line)
        for (whole, _), line in zip(found, first, strict=True)
    ]
    pages = "\n".join(f"{whole} <commands/{_file(whole)}>" for whole, _ in found)
    return (
        _table(("command", "what it does"), rows) + f"\n```{{toctree}}\n:hidden:\n\n{pages}\n```\n"
    )


# A record's fields


def _kind(annotation: Any) -> str:
    """A type as a reader wants it: `float or null`, `list of int`, `lr or momentum`."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(inner[0])
    if origin in (Union, UnionType):
        return " or ".join(_kind(one) for one in inner)
    if origin is typing.Literal:
        return " or ".join(f"`{one}`" for one in inner)
    if origin in (list, tuple) and inner:
        several = [_kind(one) for one in inner if one is not Ellipsis]
        word = "list of" if origin is list or Ellipsis in inner else "list:"
        return f"{word} {', '.join(several)}"
    if origin is not None and inner:
        return f"object: {_kind(inner[0])} to {_kind(inner[1])}"
    if annotation is type(None):
        return "null"
    if annotation is Any:
        return "anything"
    name = getattr(annotation, "__name__", str(annotation))
    if _has_fields(annotation):
        return f"[{name}](#{_anchor(name)})"
    return {"str": "text", "bool": "true or false", "Path": "text"}.get(name, name)


def _anchor(name: str) -> str:
    return name.lower()


def _has_fields(kind: Any) -> bool:
    return isinstance(kind, type) and (issubclass(kind, BaseModel) or is_dataclass(kind))


def _within(annotation: Any) -> Iterator[type]:
    """The types with fields of their own in an annotation."""
    if _has_fields(annotation):
        yield annotation
    for one in get_args(annotation):
        yield from _within(one)


def _rows(kind: type) -> list[tuple[str, ...]]:
    if issubclass(kind, BaseModel):
        return [
            (f"`{name}`", _kind(field.annotation), field.description or "")
            for name, field in kind.model_fields.items()
        ]
    hints = typing.get_type_hints(kind)
    found = []
    for field in fields(kind):
        of = DECLARED.get(field.name)
        is_setting = kind.__name__ in ("TrainingSettings", "RunSettings") and of is not None
        about = f"`{of.flag}`: {of.about.help}" if of and is_setting else _about(kind, field.name)
        found.append((f"`{field.name}`", _kind(hints[field.name]), about))
    return found


def _about(kind: type, field: str) -> str:
    """What a class's docstring says of a field, in its table `name  what it is`."""
    text = inspect.getdoc(kind) or ""
    found = re.search(rf"^{field} {{2,}}(.+(?:\n {{4,}}.+)*)", text, re.MULTILINE)
    return found[1] if found else ""


def fields_of_a_record() -> str:
    """A table for each part of a record and for whatever these are made of."""
    text, todo, done = [], list(_parts(Record)), set()
    while todo:
        name, kind = todo.pop(0)
        if kind in done:
            continue
        done.add(kind)
        title = f"`{name}`: {kind.__name__}" if name else kind.__name__
        first = (inspect.getdoc(kind) or "").partition("\n")[0]
        text += [
            f"({_anchor(kind.__name__)})=\n### {title}\n",
            f"{first}\n",
            _table(("field", "type", "what it is"), _rows(kind)),
        ]
        todo += [("", one) for one in _of_fields(kind)]
    return "\n".join(text)


def _parts(kind: type[BaseModel]) -> Iterator[tuple[str, type]]:
    for name, field in kind.model_fields.items():
        for one in _within(field.annotation):
            yield name, one


def _of_fields(kind: type) -> Iterator[type]:
    if issubclass(kind, BaseModel):
        for _, one in _parts(kind):
            yield one
    else:
        for annotation in typing.get_type_hints(kind).values():
            yield from _within(annotation)


# The adapter


def _signature(method: Callable[..., Any]) -> str:
    return str(inspect.signature(method)).replace("'", "").replace("self, ", "").replace("self", "")


def _docstring(of: Any) -> str:
    """As Markdown: a list of `name  what it is` is set as it stands."""
    text = inspect.getdoc(of) or ""
    return re.sub(r"((?:^\w+ {2,}.+\n?(?: {4,}.+\n?)*)+)", r"```text\n\1\n```\n", text, flags=re.M)


def contract_of_an_adapter() -> str:
    """What each method is to do, in the words of the class that the harness holds adapters to."""
    needed = AdapterBase.__abstractmethods__
    text = [_docstring(Adapter), ""]
    for name, member in vars(Adapter).items():
        if name.startswith("_"):
            continue
        method = member.fget if isinstance(member, property) else member
        title = f"`{name}`" + (" (must be there)" if name in needed else "")
        call = name if isinstance(member, property) else f"{name}{_signature(method)}"
        text += [f"### {title}\n", f"```text\n{call}\n```\n", f"{_docstring(member)}\n"]
    text.append("## What it is given\n")
    for kind in (ModelSpec, OptimizerSpec, EpochBatches):
        text += [f"### {kind.__name__}\n", f"{_docstring(kind)}\n"]
    return "\n".join(text)


MADE: dict[str, Callable[[], str]] = {
    "commands": _list_of_commands,
    "fields of a record": fields_of_a_record,
    "contract of an adapter": contract_of_an_adapter,
}


def _put_in(_: Sphinx, __: str, content: list[str]) -> None:
    """Replace each marker of a page; one that nothing is known of ends the build."""
    text = NAMED_AS_A_FILE.sub("[]", content[0])
    content[0] = MARKER.sub(lambda found: MADE[found[1]](), text)


def setup(site: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    site.connect("builder-inited", _write_commands)
    site.connect("source-read", _put_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
