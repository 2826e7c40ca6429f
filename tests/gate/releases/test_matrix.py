"""The file of measured releases, the matrix and what a search says, from pairs that are made up."""

from __future__ import annotations

import io
import json
import math
import random
from pathlib import Path

import pytest
from rich.console import Console

from bench.cli.views import releases as view
from bench.contract import OptimizerSpec
from bench.errors import StoreError
from bench.execution.child import ChildProcess
from bench.gate.cases import Case, Pair, Windows
from bench.gate.releases import document, matrix
from bench.gate.releases.decision import Verdict, judged, rule_of
from bench.gate.releases.document import Compared, Document, Examined, Release, differing
from bench.gate.releases.search import Found, search
from bench.results.certificate import Certificate, Check, Subject
from bench.system import machine
from bench.system.interpreter import Interpreter
from bench.worker.messages import FindDevices

CASE = Case(framework="torch")
COMPILED = Case(framework="torch:compile")
CERTIFICATE = Certificate(
    subject=Subject(
        framework="torch",
        device="cpu",
        model="lenet5",
        input_shape=(32, 32, 1),
        classes=10,
        optimizers=(OptimizerSpec("adam"),),
        threads=1,
    ),
    bench_version="1",
    made_at="2026-01-31T12:00:00+00:00",
    versions={},
    checks=(Check(name="loss", case="", error=0.0, bound=1.0, where="", reason=""),),
)


def pair(ratio: float, *, case: Case = CASE, noise: float = 0.0, others: float = 0.0) -> Pair:
    """The head takes `ratio` times as long as the base, whose windows are 0.1 s of 8 steps."""

    def side(seconds: float, busy: float) -> Windows:
        return Windows(seconds=(seconds,) * 2, own_cpus=(1.0,) * 2, other_cpus=(busy,) * 2)

    head = side(0.1 * ratio * math.exp(noise), others)
    return Pair(case=case, first="base", steps=8, base=side(0.1, 0.0), head=head, took_s=1.0)


def pairs(ratio: float, count: int = 10, **how: float) -> tuple[Pair, ...]:
    chance = random.Random(1)
    return tuple(pair(ratio, noise=chance.gauss(0.0, 0.003), **how) for _ in range(count))


def release(version: str, *, outcome: str | None = None, **packages: str) -> Release:
    examined = tuple(
        Examined(
            case=case,
            certificate=CERTIFICATE,
            outcome=outcome,
            reason=f"{outcome} for a reason" if outcome else None,
            parameters=None if outcome else 61_706,
        )
        for case in (CASE,)
    )
    return Release(
        version=version, python="3.11.7", packages={"torch": version, **packages}, examined=examined
    )


def made(*compared: tuple[str, str, tuple[Pair, ...]], releases: tuple[Release, ...]) -> Document:
    return Document(
        package="torch",
        distribution="torch",
        machine=machine.describe(),
        left_out={"2.14.0": "torch==2.14.0 cannot be installed:\n    no wheel"},
        releases=releases,
        compared=tuple(
            Compared(case=CASE, base=base, head=head, pairs=found) for base, head, found in compared
        ),
    )


STORED = made(
    ("2.10.0", "2.10.0", pairs(1.0)),
    ("2.10.0", "2.9.0", pairs(1.25)),
    ("2.10.0", "2.11.0", pairs(1.1, others=0.2)),
    ("2.9.0", "2.10.0", pairs(0.8, 7)),
    releases=(
        release("2.11.0", numpy="2.4"),
        release("2.10.0", numpy="2.3"),
        release("2.9.0", numpy="2.3"),
        release("2.12.0", outcome="not-equivalent", numpy="2.3"),
    ),
)


# The matrix


