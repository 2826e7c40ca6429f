"""Records a session in a terminal as a picture, `_static/session.svg`, for the README.

    python docs/record_session.py

It runs the commands below, on the published run, and draws what they print, with its colours. The
picture refers to no font on the network; a browser takes its own monospaced one.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from rich.console import CONSOLE_SVG_FORMAT, Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "_static" / "session.svg"
COLUMNS = 100
COMMANDS = (
    "python -m bench compare results/published/mnist-avx2",
    "python -m bench compare results/published/mnist-avx2 --metric time_to_target",
)
WITHOUT_FONTS = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def printed(command: str) -> str:
    """What a command prints to a terminal, with its colours."""
    arguments = shlex.split(command)[1:]
    environment = os.environ | {"COLUMNS": str(COLUMNS), "FORCE_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def picture(session: list[tuple[str, str]]) -> str:
    """Commands, and what each printed, as an SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False)
    for command, output in session:
        console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
        # Versions of rich differ in whether the last end of a line is kept.
        lines = "\n".join(line.rstrip(" ") for line in output.splitlines())
        console.print(Text.from_ansi(lines), end="\n\n")
    drawn = console.export_svg(
        title="lenet-bench", code_format=WITHOUT_FONTS, unique_id="session", font_aspect_ratio=0.61
    )
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(
        picture([(command, printed(command)) for command in COMMANDS]), encoding="utf-8"
    )
