"""`bench gate`: two revisions, one machine, one run → pass, regression, error or inconclusive."""

from __future__ import annotations

import random
import sys
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from bench import __version__
from bench.cli.console import say, standard_output
from bench.cli.gate_request import GateRequest, Prepared, prepare
from bench.cli.views import gate as view
from bench.errors import BenchError, StoreError
from bench.gate import environments, result, schedule
from bench.gate.budget import Budget
from bench.gate.cases import Name, Pair
from bench.gate.decision import EXIT_CODES
from bench.gate.origin import Origins
from bench.gate.pairs import Measuring
from bench.gate.process import Side, SideError
from bench.gate.repository import Checkout
from bench.gate.workspace import workspace
from bench.results.store import write_atomically
from bench.system import machine, signals
from report.text import plain


def gate(asked: GateRequest, *, as_json: bool) -> int:
    """Compare, print, write what was asked for; the exit code says what was found."""
    console, notes = standard_output(), Console(stderr=True, highlight=False)
    try:
        with signals.terminations_interrupt(), workspace() as folder:
            prepared = prepare(asked, folder, notes)
            for name, revision in prepared.revisions.items():
                say(notes, f"{name}: {view.revision(revision)}")
            found = _measure(prepared, folder, notes)
    except KeyboardInterrupt:
        print("interrupted: what was made has been removed", file=sys.stderr)
        return signals.EXIT_CODE
    if as_json:
        print(found.model_dump_json())
    else:
        _print(console, found)
    if found.outcome == "error":
        for line in view.headline(found).splitlines():
            print(
                plain(line) if not line.startswith(" ") else f"    {plain(line)}", file=sys.stderr
            )
    _write(asked, found)
    return EXIT_CODES[found.outcome]


def _write(asked: GateRequest, found: result.Result) -> None:
    """The files that were asked for; StoreError names what could not be written, once all are."""
    faults = []
    for path, write in ((asked.out, _write_json), (asked.markdown, _append_markdown)):
        if path is not None:
            try:
                write(path, found)
            except OSError as error:
                faults.append(f"cannot write {path}: {error.strerror}")
    if faults:
        raise StoreError(f"{'; '.join(faults)}; the verdict is the one above: {found.outcome}")


def _write_json(path: Path, found: result.Result) -> None:
    text = found.model_dump_json(indent=1) + "\n"
    if path.is_file() or not path.exists():
        write_atomically(path, text)
    else:  # a pipe or a device, which must not be replaced by a file
        path.write_text(text, encoding="utf-8")


def _append_markdown(path: Path, found: result.Result) -> None:
    with path.open("a", encoding="utf-8") as file:  # as $GITHUB_STEP_SUMMARY wants
        file.write(view.markdown(found))


def _measure(prepared: Prepared, folder: Path, notes: Console) -> result.Result:
    """Check out, start, alternate, judge."""
    pairs: list[Pair] = []
    error = ""
    sides: dict[Name, Side] = {}
    checkouts = prepared.repository.check_out(prepared.revisions, folder)
    with ExitStack() as stack:
        budget = Budget(prepared.budget_s)
        try:
            sides = _sides(prepared, checkouts, folder, notes)
            budget = Budget(prepared.budget_s)  # making environments is untimed
            status = stack.enter_context(notes.status("starting"))

            def on_pair(pair: Pair) -> None:
                pairs.append(pair)
                status.update(_progress(pair, len(pairs), budget))

            with_ = Measuring(sides, prepared.shape, folder, budget)
            chance = random.Random(prepared.seed)  # noqa: S311 -- an order, not a secret
            schedule.Run(with_, prepared.judge, chance, on_pair).go()
        except BenchError as caught:
            error = str(caught)
            prepared.judge.end("a revision cannot be measured")
        took_s = budget.spent_s
    return _result(prepared, sides, pairs, took_s, error)


def _result(
    prepared: Prepared, sides: dict[Name, Side], pairs: list[Pair], took_s: float, error: str
) -> result.Result:
    judge = prepared.judge
    commits = {
        name: result.commit(revision, str(sides[name].python) if name in sides else "")
        for name, revision in prepared.revisions.items()
    }
    return result.Result(
        version=__version__,
        outcome="error" if error else judge.outcome,
        reason=error,
        base=commits["base"],
        head=commits["head"],
        settings=result.settings(judge.rule),
        budget_s=prepared.budget_s,
        took_s=round(took_s, 1),
        seed=prepared.seed,
        notes=tuple(prepared.notes),
        machine=machine.describe(),
        findings=tuple(
            result.finding(cell, [p for p in pairs if p.case == case], judge.rule.level)
            for case, cell in judge.cells.items()
        ),
        pairs=tuple(pairs),
    )


def _sides(
    prepared: Prepared, checkouts: dict[Name, Checkout], folder: Path, notes: Console
) -> dict[Name, Side]:
    """Checkout and interpreter of each revision."""
    asked, repository = prepared.asked, prepared.repository
    given: dict[Name, Path | None] = {"base": asked.base_python, "head": asked.head_python}
    names = tuple(dict.fromkeys(case.framework for case in prepared.judge.cells))
    worktrees = repository.worktrees()
    tops = (*(checkout.folder for checkout in checkouts.values()), *worktrees)
    roots = tuple(path for top in tops for path in repository.paths(top))
    sides: dict[Name, Side] = {}
    for name, checkout in checkouts.items():
        python = given[name]
        if python is None and prepared.build:
            place, project = folder / f"environment-{name}", checkout.folder / repository.project
            with notes.status(f"making the environment of {name}"):
                try:
                    python = environments.build(checkout.folder, project, place, names)
                except BenchError as error:
                    raise SideError(f"{name}: {error}") from error
        sides[name] = Side(
            name=name,
            # Not resolved: an environment's interpreter is a link, and finds its packages by its
            # place.
            python=(python or Path(sys.executable)).absolute(),
            paths=repository.paths(checkout.folder),
            caches=folder / f"caches-{name}",
            origins=Origins(checkout.folder, worktrees, roots),
            absent=checkout.absent,
        )
    return sides


def _progress(pair: Pair, count: int, budget: Budget) -> str:
    spent, whole = schedule.minutes(budget.spent_s), schedule.minutes(budget.seconds)
    return f"{count} pairs, {spent} of {whole}; last: {pair.case.label}"


def _print(console: Console, found: result.Result) -> None:
    if found.outcome != "error":
        console.print(view.table(found, console.width))
        console.print()
        for cell, reason in view.explanations(found):
            say(console, plain(f"{cell}: {reason}"))
        style = view.STYLES[found.outcome]
        say(console, view.headline(found), style)
    for note in found.notes:
        say(console, plain(note), "dim")
    if found.outcome != "error":
        say(console, view.rule_in_words(found), "dim")
