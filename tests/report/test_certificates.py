"""The certificates of a comparison's runs, put together."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from bench.results.record import Record
from report.analysis.certificates import notes, proofs, warnings
from report.analysis.comparison import Comparison, compare
from report.build import markdown
from report.formats.terminal import print_summary
from report.report_data import ReportData
from report.text import Note, plain

Make = Callable[..., Record]


def check(**changes: Any) -> dict[str, Any]:
    usual = {"name": "logits", "case": "200 images", "error": 1e-6, "bound": 1e-5}
    return usual | {"where": "", "reason": "of the largest"} | changes


@pytest.fixture
def certified(make: Make) -> Callable[..., Record]:
    """A record whose certificate holds these checks; other changes as for `make`."""

    def made(*checks: dict[str, Any], subject: dict[str, Any] | None = None, **changes: Any):
        content = make().provenance.model_dump()["certificate"]
        content["checks"] = checks
        content["subject"] |= subject or {}
        return make(**changes, certificate=content)

    return made


def only(records: list[Record]) -> Comparison:
    (comparison,) = compare(records)
    return comparison


def text(note: Note) -> str:
    return "".join(part if isinstance(part, str) else plain(part.text) for part in note)


def said(records: list[Record]) -> list[str]:
    return [text(note) for note in notes(only(records))]


def test_seeds_share_a_certificate(certified: Make) -> None:
    checks = [check(error=2e-6), check(case="7 images", error=5e-6), check(name="loss")]
    records = [certified(*checks, seed=seed) for seed in range(3)]
    first, second = proofs(only(records))
    assert (first.framework, first.regime, first.name) == ("torch", "matched", "logits")
    assert (first.checks, first.worst.case) == (2, "7 images")
    assert (second.name, second.checks) == ("loss", 1)
    assert said(records) == [
        # 2, 5 and 1 of 10 parts: 5 are nearest to the bound
        "Verified against the float64 oracle before timing: "
        "torch 3 checks, at most 50 % of a bound."
    ]


def test_of_two_certificates_the_worse_outcome_counts(certified: Make) -> None:
    records = [certified(check(error=error), seed=n) for n, error in enumerate((8e-6, 3e-6))]
    for given in (records, records[::-1]):
        (proof,) = proofs(only(given))
        assert (proof.checks, proof.worst.error) == (1, 8e-6)


def test_a_failed_certificate_is_not_said_to_be_verified(certified: Make, make: Make) -> None:
    bad = certified(
        check(),
        check(name="gradients", error=3e-5, bound=2e-5, where="conv1/kernel"),
        framework="keras",
        outcome="not-equivalent",
        reason="gradients are off",
        test_accuracy=None,
        images_per_s=None,
    )
    records = [make(), bad]
    assert [line.split(":")[1] for line in said(records) if "Verified" in line] == [
        " torch 4 checks, at most 20 % of a bound."
    ]
    assert not any("keras" in line for line in said(records))
    file = markdown(ReportData.of(records))
    assert "| keras | gradients | 1 | 3e-05 | 2e-05 |" in file
    assert file.count("**fails**") == 1
    assert "- `keras`, seed 0: not-equivalent: `gradients are off`" in file


def test_an_error_that_is_not_finite_is_the_worst(certified: Make) -> None:
    records = [certified(check(error=9e-6), check(case="7 images", error=None))]
    (proof,) = proofs(only(records))
    assert proof.worst.case == "7 images"
    assert not proof.worst.passed
    assert said(records) == []
    assert "| torch | logits | 2 | not finite | 1e-05 | 7 images | **fails** |" in markdown(
        ReportData.of(records)
    )


@pytest.mark.parametrize(("error", "line"), [(0.0, "1 check, at most 0 % of a bound"), (1.0, None)])
def test_a_bound_of_0_allows_only_0(certified: Make, error: float, line: str | None) -> None:
    records = [certified(check(name="classes", error=error, bound=0.0))]
    assert [one for one in said(records) if line and line in one] == said(records)
    assert proofs(only(records))[0].worst.passed == (error == 0)


def test_busy_cpus_are_no_share_of_a_bound(certified: Make) -> None:
    threads = check(name="threads", case="2 asked for", error=2.0, bound=2.5)
    assert "at most 10 % of" in said([certified(check(), threads)])[0]
    over = certified(check(), threads | {"error": 3.0})
    assert said([over]) == []


def test_without_a_certificate(make: Make, failed: Make) -> None:
    old = make(framework="keras", certificate=None)
    absent = failed(framework="flux", outcome="unavailable")
    lines = said([make(), old, absent])
    assert lines[1:] == ["No certificate of equivalence in the records of keras."]
    assert proofs(only([old, absent])) == []
    assert "Certificates of equivalence" not in markdown(ReportData.of([old, absent]))


def test_unverified_runs_are_called_out(make: Make) -> None:
    loose = make(framework="keras", certificate=None, unverified=True)
    (warning,) = warnings(only([make(), loose]))
    assert text(warning) == (
        "UNVERIFIED: run with --unverified, so that nothing proves an equal computation: keras."
    )
    assert not any("keras" in line for line in said([make(), loose]))
    assert warnings(only([make()])) == []
    assert "| ok, unverified |" in markdown(ReportData.of([loose]))


def test_a_regime_has_a_certificate_of_its_own_where_its_optimizer_is_another(
    certified: Make,
) -> None:
    other = {"optimizers": [{"name": "sgd", "momentum": 0.9, "rate_in_momentum": True}]}
    records = [
        certified(check(error=2e-6)),
        certified(check(error=2e-6), regime="native.bias-init"),
        certified(check(error=4e-6), regime="native", subject=other),
    ]
    assert [(p.regime, p.checks) for p in proofs(only(records))] == [("matched", 1), ("native", 1)]
    assert said(records) == [
        "Verified against the float64 oracle before timing: torch 1 check, at most 20 % of a "
        "bound; torch native 1 check, at most 40 % of a bound."
    ]


def test_names_are_not_markup(certified: Make) -> None:
    nasty = "[red]|`<b>x"
    record = certified(check(name=nasty, case=nasty, where=nasty), framework=nasty, regime="native")
    console = Console(file=io.StringIO(), width=400, color_system=None)
    print_summary(compare([record]), console)
    assert f"before timing: {nasty} native 1 check" in console.file.getvalue()  # type: ignore[attr-defined]
    section = markdown(ReportData.of([record])).split("Certificates of equivalence")[1]
    row = next(line for line in section.splitlines() if "1e-05" in line)
    assert row.count("|") == 8
    assert "<b>" not in row
    assert "[red]" not in row
