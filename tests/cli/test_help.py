"""What every command and option says of itself, word for word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from bench.cli.app import app, call
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


def test_flags_take_no_value_and_lines_fit_the_terminal(bench):
    bench.env["COLUMNS"] = "80"
    shown = bench("compare", "--help").stdout
    assert "<bool>" not in shown
    assert "--json  " in shown
    assert (
        "One run: its frameworks are compared with each other, paired by block. Several \n" in shown
    )
    assert "   python -m bench compare results/MONDAY results/TUESDAY" in shown


def test_a_shell_completes_the_installed_command_only(refused, monkeypatch, capsys):
    assert "lenet-bench --install-completion" in refused("--install-completion")
    monkeypatch.setenv("_LENET_BENCH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "lenet-bench run --throughput-o")
    monkeypatch.setenv("COMP_CWORD", "2")
    with pytest.raises(SystemExit):
        call([], program="lenet-bench")
    assert capsys.readouterr().out.split() == ["--throughput-only"]
