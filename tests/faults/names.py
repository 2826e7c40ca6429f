"""Names made to break out of what shows them: HTML, Markdown, LaTeX, CSV, a terminal."""

from __future__ import annotations

import csv
import html.parser
import json
import re
import shutil
from pathlib import Path
from typing import Any

from tests.faults.campaign import Kind
from tests.faults.scene import Scene

MARK = "zqxj"  # in every hostile name, and nowhere else
HOSTILE = (
    f"<script>{MARK}()</script>",
    f'"><img src=x onerror={MARK}()>',
    f"' onmouseover='{MARK}()",
    f"</script><svg onload={MARK}()>",
    f"</style><b>{MARK}",
    f"<!-- {MARK}",
    f"]]> {MARK} {{{{ 7 * 7 }}}} {{% raw %}}",
    f"javascript:{MARK}()",
    f"{MARK} | a | b |",
    f"{MARK}\n| --- |\n# heading",
    f"[{MARK}](javascript:alert(1)) ![x](http://x/)",
    f"`{MARK}``` ~~~",
    f"\\input{{/etc/passwd}} {MARK}",
    f"\\write18{{{MARK}}} $x$ % & # _ ^^M",
    f"}}\\end{{tabular}} {MARK}",
    f'=HYPERLINK("http://x/","{MARK}")',
    f"@SUM({MARK})",
    f"+{MARK}",
    f"-2+3+cmd|' /C calc'!{MARK}",
    f"\t={MARK}",
    f"\r\n={MARK}",
    f"＝{MARK}",
    f"\x1b[2J\x1b[H{MARK}",
    f"\x1b]0;{MARK}\x07",
    f"\x1b]8;;http://x/\x07{MARK}\x1b]8;;\x07",
    f"\x9b31m{MARK}",
    f"{MARK}\x08\x08\x7f\x00",
    f"\u202e{MARK}\u2066",
    f"\u2028{MARK}\u2029",
    f"../../../{MARK}",
    f"%s%n{MARK}{{0.__class__}}",
    f"[bold red]{MARK}[/]",
    f"[link=http://x/]{MARK}[/link]",
    MARK + "x" * 5_000,
    f"{MARK} \U0001f469\u200d\U0001f4bb e\u0301",
)
# Strings that say what a record is; others would make it none.
LEFT = frozenset(  # which are no free texts: a record with another word in them is refused
    (
        *("outcome", "optimizer", "device", "schema_version", "regime", "epsilon_form"),
        *("generator", "run_id"),
    )
)


class _Outline(html.parser.HTMLParser):
    """The elements and attributes of a page, but for what scripts and styles of ours hold."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name.startswith("on") and MARK in (value or ""):
                self.found.append(f"{tag} has {name}={value!r}")
            if name in ("href", "src") and (value or "").strip().lower().startswith("javascript"):
                self.found.append(f"{tag} has {name}={value!r}")
        if tag in ("img", "iframe", "object", "svg") and MARK in str(attrs):
            given = [name for name, value in attrs if MARK in name]
            if given:
                self.found.append(f"{tag} has attributes {given}")


def _named(document: Any, draw: Any, path: tuple[str, ...] = ()) -> Any:
    """The document with some of its free texts made hostile."""
    if isinstance(document, dict):
        return {key: _named(value, draw, (*path, key)) for key, value in document.items()}
    if isinstance(document, list):
        return [_named(value, draw, path) for value in document]
    free = isinstance(document, str) and not LEFT & set(path)
    return draw.choice(HOSTILE) if free and draw.random() < 0.4 else document


def _made(scene: Scene) -> Path:
    """A run's folder with hostile names in its records, as many as are still records."""
    scene.expect_told(scene.call(*scene.arguments()), (0,))
    folder = scene.folder / "hostile"
    shutil.copytree(scene.run_folder(), folder)
    draw = scene.random
    for path in sorted((folder / "records").glob("*.json")):
        document = json.loads(path.read_text())
        document["identity"] = _named(document["identity"], draw)
        document["environment"]["versions"] = {draw.choice(HOSTILE): draw.choice(HOSTILE)}
        document["environment"]["variables"] = {draw.choice(HOSTILE): draw.choice(HOSTILE)}
        document["environment"]["warnings"] = [draw.choice(HOSTILE)]
        machine = document["environment"]["machine"]
        document["environment"]["machine"] = _named(machine, draw)
        document["status"]["left_out"] = {"versions": draw.choice(HOSTILE)}
        document["weights"]["checkpoint_error"] = draw.choice(HOSTILE)
        document["settings"]["dataset"] = "npz:" + draw.choice(HOSTILE)
        if draw.random() < 0.5:
            document["status"] |= {"outcome": "failed", "reason": draw.choice(HOSTILE)}
            document["status"]["log_tail"] = "\n".join(draw.sample(HOSTILE, 5))
        else:
            names = document["learning"]["class_names"] or [""] * 10
            document["learning"]["class_names"] = [draw.choice(HOSTILE) for _ in names]
        path.write_text(json.dumps(document), encoding="utf-8")
    return folder