def test_a_row_is_a_release_against_the_reference():
    found = {row.version: row for row in matrix.rows(STORED)}
    assert list(found) == ["2.9.0", "2.10.0", "2.11.0", "2.12.0"]
    assert {row.reference for row in found.values()} == {"2.10.0"}
    reference, slow = found["2.10.0"], found["2.9.0"]
    assert reference.images_per_s == pytest.approx(8 * 128 / 0.1, rel=0.005)
    assert reference.low < 1.0 < reference.high
    assert slow.ratio == pytest.approx(0.8, rel=0.005)
    assert slow.images_per_s == pytest.approx(0.8 * 8 * 128 / 0.1, rel=0.01)
    assert 0.79 < slow.low < slow.ratio < slow.high < 0.81
    assert (slow.pairs, slow.parameters, slow.also, slow.disturbed) == (10, 61_706, {}, False)
    assert slow.certificate.startswith("equivalent, ")


def test_what_else_differs_and_what_others_did_is_in_the_row():
    found = {row.version: row for row in matrix.rows(STORED)}
    assert found["2.11.0"].also == {"numpy": "2.3 → 2.4"}
    assert found["2.11.0"].disturbed


def test_a_release_that_is_not_equivalent_has_no_speed():
    row = matrix.rows(STORED)[-1]
    assert (row.images_per_s, row.ratio, row.low, row.pairs) == (None, None, None, 0)
    assert (row.certificate, row.reason) == ("not-equivalent", "not-equivalent for a reason")


def test_releases_that_nothing_was_measured_of():
    rows = matrix.rows(made(releases=(release("2.9.0"),)))
    assert [(row.reference, row.ratio, row.images_per_s) for row in rows] == [(None, None, None)]
    assert "2.9.0" in view.matrix_markdown([(STORED, rows)])


def test_the_reference_stays_the_one_with_most_pairs():
    assert matrix.reference_of(STORED, CASE) == "2.10.0"
    assert matrix.reference_of(STORED, CASE, ["2.9.0"]) == "2.9.0"
    assert matrix.reference_of(STORED, COMPILED) is None


def test_the_matrix_as_a_table_markdown_and_json():
    of = [(STORED, matrix.rows(STORED))]
    console = Console(width=110, record=True, file=io.StringIO())
    view.print_matrix(console, of)
    table, text = console.export_text(), view.matrix_markdown(of)
    for said in (table, text):
        assert "The reference is torch 2.10.0." in said
        assert "With 2.11.0: numpy 2.3 → 2.4." in said
        assert "2.12.0: not-equivalent for a reason" in said
        assert "Without 2.14.0: torch==2.14.0 cannot be installed:" in said
        assert "61,706" in said
        assert "Other programs were busier" in said
    assert "| 2.9.0 | 8,1" in text
    told = json.loads(json.dumps(view.matrix_document(of)))
    assert told[0]["rows"][0]["version"] == "2.9.0"
    assert told[0]["left_out"].keys() == {"2.14.0"}


# What a search says


def searched(of: Document, versions: tuple[str, ...], *, every: bool = False) -> view.Searched:
    def known(edge: tuple[str, str]) -> Verdict | None:
        return judged(CASE, rule_of(), [p.observation for p in of.pairs(CASE, *edge)]).verdict

    return view.Searched("torch", CASE, versions, every, search(versions, known, every=every))


def said(of: Document, one: view.Searched) -> str:
    return "\n".join(text for text, _ in view.sentences(of, one))


def test_a_change_is_told_with_its_size_and_what_came_with_it():
    of = made(
        ("2.10.0", "2.11.0", pairs(1.1, 18)),
        releases=(release("2.10.0", numpy="2.3"), release("2.11.0", numpy="2.4")),
    )
    one = searched(of, ("2.10.0", "2.11.0"))
    text = said(of, one)
    assert "torch 2.11.0 is 9.0" in text or "torch 2.11.0 is 9.1" in text
    assert "% slower than 2.10.0 (95 % interval -9." in text
    assert "with it came numpy 2.3 → 2.4" in text
    console = Console(width=110, record=True, file=io.StringIO())
    view.print_bisect(console, of, [one], rule_of())
    table = console.export_text()
    assert "slower" in table
    assert "two blocks of 9 pairs" in table
    told = view.bisect_document(of, [one])["searches"][0]
    assert (told["finished"], told["changes"][0]["later"]) == (True, "2.11.0")
    json.dumps(told)


