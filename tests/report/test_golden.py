"""Frozen records → the files and the table, byte for byte.

By hand, first machine, target 97 %:
torch   accuracy 98.0 98.1 98.2: mean 98.10, deviations -0.1 0 0.1, std √(0.02/2) = 0.10
        images/s 12000 15000 13000: median 13,000; logarithms 9.3927 9.6158 9.4727, mean 9.4937,
        s 0.1130, t(2) 4.303: 9.4937 ± 0.2807, so 10,026 to 17,581; CV 1528/13333 = 11.5 %
        reached 3 of 3: Wilson 1/(1 + 3.8415/3) = 44 to 100 %; mean 28.7/3 = 9.57, error 0.731
        to target 8 9.6 11.1: 9.60; with compilation 9.5 11.6 13.6: 11.6
        compilation 1.5 2 2.5: 2.00; peak 500 500 512 MiB: 512
        certified: 4 checks; of their bounds logits 2.5e-7/1e-5 = 2.5 %, gradients 4e-6/2e-5 = 20 %
        and 5 %, classes 0 of 0, so at most 20 %
keras   ok at seeds 0 and 1, diverged at 2; records of schema 1, without certificate
        accuracy 97.0 97.5: mean 97.25, deviations ±0.25, std √(2 · 0.0625/1) = 0.35
        images/s 6000 7000: median 6,500; compilation 4 3: 3.50
        ratios to torch 6/12, 7/15: √(0.5 · 0.4667) = 0.483, two pairs
        restricted mean: 16 + 2/3 · (24 - 16) = 21.3, error 2/3 · 8/√6 = 2.18
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

By hand, the records with windows; eight blocks: seeds 0 to 3, each once more for speed alone:
torch          images/s 10000 10200 9800 10100 9900 10400 10000 10300: median 10,050
               the second least and greatest weigh 4.725/5.05, the least and greatest the rest:
               9,893.6 to 10,306.4 (levels 99.22 and 92.97 %)
               2.5e6 operations an image: 25.1 GFLOP/s; the limit is NumPy's 110: 22.8 %
               64 J over 4 windows of 50 steps of 64 images: 5 J for 1,000
torch:compile  1.25 1.2 1.3 1.25 1.2 1.3 1.25 1.25 times that: median of the products 12,562.5
               its first step takes 19.5 s more, its epoch 4.8 - 3.84 s less: ahead after 20.3
               log ratios a = 0.2231 four times, b = 0.1823 and c = 0.2624 twice; of their 36 means
               three are b, then eight (a + b)/2 = 0.2027, four (b + c)/2, ten a: the median is a.
               Three comparisons, all with the same p, so each is held to 0.05/3 = 0.0167:
               2 P(W < 2) = 0.0156 and 2 P(W < 3) = 0.023, so the 2nd least and greatest bound the
               interval: exp b = 1.2, exp c = 1.3; turned round 0.769 to 0.833
keras          half of torch:compile, but 2704 at the sixth, which is flagged: the quartiles are
               6,075 and 6,327, so the fence is at 5,319
signed ranks of eight equal signs: p = 2/2⁸, three times by Holm: 0.023
Batch 128: torch 1.5 times and keras 1.8 times as fast as at 64, in two blocks of speed alone.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from bench.results.record import Record
from report.analysis.comparison import compare
from report.build import build
from report.formats.terminal import print_summary
from report.report_data import ReportData
from tests.golden_texts import assert_golden

GOLDEN = Path(__file__).parent / "golden"


def printed(records: list[Record], width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_summary(compare(records), console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


@pytest.fixture(scope="module")
def in_windows() -> list[Record]:
    """Records of schema 3: windows, repeats, a variant, a second batch size."""
    folder = Path(__file__).parent / "frozen-windows" / "records"
    return [Record.model_validate_json(file.read_text()) for file in sorted(folder.glob("*.json"))]


def test_report_of_windows(in_windows: list[Record], tmp_path: Path) -> None:
    build(ReportData.of(in_windows), tmp_path)
    made = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert_golden(GOLDEN / "windows-report.md", made)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_terminal_of_windows(in_windows: list[Record], width: int) -> None:
    assert_golden(GOLDEN / f"windows-terminal-{width}.txt", printed(in_windows, width))


@pytest.mark.parametrize("name", ["report.md", "records.csv", "epochs.csv"])
def test_files(frozen: list[Record], tmp_path: Path, name: str) -> None:
    build(
        ReportData.of(frozen, problems=[(Path("results/x/broken.json"), "not JSON: `}` expected")]),
        tmp_path,
    )
    assert_golden(GOLDEN / name, (tmp_path / name).read_bytes().decode())


@pytest.mark.parametrize("width", [60, 100, 160])
def test_terminal(frozen: list[Record], width: int) -> None:
    assert_golden(GOLDEN / f"terminal-{width}.txt", printed(frozen, width))


def test_order_of_records_does_not_matter(frozen: list[Record], tmp_path: Path) -> None:
    build(
        ReportData.of(
            frozen[::-1] + frozen,
            problems=[(Path("results/x/broken.json"), "not JSON: `}` expected")],
        ),
        tmp_path,
    )
    for golden in ("report.md", "records.csv", "epochs.csv"):
        assert (tmp_path / golden).read_bytes() == (GOLDEN / golden).read_bytes()
