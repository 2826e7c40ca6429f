"""`bench report`: records → a table on the terminal, report.md and CSV files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench import store
from bench.errors import StoreError, UsageError
from bench.record import Record


def report(paths: Sequence[Path], out: Path | None) -> int:
    """Read the records below the paths and report on them all together."""
    records, problems = store.read_records(paths)
    if not records and not problems:
        raise UsageError(
            f"there are no records in {', '.join(map(str, paths))}: give run folders, a results "
            "folder or record files"
        )
    show_and_write(records, problems, out or _default_folder(paths), Console())
    return 1 if problems else 0


def show_and_write(
    records: Sequence[Record],
    problems: Sequence[tuple[Path, str]],
    folder: Path,
    console: Console | None,
) -> None:
    """Write the report into the folder; print the table and the paths where there is a console.

    Without the extra `report` the table is printed all the same, and a line tells what is missing.
    """
    from report.terminal import print_summary
    from report.text import plain

    lines = [f"left out {path}: {reason}" for path, reason in problems]
    try:
        lines += [f"wrote {path}" for path in _write(records, problems, folder)]
    except ModuleNotFoundError as error:
        lines.append(f"no report files: {error.name} is missing: pip install 'lenet-bench[report]'")
    if console is None:
        return
    print_summary(records, console)
    for line in lines:
        console.print(plain(line), markup=False, highlight=False, soft_wrap=True)


def _write(
    records: Sequence[Record], problems: Sequence[tuple[Path, str]], folder: Path
) -> list[Path]:
    from report.build import build

    try:
        folder.mkdir(parents=True, exist_ok=True)
        return build(records, folder, problems)
    except OSError as error:
        raise StoreError(
            f"cannot write the report to {folder}: {error.strerror}; give a folder that you may "
            "write to, with room in it: python -m bench report RUN --out FOLDER"
        ) from error


def _default_folder(paths: Sequence[Path]) -> Path:
    """The run's folder where there is one run; the current folder for several."""
    return paths[0] if len(paths) == 1 and paths[0].is_dir() else Path()