def _reported(scene: Scene, formats: str) -> tuple[Path, str]:
    """The folder of a report with hostile names, and what was printed."""
    folder = _made(scene)
    for leftover in folder.glob("report*"):
        leftover.unlink()
    done = scene.call("report", str(folder), "--format", formats)
    scene.expect_told(done, (0, 1))
    shown = done.out + done.err
    scene.expect("4 records" not in done.err or "cannot" not in done.err, f"none was read: {shown}")
    scene.expect(MARK in shown, f"no name is shown: {shown!r}")
    return folder, shown


def _controls(text: str) -> list[str]:
    """Characters that steer a terminal or hide what is written."""
    return re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def names_in_a_terminal(scene: Scene) -> None:
    """Names with escapes, line feeds, markup, reversed text: shown, none steers the terminal."""
    folder, shown = _reported(scene, "md")
    scene.expect(not _controls(shown), f"it printed {set(_controls(shown))}")
    for command in (("compare", str(folder)), ("history", str(folder)), ("watch", str(folder))):
        done = scene.call(*command)
        scene.expect_told(done, (0, 1, 2))
        found = set(_controls(done.out + done.err))
        scene.expect(not found, f"{command[0]} printed {found}")


def names_in_html(scene: Scene) -> None:
    """Names that are HTML, scripts, handlers, templates: text in the page, nothing else."""
    folder, _ = _reported(scene, "html")
    (path,) = folder.rglob("report.html")
    text = path.read_text(encoding="utf-8")
    outline = _Outline()
    outline.feed(text)
    scene.expect(not outline.found, f"the page has {outline.found}")
    scene.expect(f"<script>{MARK}" not in text, "a script of a name's")
    scene.expect(f"<svg onload={MARK}" not in text, "an element of a name's")
    scene.expect(not _controls(text), f"the page has {set(_controls(text))}")
    scene.expect("{{" not in text or MARK not in text.partition("{{")[2][:20], "a template")


def names_in_markdown(scene: Scene) -> None:
    """Names that are Markdown: every row of a table has its cells, no link, no heading, no HTML."""
    folder, _ = _reported(scene, "md")
    (path,) = folder.rglob("report.md")
    lines = path.read_text(encoding="utf-8").splitlines()
    width = 0
    for line in lines:
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        scene.expect(not cells or not width or cells == width, f"a row of {cells} cells: {line!r}")
        width = cells
        scene.expect(not re.match(r"#+ heading", line), "a heading of a name's")
        bare = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", line)
        bad = re.search(r"<(script|img|svg|b)\b|\]\((javascript|http://x)|onerror=", bare)
        scene.expect(not bad, f"not escaped: {line!r}")
    text = "\n".join(lines)
    scene.expect(not _controls(text), f"it has {set(_controls(text))}")


def names_in_latex(scene: Scene) -> None:
    """Names that are LaTeX: no command of theirs is left."""
    folder, _ = _reported(scene, "latex")
    text = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.tex"))
    scene.expect(text, "no file")
    for bad in (r"\input{", r"\write18", "^^M"):
        scene.expect(bad not in text, f"{bad} is left")
    tables = text.count(r"\begin{tabular}"), text.count(r"\end{tabular}")
    scene.expect(tables[0] == tables[1], f"{tables} tables begun and ended")
    scene.expect(not _controls(text), f"it has {set(_controls(text))}")


def names_in_csv(scene: Scene) -> None:
    """Names that are formulas: every cell is text, on one line, of the right column."""
    folder, _ = _reported(scene, "csv")
    files = sorted(folder.rglob("*.csv"))
    scene.expect(files, "no file")
    for path in files:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        for row in rows:
            scene.expect(len(row) == len(rows[0]), f"{path.name}: a row of {len(row)} cells")
            for cell in row:
                harmful = MARK in cell and re.match(r"[=+\-@\t\r＝＋－＠]", cell)
                scene.expect(not harmful, f"{path.name}: {cell!r} is a formula")
                scene.expect("\n" not in cell, f"{path.name}: {cell!r} has lines")


KINDS = tuple(
    map(
        Kind,
        (names_in_a_terminal, names_in_html, names_in_markdown, names_in_latex, names_in_csv),
    )
)
