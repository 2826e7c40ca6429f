"""The published matrix: its pairs can be read, and the documentation shows what they give."""

from __future__ import annotations

from pathlib import Path

from bench.cli.views import releases as view
from bench.gate.releases import document, matrix

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = [document.read(path) for path in sorted(ROOT.glob("results/published/releases/*.json"))]
ROWS = [(one, matrix.rows(one)) for one in DOCUMENTS]


def test_twelve_releases_were_proved_and_timed():
    timed = [row for _, rows in ROWS for row in rows if row.ratio is not None]
    assert {row.package for row in timed} >= {"torch", "tensorflow", "keras", "jax"}
    assert len({(row.package, row.version) for row in timed}) >= 12
    for row in timed:
        assert row.certificate.startswith("equivalent"), row
        assert row.parameters == 61_706
        assert row.pairs >= 6


def test_the_page_shows_the_table_of_these_pairs():
    page = (ROOT / "docs/tasks/which-release.md").read_text(encoding="utf-8")
    table = view.matrix_markdown(ROWS).rpartition("\n\n")[0]  # without its legend
    assert table in page
