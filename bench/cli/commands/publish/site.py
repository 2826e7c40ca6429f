"""`bench report --site`: a start page over many runs, with the report of each."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.cli.console import say, standard_output
from bench.errors import UsageError
from bench.results import folders as run_folders
from bench.results import store
from report.analysis.throughput import accepting_disturbed
from report.sharing import Stripper
from report.site.runs import RunRead
from report.text import plain
from report.wording.notes import plain_note


def site(
    paths: Sequence[Path],
    folder: Path,
    *,
    accept_disturbed: bool = False,
    show: bool = False,
    share: bool = False,
) -> int:
    """Write a site of all runs below the paths into the folder; `show` opens its start page.

    Runs are read one after the other. To take identities out all are read before, too: a name
    that one run tells of is taken out of all.
    """
    try:
        from report.site.folder import MOST_DRAWN, START, build_site, claim
    except ModuleNotFoundError as error:
        raise UsageError(
            f"no site: {error.name} is missing: pip install 'lenet-bench[report]'"
        ) from error

    folders = run_folders.run_folders(paths)
    if not folders:
        raise UsageError(
            f"there are no runs in {', '.join(map(str, paths))}: give run folders, or the folder "
            "that holds them, such as results/, or results/published for those that come with the "
            "project"
        )
    claim(folder)
    stripper = _stripper(folders) if share else None
    left_out: list[Path] = []
    named = sorted(folders, key=lambda one: one.name)  # run folders are called by their time
    said = build_site(
        folder,
        _read(folders, stripper, left_out, accept_disturbed=accept_disturbed),
        named[-MOST_DRAWN:],
        lambda: stripper.said if stripper else (),
    )
    console = standard_output()
    for path in said:
        say(console, plain(f"wrote {path}"))
    if stripper:
        say(console, plain_note(stripper.said))
    if left_out:
        say(console, f"{len(left_out)} files could not be read: the start page names them.")
    if show:
        webbrowser.open((folder / START).absolute().as_uri())
    return 1 if left_out else 0


def _stripper(folders: Sequence[Path]) -> Stripper:
    """One that knows the names that any of the runs tells of."""
    stripper = Stripper.of_this_machine()
    for one in folders:
        stripper.learn(store.read_records([one])[0], run_folders.commands_of(one))
    return stripper


def _read(
    folders: Sequence[Path],
    stripper: Stripper | None,
    left_out: list[Path],
    *,
    accept_disturbed: bool,
) -> Iterator[RunRead]:
    """Run after run; the files that cannot be read are added to `left_out`."""
    for one in folders:
        records, problems = store.read_records([one])
        commands = run_folders.commands_of(one)
        left_out += [path for path, _ in problems]
        if accept_disturbed:
            records = accepting_disturbed(records)
        if stripper:
            records = [stripper.record(record) for record in records]
            problems, commands = stripper.problems(problems), stripper.commands(commands)
        yield RunRead(one, records, problems, commands)
