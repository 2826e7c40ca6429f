"""What people read: a table, and Markdown that nothing from outside can break."""

from __future__ import annotations

from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from pydantic import ValidationError
from rich.console import Console

from bench.cli.views import gate as gate_view
from bench.gate import result
from bench.gate.cases import Case, Pair, Windows
from bench.gate.decision import Judge, Rule
from bench.gate.repository import Revision
from bench.system import machine
from bench.system.state import Machine
from tests.golden_texts import assert_golden

GOLDEN = Path(__file__).parent / "golden" / "summary.txt"
EVIL = "evil | <script>alert(1)</script> `x` @all\n# title [a](http://b.c) \x1b[31m"
CASES = (Case(framework="torch"), Case(framework=EVIL, threads=2))


def made(slowdown: float, error: str = "", pairs: int = 24) -> result.Result:
    rule = Rule.of(0.05, len(CASES))
    judge = Judge(CASES, rule)
    taken: list[Pair] = []
    while judge.open and len(taken) < pairs:
        for case in judge.open:
            slow = 1 + (slowdown if case is CASES[1] else 0.0)
            base = Windows(seconds=(0.1,) * 4, own_cpus=(1.0,) * 4, other_cpus=(0.0,) * 4)
            head = Windows(seconds=(0.1 * slow,) * 4, own_cpus=(1.0,) * 4, other_cpus=(0.0,) * 4)
            taken.append(Pair(case=case, first="base", steps=8, base=base, head=head, took_s=5))
            judge.add(case, taken[-1].observation)
        judge.look()
    judge.end("the time budget was spent | <b>")
    revision = result.commit(Revision("feature/<i>", "0123456789abcdef", EVIL), "/usr/bin/python")
    return result.Result(
        version="0",
        outcome="error" if error else judge.outcome,
        reason=error,
        base=revision,
        head=revision,
        settings=result.settings(rule),
        budget_s=900,
        took_s=321,
        seed=0,
        notes=("a note with <b> and | in it",),
        machine=machine.describe(),
        findings=tuple(
            result.finding(cell, [p for p in taken if p.case == case], rule.level)
            for case, cell in judge.cells.items()
        ),
        pairs=tuple(taken),
    )


@pytest.mark.parametrize(
    ("of", "word"),
    [
        (made(0.0), "pass"),
        (made(0.2, pairs=60), "regression"),
        (made(0.2, pairs=8), "inconclusive"),
        (made(0.0, error=f"head: torch failed\n    ```\n    {EVIL}"), "error"),
    ],
    ids=["pass", "regression", "inconclusive", "error"],
)
def test_markdown_shows_every_outcome_and_runs_nothing(of, word):
    assert of.outcome == word
    text = gate_view.markdown(of)
    assert f"Throughput gate: {word}" in text
    # As the reader of a pull request gets it: HTML would be passed on.
    shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert "<script" not in shown
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert "<a " not in shown
    assert shown.count("<h1>") == 0
    if word != "error":
        assert shown.count("<tr>") == 3
        assert shown.count("<td") == 2 * len(gate_view.COLUMNS)
    assert "\x1b" not in text


HERE = Machine(
    fingerprint="0" * 64,
    cpu="Example CPU",
    architecture="x86_64",
    logical_cpus=8,
    usable_cpus=4,
    cpu_quota=None,
    memory_bytes=2**34,
    gpu=None,
    gpu_driver=None,
    system="Linux",
    kernel="6.1",
    python="3.12.0",
)


def test_all_that_is_shown():
    told = []
    for of in (
        *(made(0.0), made(0.03), made(0.2, pairs=60), made(0.2, pairs=8)),
        made(0.0, error="head: torch failed"),
    ):
        console = Console(width=150, force_terminal=False)
        with console.capture() as captured:
            console.print(gate_view.table(of, console.width))
        whole = gate_view.markdown(of.model_copy(update={"machine": HERE}))
        told += [f"== {of.outcome}", whole, captured.get()]
    lines = "\n".join(told).splitlines()
    assert_golden(GOLDEN, "".join(f"{line.rstrip()}\n" for line in lines))


def test_the_table_has_the_figures():
    console = Console(width=140, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as captured:
        console.print(gate_view.table(made(0.2, pairs=60), console.width))
    text = captured.get()
    assert "+20.0 %" in text
    assert "10,240" in text  # 8 steps of 128 images in 0.1 s
    assert "8,533" in text
    assert "torch, batch 128, 1 thread" in text
    assert "0.0039, 0.002" in text  # 2 · 2^-9 by Holm, and then the one that is left
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [140, 90, 80, 70])
def test_a_narrow_table_still_names_cell_and_verdict(width):
    found = made(0.2, pairs=60)
    console = Console(width=width, force_terminal=False)
    ours = found.model_copy(update={"findings": found.findings[:1]})
    with console.capture() as captured:
        console.print(gate_view.table(ours, console.width))
    heading, _, row = captured.get().splitlines()
    assert row.startswith("torch, batch 128, 1 thread")
    assert heading.split()[0] == "Cell"
    assert row.split()[-1] == ours.findings[0].outcome
    assert "Interval" in heading


def test_a_result_is_one_document_that_is_judged_alike():
    for of in (made(0.0), made(0.2, pairs=60), made(0.03)):
        again = result.Result.model_validate_json(of.model_dump_json())
        assert again == of
        assert again.judged_anew().outcome == of.outcome


def test_a_threshold_that_no_gate_has_is_no_result():
    document = made(0.0).model_dump(mode="json")
    document["settings"]["threshold"] = -1.5
    with pytest.raises(ValidationError, match=r"settings\.threshold"):
        result.Result.model_validate(document)
