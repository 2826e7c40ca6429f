"""What every command and option says of itself, word for word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from bench.cli.app import app
from tests.golden_texts import assert_golden

GOLDEN = Path(__file__).parent / "golden" / "commands.txt"


def described(command: Any, name: str) -> Iterator[str]:
    extra = {"allow_extra_args", "ignore_unknown_options"} & {
        what for what, is_so in command.context_settings.items() if is_so is True
    }
    yield f"{' '.join((name, *sorted(extra)))}"
    yield from (f"    {line}".rstrip() for line in (command.help or "").strip().splitlines())
    for one in command.params:
        if one.name == "help":
            continue
        names = "/".join((*one.opts, *one.secondary_opts))
        panel = getattr(one, "rich_help_panel", None)
        how = [
            *(word for word in ("required", "multiple", "is_flag") if getattr(one, word, False)),
            *([f"{one.nargs} values"] if one.nargs != 1 else []),
            *([] if one.default in (None, (), False) else [f"default {one.default!r}"]),
        ]
        about = [one.metavar or "", f"[{panel}]" * bool(panel), ", ".join(how)]
        yield f"  {' '.join((names, *filter(None, about)))}"
        yield f"    {getattr(one, 'help', None)}"
    for child in getattr(command, "commands", {}).values():
        yield from described(child, f"{name} {child.name}")


def test_each_command_says_what_it_does_and_takes():
    lines = described(typer.main.get_group(app), "bench")
    assert_golden(GOLDEN, "".join(f"{line}\n" for line in lines))