def test_equal_ends_are_told_with_what_they_hide():
    of = made(("2.10.0", "2.11.0", pairs(1.0)), releases=())
    assert "--every" in said(of, searched(of, ("2.10.0", "2.11.0")))
    assert "is a change from" in said(of, searched(of, ("2.10.0", "2.11.0"), every=True))


def test_what_is_not_decided_is_told():
    undecided = Verdict("inconclusive", 0.02, 0.01, 0.03, 27, "too noisy")
    found = Found((), ((("a", "b"), undecided),), (("a", "d"),))
    text = said(STORED, view.Searched("torch", CASE, ("a", "d"), False, found))
    assert "torch a and b: undecided, too noisy" in text
    assert "spread over several" in text
    text = said(STORED, view.Searched("torch", CASE, (), False, None))
    assert "not come to its end" in text
    assert "torch 2.9.0 and 2.10.0: 7 pairs so far" in text


# The file


def test_pairs_are_kept_one_by_one(tmp_path):
    with document.opened(tmp_path, "torch", "torch") as file:
        file.put(release("2.9.0"))
        file.leave_out("2.10.0", "no wheel")
        for number in range(3):
            file.add("2.9.0", "2.11.0", pair(1.0 + number))
            kept = document.read(tmp_path / "torch.json")
            assert len(kept.pairs(CASE, "2.9.0", "2.11.0")) == number + 1
        file.add("2.9.0", "2.11.0", pair(1.0, case=COMPILED))
        file.put(release("2.10.0"))
    with document.opened(tmp_path, "torch", "torch") as file:
        assert len(file.document.pairs(CASE, "2.9.0", "2.11.0")) == 3
        assert len(file.document.pairs(COMPILED, "2.9.0", "2.11.0")) == 1
        assert file.document.pairs(CASE, "2.11.0", "2.9.0") == ()
        assert file.document.left_out == {}


def test_a_folder_that_another_process_measures_into_is_refused(tmp_path):
    with (
        document.opened(tmp_path, "torch", "torch"),
        pytest.raises(StoreError, match="another process measures into"),
        document.opened(tmp_path, "jax", "jax"),
    ):
        pass
    with document.opened(tmp_path, "jax", "jax"):
        pass


def test_a_file_of_another_machine_is_refused(tmp_path):
    other = STORED.machine.model_copy(update={"fingerprint": "of another"})
    text = STORED.model_copy(update={"machine": other}).model_dump_json()
    (tmp_path / "torch.json").write_text(text)
    with (
        pytest.raises(StoreError, match=r"measured on another machine"),
        document.opened(tmp_path, "torch", "torch"),
    ):
        pass


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(StoreError, match="cannot write to"),
        document.opened(tmp_path / "file" / "below", "torch", "torch"),
    ):
        pass


def test_what_differs_between_environments():
    one, other = {"torch": "1", "numpy": "2", "old": "1"}, {"torch": "2", "numpy": "2", "new": "3"}
    assert differing(one, other, "torch") == {"new": "none → 3", "old": "1 → none"}


# The Python of a release


def test_another_python_finds_its_own_packages_and_the_code_that_is_measured():
    of = Interpreter(Path("/env/bin/python"), Path("/code"))
    assert of.command("bench.worker") == ["/env/bin/python", "-P", "-s", "-m", "bench.worker"]
    given = {"PYTHONPATH": "/here", "PYTHONHOME": "/x", "VIRTUAL_ENV": "/y", "PATH": "/bin"}
    assert of.environment(given) == {"PATH": "/bin", "PYTHONPATH": "/code"}


def test_a_python_that_is_not_there_is_told(tmp_path):
    absent = ChildProcess(Interpreter(tmp_path / "python", tmp_path))
    done = absent.call(
        FindDevices(framework="reference", threads=1), log=tmp_path / "log", timeout_s=5.0
    )
    assert done.end.outcome == "failed"
    assert "could not be started: No such file" in (done.end.reason or "")
