"""How it was measured and on what, as far as the records tell."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from bench.results.record import Record
from report.analysis.aggregate import known
from report.analysis.comparison import Comparison
from report.tables.main import figure
from report.text import Note, counted
from report.wording import notes


def protocol(comparison: Comparison) -> list[tuple[str, list[Note]]]:
    """Subjects, each with what there is to say of it."""
    ok = [record for record in comparison.everything if record.status.outcome == "ok"]
    return [
        ("Settings", [(*notes.settings(comparison), ".")]),
        ("Processes", [_processes(comparison.everything)]),
        ("Speed", _speed(ok)),
        ("Machine", [(*notes.machine(comparison), ".")]),
        ("Runs", [(*notes.runs(comparison), ".")]),
        ("Versions", notes.versions(comparison)),
    ]


def _processes(records: Sequence[Record]) -> Note:
    blocks = len(
        {
            (record.identity.of_run, record.identity.seed, record.identity.repeat)
            for record in records
        }
    )
    return (
        "Each record is of one framework in a fresh process, with the threads that it was given "
        f"and no more. Records of the same run, seed and repeat are a block, and stand beside each "
        f"other as pairs; there {'is' if blocks == 1 else 'are'} {counted(blocks, 'block')} here."
        f" A seed draws split, order and initial weights for all "
        "frameworks alike.",
    )


def _speed(ok: Sequence[Record]) -> list[Note]:
    in_windows = [record for record in ok if record.throughput.windows_s]
    said: list[Note] = []
    if in_windows:
        count = median(len(record.throughput.windows_s) for record in in_windows)
        length_s = figure(median(median(record.throughput.windows_s) for record in in_windows))
        steps = median(known(record.throughput.window_steps for record in in_windows) or [0.0])
        said.append(
            (
                "Images a second: the images of a window over the median duration of a process's "
                f"windows; {count:g} windows of {steps:g} steps and {length_s} s each, medians "
                "over the processes, after warm-up, with the device synchronised at their edges.",
            )
        )
    if len(in_windows) < len(ok):
        said.append(
            (
                f"{len(ok) - len(in_windows)} of {len(ok)} ok processes were timed by whole "
                "epochs, not in windows.",
            )
        )
    return said or [("No process succeeded.",)]
