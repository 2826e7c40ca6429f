r"""A report's data → LaTeX tables with booktabs, to be taken into a paper by \input.

Needs \usepackage{booktabs} and a text encoding of UTF-8, which LaTeX has by itself since 2018.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bench import __version__
from report.analysis.comparison import Comparison
from report.report_data import ReportData
from report.tables import contents
from report.tables.main import Column, Shown, columns
from report.tables.sections import Section
from report.text import Given, Note, plain
from report.wording import citation, notes

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    '"': r"\char34{}",
}
OWN = {
    "–": "--",
    "−": r"\ensuremath{-}",
    "±": r"\ensuremath{\pm}",
    "×": r"\ensuremath{\times}",
    "·": r"\ensuremath{\cdot}",
    "≤": r"\ensuremath{\le}",
    "≥": r"\ensuremath{\ge}",
    "…": r"\ldots{}",
    "√": r"\ensuremath{\surd}",
    "²": r"\textsuperscript{2}",
    "⁹": r"\textsuperscript{9}",
    "ε": r"\ensuremath{\varepsilon}",
    "�": "?",
}


def latex(data: ReportData) -> str:
    """A table for each comparison and for each of its sections; comments say what they are of."""
    parts = [
        "% Tables of lenet-bench. The preamble needs: \\usepackage{booktabs}\n"
        "% Names in scripts other than Latin need XeLaTeX or LuaLaTeX and a font that has them.",
    ]
    if data.stripped:
        parts.append(f"% {notes.plain_note(data.stripped)}")
    if not data.compared and not data.profiles:
        parts.append("% No records: there is nothing to show.")
    for number, comparison in enumerate(data.compared, 1):
        parts += _comparison(comparison, f"bench-{number}")
    for number, section in enumerate(contents.across(data.compared, data.profiles), 1):
        parts += _section(section, f"bench-sweep-{number}", ())
    return "\n\n".join(parts) + "\n"


def bibtex(compared: Sequence[Comparison], records_csv: str | None) -> str:
    """The citation of a report as an entry for BibTeX, to be typed into a file of them."""
    year = citation.year(compared)
    fields = {
        "title": f"{{{citation.TITLE}}}",
        "author": f"{{{citation.AUTHORS}}}",
        "version": __version__,
        **({"year": escaped(year)} if year else {}),
        "note": _note(citation.run(compared, records_csv)),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
    return "\n".join(["@software{lenet-bench,", *lines, "}"])


def escaped(text: str) -> str:
    """Text that LaTeX sets as it is, whatever it holds."""
    text = "".join(SPECIAL.get(c, c) for c in plain(text))
    text = re.sub(r"([-'!?,])(?=[-'`])", r"\1{}", text)  # pairs that would become one sign
    return "".join(OWN.get(c, c) for c in text)


def _comparison(comparison: Comparison, label: str) -> list[str]:
    shown = columns(comparison)
    caption = (*notes.title(comparison.setup), ". ", *notes.settings(comparison), ".")
    names = [column.name for column in shown]
    parts = []
    if comparison.rows:
        below = notes.notes(comparison, names)
        parts.append(_table(shown, comparison.rows, caption, label, below))
    for number, section in enumerate(contents.below(comparison), 1):
        parts += _section(section, f"{label}-{number}", notes.title(comparison.setup))
    return parts


def _section(section: Section, label: str, of: Note) -> list[str]:
    title: Note = (section.title, *(": " for _ in of[:1]), *of, ".")
    last = len(section.tables)
    return [
        _table(
            table.columns,
            table.rows,
            title,
            f"{label}-{at}" if last > 1 else label,
            section.notes if at == last else (),
        )
        for at, table in enumerate(section.tables, 1)
    ]


def _table(
    shown: Sequence[Column[Shown]],
    rows: Iterable[Shown],
    caption: Note,
    label: str,
    below: Sequence[Note],
) -> str:
    alignments = "".join("l" if one.is_text else "r" for one in shown)
    lines = [
        r"\begin{table}",
        r"  \centering\small",
        rf"  \caption{{{_note(caption)}}}",
        rf"  \label{{tab:{label}}}",
        rf"  \begin{{tabular}}{{@{{}}{alignments}@{{}}}}",
        r"    \toprule",
        _row(escaped(one.heading()) for one in shown),
        r"    \midrule",
        *(_row(_cell(one.cell(row)) for one in shown) for row in rows),
        r"    \bottomrule",
        r"  \end{tabular}",
    ]
    if below:
        said = " ".join(_note(note) for note in below)
        lines.append(rf"  \par\smallskip\footnotesize {said}")
    return "\n".join([*lines, r"\end{table}"])


def _row(cells: Iterable[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"


def _cell(content: str | Given) -> str:
    if isinstance(content, Given):
        return escaped(plain(content.text, content.limit))
    return escaped(content)


def _note(note: Note) -> str:
    """A sentence; the spaces around its fragments stay."""
    parts = []
    for part in note:
        if isinstance(part, Given):
            parts.append(escaped(plain(part.text, part.limit)))
        else:
            spaces = re.match(r"(\s*)(.*?)(\s*)$", part, re.DOTALL)
            before, middle, after = spaces.groups() if spaces else ("", part, "")
            parts.append(" " * bool(before) + escaped(middle) + " " * bool(after and middle))
    return "".join(parts)
