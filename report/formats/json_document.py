"""Records and all that was computed of them → one JSON document, for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from report.analysis.comparison import Comparison
from report.analysis.contrasts import base_place, family
from report.analysis.samples import METRICS
from report.report_data import ReportData
from report.tables.contrast_tables import family_values
from report.wording import notes
from report.wording.answer import answer
from report.wording.card import card
from report.wording.report_title import report_title
from report.wording.summary import verdict

VERSION = 2  # of this document; 1 had the schema of the records in its place, and flat records


def document(data: ReportData) -> str:
    """Comparisons with set-up, rows (`comparison.Row`), contrasts and verdict; records; problems.

    Durations are seconds, memory is bytes, accuracies are in [0, 1]; null is what is not known.
    """
    profiles = [one.model_dump(mode="json") for one in data.profiles]
    content = {
        "report_version": VERSION,
        "title": notes.plain_note(report_title(data.compared, data.profiles)),
        **({"stripped": notes.plain_note(data.stripped)} if data.stripped else {}),
        "comparisons": [_comparison(one) for one in data.compared],
        "records": [record.model_dump(mode="json") for record in data.records],
        **({"profiles": profiles} if profiles else {}),
        "problems": [{"file": str(path), "reason": reason} for path, reason in data.problems],
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _comparison(of: Comparison) -> dict[str, Any]:
    told = verdict(of)
    return {
        "setup": asdict(of.setup),
        "answer": {"kind": answer(of).kind, "said": notes.plain_note(answer(of).said)},
        "card": [
            {
                "name": tile.name,
                "value": notes.plain_note(tile.value),
                "sure": [notes.plain_note(note) for note in tile.sure],
            }
            for tile in card(of)
        ],
        "verdict": {
            "headline": notes.plain_note(told.headline),
            "findings": [
                {"name": one.name, "said": [notes.plain_note(note) for note in one.said]}
                for one in told.findings
            ],
        },
        "baseline": of.base.framework if of.base else None,  # what contrasts are to, where it can
        "rows": [asdict(row) for row in of.rows],
        "contrasts": [
            family_values(found, base_place(found, of.baseline))
            for found in (family(of, metric) for metric in METRICS)
            if found.contrasts
        ],
        "records": [
            {"run": record.identity.run, "cell": record.identity.cell} for record in of.everything
        ],
    }
