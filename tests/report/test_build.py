from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

import pandas as pd
import pytest
from markdown_it import MarkdownIt

from bench.results.record import PARTS, Record
from report.analysis.configurations import distinct
from report.build import build, markdown
from report.formats.observations import ELSEWHERE, EPOCH_FIELDS, OF_PARTS
from report.report_data import ReportData

Make = Callable[..., Record]
NASTY = "a|b\n`c` <b>&\\|\r\n| d [e](f) \x1b[31m" + "x" * 300


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, keep_default_na=False, na_values=[""], encoding="utf-8")


def approx(expected: object) -> object:
    """Up to the last digits, in which older pandas reads decimal numbers wrongly."""
    return pytest.approx(expected, rel=1e-14, abs=0)


def test_files_are_where_it_says(frozen: list[Record], tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    paths = build(ReportData.of(frozen), out)
    assert paths == [out / name for name in ("report.md", "records.csv", "epochs.csv")]
    assert sorted(out.iterdir()) == sorted(paths)


def test_markdown_names_the_files_that_are_beside_it(frozen: list[Record], tmp_path: Path) -> None:
    said = {}
    for formats in (["md"], ["md", "csv"]):
        build(ReportData.of(frozen), tmp_path / str(len(formats)), formats=formats)
        said[len(formats)] = (tmp_path / str(len(formats)) / "report.md").read_text().count(".csv")
    assert said[1] == 0
    assert said[2] > 2


def test_what_was_there_is_replaced(frozen: list[Record], tmp_path: Path) -> None:
    build(ReportData.of(frozen), tmp_path)
    paths = build(ReportData(), tmp_path)
    assert "No records" in paths[0].read_text(encoding="utf-8")
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_that_cannot_be_replaced_leaves_no_litter(
    frozen: list[Record], tmp_path: Path
) -> None:
    (tmp_path / "report.md").mkdir()
    with pytest.raises(OSError, match=r"report\.md"):
        build(ReportData.of(frozen), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]


def test_csv_read_back_equals_the_records(frozen: list[Record], make: Make, tmp_path: Path) -> None:
    third = make(framework='Сеть, "q"', seed=9, images_per_s=1 / 3, test_loss=1e-300)
    fourth = make(seed=10, windows_s=[0.25, 1 / 3], state_before={"load_1min": 0.5})
    records = distinct([*frozen, third, fourth])
    build(ReportData.of(records), tmp_path)
    table = read(tmp_path / "records.csv")
    assert len(table) == len(records)
    for (_, row), record in zip(table.iterrows(), records, strict=True):
        written = record.model_dump(mode="json")
        machine = written["environment"].pop("machine")
        own = {name: value for part in PARTS for name, value in written[part].items()}
        asked = {
            f"settings.{name}" if name in own else name: value
            for name, value in written["settings"].items()
        }
        given = own | asked | {f"machine_{name}": value for name, value in machine.items()}
        for name in ELSEWHERE:
            given.pop(name, None)
        given["certificate"] = "passed" if record.provenance.certificate else None
        for name in [name for name, value in given.items() if isinstance(value, list | dict)]:
            assert json.loads(row.pop(name)) == given.pop(name)
        assert json.loads(row.pop("versions")) == record.environment.versions
        assert set(row.index) == set(given)
        for name, value in given.items():
            if value is None:
                assert pd.isna(row[name])
            else:
                assert row[name] == (approx(value) if isinstance(value, float) else value)


def test_epochs_read_back_equal_the_records(frozen: list[Record], tmp_path: Path) -> None:
    build(ReportData.of(frozen), tmp_path)
    table = read(tmp_path / "epochs.csv").set_index(["run", "cell"]).sort_index()
    for record in frozen:
        for name in EPOCH_FIELDS:
            values = [
                value for value in attrgetter(OF_PARTS[name].path)(record) if value is not None
            ]
            if values:
                assert table.loc[
                    (record.identity.run, record.identity.cell), name
                ].dropna().tolist() == approx(values)
    assert set(table["epoch"]) == {1, 2, 3}


@pytest.mark.parametrize("start", "=+-@\t\r")
def test_csv_holds_no_formula(make: Make, tmp_path: Path, start: str) -> None:
    formula = f"{start}HYPERLINK(1)" if start in "=+-@" else f"{start}=HYPERLINK(1)"
    names = ("reason", "framework", "dataset", "run", "cell", "framework_version")
    build(ReportData.of([make(machine_cpu=formula, **dict.fromkeys(names, formula))]), tmp_path)
    for name, columns in (
        ("records.csv", (*names, "machine_cpu")),
        ("epochs.csv", ("run", "cell", "framework")),
    ):
        table = read(tmp_path / name)
        assert all(table[column].str.startswith("'").all() for column in columns)


def test_nasty_names_leave_the_markdown_whole(make: Make, failed: Make) -> None:
    common = {
        "framework": NASTY,
        "dataset": NASTY,
        "model": NASTY,
        "fit": NASTY,
        "run": NASTY,
        "machine_cpu": NASTY,
        "machine_fingerprint": NASTY,
        "versions": {NASTY: NASTY},
        "started_at": NASTY,
    }
    records = [
        make(**common, framework_version=NASTY, order_sha256=NASTY, split_sha256=NASTY),
        make(**common | {"framework": "torch", "order_sha256": "b" * 64}),
        failed(**common, seed=1, reason=NASTY),
    ]
    nasty = markdown(ReportData.of(records, problems=[(Path(NASTY.replace("/", "")), NASTY)]))
    tame = markdown(
        ReportData.of(
            [make(), make(framework="keras", order_sha256="e", split_sha256="e"), failed(seed=1)],
            problems=[(Path("a"), "b")],
        )
    )

    def shape(text: str) -> list[str]:
        tokens = MarkdownIt("commonmark").enable("table").parse(text)
        return [token.type for token in tokens if token.type != "inline"]

    assert shape(nasty) == shape(tame)
    assert "\x1b" not in nasty


def test_records_left_out_are_named(make: Make) -> None:
    text = markdown(
        ReportData.of([make()], problems=[(Path("results/a/b.json"), "not whole JSON")])
    )
    assert "- `results/a/b.json`: `not whole JSON`" in text
    assert "Left out" not in markdown(ReportData.of([make()]))


def test_no_record(tmp_path: Path) -> None:
    build(ReportData(problems=[(Path("a.json"), "empty file")]), tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "No records: there is nothing to show." in text
    assert "empty file" in text
    assert len(read(tmp_path / "records.csv")) == len(read(tmp_path / "epochs.csv")) == 0


def test_no_run_that_is_ok(failed: Make) -> None:
    text = markdown(
        ReportData.of([failed(), failed(framework="flux", outcome="timeout", reason="over 60 s")])
    )
    assert "No run succeeded: there are no figures." in text
    assert "| flux | – | – |" in text
    assert "- `flux`, seed 0: timeout: `over 60 s`" in text
    assert "[!WARNING]" not in text


def test_lines_have_no_trailing_space(frozen: list[Record]) -> None:
    text = markdown(ReportData.of(frozen))
    assert all(line == line.rstrip() for line in text.splitlines())
    assert "\n\n\n" not in text


@pytest.mark.xdist_group("report")
def test_drawings_of_an_earlier_report_do_not_stay(report, make: Make, tmp_path: Path) -> None:
    shutil.copytree(report("mistaken").folder, tmp_path, dirs_exist_ok=True)
    own = tmp_path / "figures" / "holiday.png"
    own.write_bytes(b"mine")
    assert (tmp_path / "figures" / "misclassified.svg").exists()
    build(ReportData.of([make(seed=seed) for seed in (0, 1)]), tmp_path, formats=["html"])
    assert not (tmp_path / "figures" / "misclassified.svg").exists()
    assert not (tmp_path / "figures" / "confusion.png").exists()
    assert own.read_bytes() == b"mine"
    assert (tmp_path / "figures" / "throughput.svg").exists()
