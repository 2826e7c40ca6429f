"""Profiles → CSV: a row a part of a training step."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bench.results.step_profile import StepProfile
from report.text import spreadsheet_cell

COLUMNS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "framework": ("", "text", "name of the adapter"),
        "layer": ("", "text", "nothing: the part belongs to the whole network"),
        "part": ("", "text", "gather, forward, inputs or parameters (gradients), loss, update"),
        "seconds": ("s", "number", "of a batch, the median over rounds"),
        "seconds_low": ("s", "number", "lower end of the 95 % interval"),
        "seconds_high": ("s", "number", "upper end of the 95 % interval"),
        "share_of_step": ("", "number", "seconds over those of a whole step"),
        "flops_per_image": ("FLOP", "whole number", "nothing: nothing is multiplied"),
        "gflop_per_s": (
            "GFLOP/s",
            "number",
            "nothing: nothing is multiplied, or known too roughly",
        ),
        "clean_rounds": ("", "whole number", "rounds that nobody disturbed"),
        "rounds": ("", "whole number", "rounds in all"),
    }
)
"""Unit, form and meaning of each column."""


def table(profiles: Sequence[StepProfile]) -> str:
    """A row a part: seconds with their interval, its share of a step, operations."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in profiles:
        for part in one.rows():
            step_s = one.step_s
            writer.writerow(
                [
                    spreadsheet_cell(one.framework),
                    part.layer or "",
                    part.of,
                    part.seconds.estimate,
                    part.seconds.low,
                    part.seconds.high,
                    part.seconds.estimate / step_s if step_s else "",
                    part.flops or "",
                    part.gflop_per_s(one.batch_size) or "",
                    len(one.clean),
                    len(one.rounds),
                ]
            )
    return out.getvalue()
