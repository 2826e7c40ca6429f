from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable

import pytest
from rich.cells import cell_len
from rich.console import Console

from bench.results.record import Record
from report.analysis.comparison import compare
from report.formats.terminal import print_summary
from report.tables.main import columns

Make = Callable[..., Record]


def printed(records: list[Record], width: int = 100, **options: object) -> str:
    console = Console(file=io.StringIO(), width=width, **options)  # type: ignore[arg-type]
    print_summary(compare(records), console)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
def test_no_line_is_wider_than_the_console(frozen: list[Record], make: Make, width: int) -> None:
    long = make(framework="ネットワーク" * 60, framework_version="v" * 300, dataset="d" * 300)
    for line in printed([*frozen, long], width).splitlines():
        assert cell_len(line) <= width


@pytest.mark.parametrize("width", [60, 80, 10_000])
def test_names_are_never_cut(make: Make, width: int) -> None:
    name, file = "framework-with-a-name:variant-of-it", f"npz:/data/{'folder/' * 20}images.npz"
    text = printed([make(framework=name, dataset=file)], width)
    folded = "".join(text.split())
    assert file in folded
    assert "framework-with-a" in folded
    assert text.count("…") == text.count("5f…"), "but for the machine's fingerprint"
    if width == 10_000:
        assert any(name in line for line in text.splitlines())
        assert any(file in line for line in text.splitlines())


def test_at_100_columns_no_figure_is_cut(frozen: list[Record]) -> None:
    table = printed(frozen).split("- Test accuracy")[0].split("Framework")[1]
    assert "…" not in table


def test_narrow_consoles_leave_out_columns_and_say_so(frozen: list[Record]) -> None:
    text = " ".join(printed(frozen, 60).split())
    assert "No room here for: Seeds, 95 %, With compile," in text
    assert "Versions: torch 2.9.1, keras 3.12.0." in text
    assert "Parameters: 61,706." in text
    assert "Versions: torch 2.9.1, keras 3.12.0." in text
    assert "No room here" not in printed(frozen, 160)
    (comparison, *_) = compare(frozen)
    never = [column.name for column in columns(comparison) if column.drop_priority == 0]
    assert never == ["Framework", "Test acc.", "Images/s", "Status"]


def test_networks_of_unlike_size_are_told_apart(make: Make) -> None:
    records = [make(), make(framework="keras", parameters=44_426)]
    text = " ".join(printed(records, 60).split())
    assert "Parameters: " in text
    assert "torch 61,706" in text
    assert "keras 44,426" in text


def test_text_from_records_is_not_markup(make: Make, failed: Make) -> None:
    name = "[bold]x[/bold]:boom:"
    text = printed(
        [
            make(framework=name, dataset="[/]", fit="[blink]", machine_cpu="[red]cpu"),
            failed(
                seed=1,
                framework=name,
                dataset="[/]",
                fit="[blink]",
                machine_cpu="[red]cpu",
                reason="[link=http://x]y[/link] \x1b[2J\x1b]0;title\x07\x9b31m\u202e\x07",
            ),
        ]
    )
    assert name in text
    for literal in ("[/] ·", "[blink]", "[red]cpu", "[link=http://x]y[/link]"):
        assert literal in text
    assert not any(character in text for character in "\x1b\x07\x9b\u202e")


def test_colours_only_where_the_console_has_them(make: Make) -> None:
    records = [make(), make(framework="keras", order_sha256="0")]
    assert "\x1b[1;31mNOT AN EQUAL" in printed(
        records, color_system="standard", force_terminal=True
    )
    assert "\x1b" not in printed(records, color_system=None)


def test_consoles_without_unicode(frozen: list[Record], make: Make) -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii")
    print_summary(compare([*frozen, make(framework="Сеть")]), Console(file=file, width=100))
    file.flush()
    assert b"98.10 +/- 0.10" in raw.getvalue()


def test_no_record() -> None:
    assert printed([]) == "No records: there is nothing to show.\n"


def test_no_run_that_is_ok(failed: Make) -> None:
    text = printed([failed(), failed(seed=1), failed(framework="flux", reason=None)])
    assert "No run succeeded: there are no figures." in text
    assert "torch, seeds 0, 1: failed: it broke" in text
    assert "flux, seed 0: failed: no reason was recorded" in text
    assert "Test accuracy:" not in text


def test_one_cell(make: Make) -> None:
    text = printed([make()])
    assert "one seed (0) only, so no ±" in text
    assert "98.00 " in text
    assert "±" not in text.split("- Test accuracy")[0]
    assert "Equal between" not in text


def test_no_target(make: Make) -> None:
    text = printed(
        [make(target_accuracy=None, time_to_target_s=None, time_to_target_with_compile_s=None)]
    )
    assert "target none" in text
    assert "To target" not in text


def test_target_never_reached(make: Make) -> None:
    missed = {"time_to_target_s": None, "time_to_target_with_compile_s": None}
    text = printed([make(seed=seed, **missed) for seed in range(3)], 160)
    assert "> 12.0 (0/3)" in text
    assert "> 13.5 (0/3)" in text
    assert "> t: the median is t or longer" in " ".join(text.split())
    assert "not reached (0/1)" in printed([make(epoch_s=[], compile_s=None, **missed)])


def test_names_that_are_not_ascii(make: Make) -> None:
    text = printed([make(framework="Сеть", dataset="手書き数字", machine_cpu="naïve")])
    assert all(name in text for name in ("Сеть", "手書き数字", "naïve"))


def test_device_memory_has_a_column_where_it_was_measured(make: Make) -> None:
    text = printed([make(device="gpu", peak_device_bytes=3 * 2**30)], 160)
    assert "3,072" in text
    assert "device" not in printed([make()], 160)


def test_the_terminal_needs_neither_pandas_nor_jinja() -> None:
    """They are an extra; without it a run still ends with its table."""
    heavy = "{'pandas', 'jinja2'} & set(sys.modules)"
    code = f"import sys, report.formats.terminal; sys.exit(bool({heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
