"""Frozen records → the files and the table, byte for byte.

By hand, first machine, target 97 %:
torch   accuracy 98.0 98.1 98.2: mean 98.10, deviations -0.1 0 0.1, std √(0.02/2) = 0.10
        images/s 12000 15000 13000: median 13,000, range 12,000–15,000
        to target 8 9.6 11.1: 9.60; with compilation 9.5 11.6 13.6: 11.6
        compilation 1.5 2 2.5: 2.00; peak 500 500 512 MiB: 512
        certified: 4 checks; of their bounds logits 2.5e-7/1e-5 = 2.5 %, gradients 4e-6/2e-5 = 20 %
        and 5 %, classes 0 of 0, so at most 20 %
keras   ok at seeds 0 and 1, diverged at 2; records of schema 1, without certificate
        accuracy 97.0 97.5: mean 97.25, deviations ±0.25, std √(2 · 0.0625/1) = 0.35
        images/s 6000 7000: median 6,500, two runs and so no range; compilation 4 3: 3.50
        to target 16, > 21 (3 epochs of 7 s), > 24 (diverged: the longest, 3 of 8 s)
        so at least median(16, 21, 24) = 21, with compilation median(20, 24, 28) = 24; 1 of 3
flux    unavailable, three times for the same reason
Regimes, of which only torch's matched records have settings and steps to the target:
torch   native at seeds 0, 1, 2 with matched's settings and accuracies: gap 0.00 ± 0.00
        steps 1500 2250, seed 2 missed: median(1500, 2250, > 2250) = 2250; gap 0 ± 0 at 2 of 3 seeds
keras   native 96.4 97.2: mean 96.80, std √(2 · 0.16) = 0.57; steps 2250, > 2250
        gaps -0.6 -0.3: mean -0.45, standard error √(2 · 0.0225)/√2 = 0.15
        native.momentum-form 97.1 at seed 0, +0.10 to 97.0; diverged at 1: median(1500, > 2250)
        lies between 1875 and infinity
Second machine: torch once, no target; it must stand in a table of its own.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from bench.record import Record
from report.build import build
from report.terminal import print_summary

GOLDEN = Path(__file__).parent / "golden"


def printed(records: list[Record], width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_summary(records, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


@pytest.mark.parametrize("name", ["report.md", "records.csv", "epochs.csv"])
def test_files(frozen: list[Record], tmp_path: Path, name: str) -> None:
    build(frozen, tmp_path, [(Path("results/x/broken.json"), "not JSON: `}` expected")])
    assert (tmp_path / name).read_bytes() == (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("width", [60, 100, 160])
def test_terminal(frozen: list[Record], width: int) -> None:
    assert printed(frozen, width) == (GOLDEN / f"terminal-{width}.txt").read_text(encoding="utf-8")


def test_order_of_records_does_not_matter(frozen: list[Record], tmp_path: Path) -> None:
    build(
        frozen[::-1] + frozen, tmp_path, [(Path("results/x/broken.json"), "not JSON: `}` expected")]
    )
    for golden in ("report.md", "records.csv", "epochs.csv"):
        assert (tmp_path / golden).read_bytes() == (GOLDEN / golden).read_bytes()
