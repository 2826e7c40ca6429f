"""How help is laid out: paragraphs as wide as the terminal, examples a line each, flags bare."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup, TyperOption

EXAMPLES = "Examples:"


def laid_out(text: str) -> str:
    """Paragraphs of a docstring in one line each, for the terminal to break; examples as lines."""
    prose, mark, examples = text.partition(f"\n{EXAMPLES}\n")
    paragraphs = [" ".join(one.split()) for one in prose.strip().split("\n\n")]
    if mark:
        lines = [f"  {line.strip()}" for line in examples.strip().splitlines()]
        paragraphs.append("\n".join((EXAMPLES, *lines)))
    return "\n\n".join(paragraphs)


def _without_value(option: Any) -> Any:
    """A flag that is not shown as if it took a value."""
    if isinstance(option, TyperOption) and option.is_flag and option.metavar is None:
        option.metavar = ""
    return option


class Command(TyperCommand):
    """A command whose help is laid out as above."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.help = laid_out(self.help or "")
        for one in self.params:
            _without_value(one)

    def get_help_option(self, ctx: Any) -> Any:
        """The option --help, which takes no value either."""
        return _without_value(super().get_help_option(ctx))


class Group(TyperGroup):
    """A group of commands; its flags are bare, too."""

    def get_params(self, ctx: Any) -> Any:
        """The group's own options."""
        return [_without_value(one) for one in super().get_params(ctx)]
