"""`bench report`: records → a table on the terminal, and files of several formats."""

from __future__ import annotations

import importlib.util
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.cli import parse
from bench.cli.console import standard_output
from bench.config import checks, parsing
from bench.errors import StoreError, UsageError
from bench.results import folders, store
from bench.results.step_profile import is_profile, read_profiles
from report.analysis.throughput import accepting_disturbed
from report.report_data import ReportData
from report.sharing import Stripper
from report.text import Note

# As in report.build, which needs an extra.
FORMATS = ("html", "md", "csv", "latex", "json", "parquet")
SHARED = "shared"  # the folder of a report to be sent on, within that of the other one
NONE = "none"  # in the place of all of them
WRITTEN = ("html", "md", "csv")  # where nothing was asked for
MANY = 2000  # records: from here on a process that draws figures meanwhile saves time


def report(
    paths: Sequence[Path],
    out: Path | None,
    formats: str | None = None,
    baseline: str | None = None,
    *,
    accept_disturbed: bool = False,
    show: bool = False,
    share: bool = False,
) -> int:
    """Read the records below the paths and report on them all together; `show` opens the HTML.

    Profiles of training steps that lie there are in the report, too.

    With `share` a report without the identity of the host, by itself in a folder of its own.

    Ratios are to the framework `baseline`; UsageError where it has no speed in any record. Speeds
    that others disturbed count where they are accepted.
    """
    chosen = formats_of(formats)
    if out is not None:
        checks.folder("--out", out)
    if show and "html" not in chosen:
        raise UsageError("--open shows the HTML report: add html to --format")
    profiles, problems = read_profiles(paths)
    records, unread = store.read_records([path for path in paths if not is_profile(path)])
    problems += unread
    if not records and not profiles:
        if not problems:
            raise UsageError(
                f"there are no records in {', '.join(map(str, paths))}: give run folders, a "
                "results folder or record files"
            )
        (file, reason), *more = problems
        others = f" ({len(more)} more cannot be read)" if more else ""
        raise UsageError(
            f"no record can be read: {file}: {reason}{others}; give run folders, a results folder "
            "or record files"
        )
    if accept_disturbed:
        records = accepting_disturbed(records)
    typed, folder = _commands(paths), out or _default_folder(paths)
    stripped: Note = ()
    if share:
        stripper = Stripper.of_this_machine()
        stripper.learn(records, typed, profiles)
        records = [stripper.record(record) for record in records]
        profiles = [stripper.profiles(one) for one in profiles]
        typed, problems = stripper.commands(typed), stripper.problems(problems)
        stripped, folder = stripper.said, out or folder / SHARED
    data = ReportData.of(
        records, baseline, profiles=profiles, problems=problems, typed=typed, stripped=stripped
    )
    rows = [row for one in data.compared for row in one.rows]
    timed = {row.framework for row in rows if row.images_per_s is not None}
    parse.check_baseline(baseline, timed, "images_per_s", ", ".join(map(str, paths)))
    show_and_write(data, folder, standard_output(), chosen)
    if show and (folder / "report.html").exists():
        webbrowser.open((folder / "report.html").absolute().as_uri())
    return 1 if problems else 0


def show_and_write(
    data: ReportData, folder: Path, console: Console | None, formats: Sequence[str] = WRITTEN
) -> None:
    """Write the report into the folder; print the table and the paths where there is a console.

    Without the extra `report` the table is printed all the same, and a line tells what is missing;
    so it is where a StoreError tells that a file cannot be written.
    """
    from report.formats.terminal import print_summary
    from report.text import plain
    from report.wording.notes import plain_note

    def tell(line: str) -> None:
        if console is not None:
            console.print(plain(line), markup=False, highlight=False, soft_wrap=True)

    if console is not None:  # before the files, which there may be no room for
        print_summary(data.compared, console, data.profiles)
    for path, reason in data.problems:
        tell(f"left out {path}: {reason}")
    if not formats:
        return
    try:
        written = _write(data, folder, formats)
    except ModuleNotFoundError as error:
        tell(f"no report files: {error.name} is missing: pip install 'lenet-bench[report]'")
    else:
        for path in written:
            tell(f"wrote {path}")
        if data.stripped:
            tell(plain_note(data.stripped))


def _write(data: ReportData, folder: Path, formats: Sequence[str]) -> list[Path]:
    from report.build import FORMATS, build

    chosen = [form for form in FORMATS if form in formats]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return build(data, folder, chosen, aside=len(data.records) >= MANY)
    except OSError as error:
        raise StoreError(
            f"cannot write the report to {folder}: {error.strerror}; choose a folder that is "
            "writable and has space: python -m bench report RUN --out FOLDER"
        ) from error


def formats_of(text: str | None, *, or_none: bool = False) -> tuple[str, ...]:
    """The formats that were asked for; UsageError names one that there is not, or what it lacks.

    Where `or_none`, the word "none" by itself stands for no format at all.
    """
    if text is None:
        return WRITTEN
    chosen = parsing.split(text)
    if or_none and tuple(chosen) == (NONE,):
        return ()
    if or_none and NONE in chosen:
        raise UsageError(f"--format {text!r}: none stands by itself; leave it or the others out")
    unknown = [one for one in chosen if one not in FORMATS]
    if unknown or not chosen:
        what = f"unknown format {unknown[0]!r}" if unknown else f"--format {text!r} names no format"
        allowed = (*FORMATS, NONE) if or_none else FORMATS
        raise UsageError(f"{what}: choose from {', '.join(allowed)}")
    if "parquet" in chosen and importlib.util.find_spec("pyarrow") is None:
        raise UsageError("--format parquet needs pyarrow: pip install 'lenet-bench[parquet]'")
    return tuple(chosen)


def _commands(paths: Sequence[Path]) -> dict[str, tuple[str, ...]]:
    """The arguments that runs were started with, as far as their folders are at hand."""
    found: dict[str, tuple[str, ...]] = {}
    for path in paths:
        found |= folders.commands_of(path)
    return found


def _default_folder(paths: Sequence[Path]) -> Path:
    """The run's folder where there is one run; the current folder for several."""
    return paths[0] if len(paths) == 1 and paths[0].is_dir() else Path()
