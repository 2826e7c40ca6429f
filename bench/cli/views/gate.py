"""The gate's verdict for people: a table on the terminal, Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from bench.gate.decision import Outcome
from bench.gate.repository import Revision
from bench.gate.result import Commit, Finding, Result
from bench.gate.schedule import minutes
from report.text import markdown_cell, markdown_code, plain

COLUMNS = ("Cell", "Base/s", "Head/s", "Slowdown", "Interval", "p by block", "Pairs", "Verdict")
FIRST_TO_GO = ("Pairs", "p by block", "Base/s", "Head/s")  # where the terminal is narrow
STYLES: dict[Outcome, str] = {
    "pass": "green",
    "regression": "bold red",
    "error": "bold red",
    "inconclusive": "yellow",
}
MARKS: dict[Outcome, str] = {"pass": "✅", "regression": "❌", "error": "💥", "inconclusive": "❔"}
NONE = "–"
SHORT_COMMIT = 10
LABEL_WIDTH = 28  # of a known framework's cell; longer ones are folded
WIDE = Console(width=1000)


def table(result: Result, width: int) -> Table:
    """One row a cell: throughput in images/s, slowdown as a share of the base's time.

    What does not fit into so many columns of characters gives way, the least telling first.
    """
    shown = list(COLUMNS)
    for leaving in FIRST_TO_GO:
        narrow = _table(result, shown, LABEL_WIDTH)
        if Measurement.get(WIDE, WIDE.options, narrow).maximum <= width:
            break
        shown.remove(leaving)
    return _table(result, shown)


def _table(result: Result, shown: Sequence[str], label_width: int | None = None) -> Table:
    made = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for heading in shown:
        left = heading in ("Cell", "Verdict")
        is_label = heading == "Cell"
        made.add_column(
            heading,
            justify="left" if left else "right",
            no_wrap=not is_label,
            max_width=label_width if is_label else None,
        )
    for finding in result.findings:
        cells = [Text(plain(text)) for text in _row(finding)]
        cells[-1].stylize(STYLES[finding.outcome])
        made.add_row(*(cells[COLUMNS.index(heading)] for heading in shown))
    return made


def headline(result: Result) -> str:
    """The verdict in a sentence."""
    threshold = share(result.settings.threshold)
    by = {
        outcome: sum(finding.outcome == outcome for finding in result.findings)
        for outcome in STYLES
    }
    total = len(result.findings)
    match result.outcome:
        case "pass":
            which = "the cell is not" if total == 1 else f"none of {total} cells is"
            return f"pass: {which} slower by {threshold} or more"
        case "regression":
            be = "is" if by["regression"] == 1 else "are"
            which = _so_many(by["regression"], total)
            return f"regression: {which} {be} slower by {threshold} or more"
        case "inconclusive":
            return f"inconclusive: {_so_many(by['inconclusive'], total)} could not be decided"
        case "error":
            return f"error: {result.reason}"


def _so_many(count: int, total: int) -> str:
    return "the cell" if total == 1 else f"{count} of {total} cells"


def explanations(result: Result) -> list[tuple[str, str]]:
    """Cell and reason, of each that has one."""
    return [(found.case.label, found.reason) for found in result.findings if found.reason]


def markdown(result: Result) -> str:
    """A summary that fits a comment on a pull request; text from outside is made harmless."""
    lines = [f"### {MARKS[result.outcome]} Throughput gate: {result.outcome}", ""]
    if result.outcome == "error":
        lines += ["```text", *_fenced(result.reason), "```", ""]
    else:
        lines += [f"{headline(result).partition(': ')[2].capitalize()}.", ""]
        lines += [_line(COLUMNS), _line(["---", *["---:"] * (len(COLUMNS) - 2), "---"])]
        for found in result.findings:
            name, rest = found.case.framework, found.case.label[len(found.case.framework) :]
            figures = _row(found)[1:-1]
            verdict = f"{MARKS[found.outcome]} {found.outcome}"
            lines.append(_line([f"{markdown_cell(name)}{rest}", *figures, verdict]))
        lines.append("")
        for cell, reason in explanations(result):
            lines.append(f"- {markdown_code(cell)}: {markdown_code(reason)}")
        if explanations(result):
            lines.append("")
    both = (("base", result.base), ("head", result.head))
    lines += [f"- {name}: {revision(commit, markdown_code)}" for name, commit in both]
    lines += [f"- {markdown_code(note)}" for note in result.notes]
    if result.outcome != "error":
        lines.append(f"- {rule_in_words(result)}")
    lines.append("")
    return "\n".join(lines)


def rule_in_words(result: Result) -> str:
    """What the verdict means, with the numbers of this gate."""
    rule = result.settings
    return (
        f"Slowdown: head's time over base's, less 1, of fresh process pairs, with its "
        f"{share(rule.level)} interval; Base/s and Head/s are medians of all windows, whose ratio "
        f"may differ. Regression: two blocks of {rule.pairs} pairs are slower by "
        f"{share(rule.threshold)} or more with p < {rule.alpha:g}. Pass: the interval ends below "
        f"{share(rule.threshold)}. Took {minutes(result.took_s)} of {minutes(result.budget_s)}."
    )


def share(value: float, *, signed: bool = False) -> str:
    """As a percentage, such as 5 % or +1.3 %."""
    return f"{100 * value:+.1f} %" if signed else f"{100 * value:.3g} %"


def _row(found: Finding) -> list[str]:
    speeds = [f"{speed:,.0f}" for speed in found.images_per_s] if found.images_per_s else [NONE] * 2
    figures = [NONE, NONE]
    if found.slowdown is not None and found.low is not None and found.high is not None:
        interval = f"{share(found.low, signed=True)} to {share(found.high, signed=True)}"
        figures = [share(found.slowdown, signed=True), interval]
    p_values = ", ".join(f"{p:.2g}" for p in found.p_values) or NONE
    return [found.case.label, *speeds, *figures, p_values, f"{found.pairs}", found.outcome]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def revision(of: Revision | Commit, shown: Callable[[str], str] = plain) -> str:
    """Such as `0123456789 (origin/main) The first line of its message`, each part as `shown`."""
    given = "" if of.commit.startswith(of.given) else f" ({shown(of.given)})"
    return f"{shown(of.commit[:SHORT_COMMIT])}{given} {shown(of.subject)}"


def _fenced(text: str) -> list[str]:
    """Lines for a fenced block, none of which can end it."""
    return [plain(line).replace("```", "'''") for line in text.splitlines()]
