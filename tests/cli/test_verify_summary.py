"""The worst errors of many certificates."""

from __future__ import annotations

import io
import math

from rich.console import Console

from bench.cli.commands import verify
from bench.cli.views.certificates import print_worst, share
from bench.contract import ModelOptions, OptimizerSpec
from bench.execution.certify import VerificationResult
from bench.results.certificate import Certificate, Check, Subject
from bench.verification import causes
from bench.workload import models


def _check(name: str, error: float | None, bound: float, case: str = "sgd") -> Check:
    return Check(name=name, case=case, error=error, bound=bound, where="", reason="")


def _examined(
    framework: str, activation: str, *checks: Check
) -> tuple[Subject, VerificationResult]:
    subject = Subject(
        framework=framework,
        device="cpu",
        model="lenet5",
        options=ModelOptions(activation),
        input_shape=(32, 32, 1),
        classes=10,
        optimizers=(OptimizerSpec("sgd"),),
        threads=1,
    )
    certificate = Certificate(
        subject=subject, bench_version="0", made_at="", versions={}, checks=checks
    )
    return subject, VerificationResult(certificate, None, "")


def test_the_share_of_a_bound():
    assert share(_check("logits", 1e-6, 2e-6)) == 0.5
    assert share(_check("batches", 0, 0)) == 0
    assert math.isinf(share(_check("batches", 1, 0)))
    assert math.isinf(share(_check("logits", None, 1)))


def test_a_line_for_each_check_and_framework_names_where_it_was_worst():
    console = Console(file=io.StringIO(), width=200)
    examined = [
        _examined("torch", "relu", _check("logits", 1e-7, 1e-6), _check("loss", 2e-7, 1e-6)),
        _examined("torch", "selu", _check("logits", 4e-7, 1e-6, "adam"), _check("loss", 0, 1e-6)),
        _examined("keras", "relu", _check("logits", None, 1e-6)),
    ]
    print_worst(console, examined)
    rows = [line.split() for line in console.file.getvalue().splitlines() if "1e-06" in line]
    assert [row[:5] for row in rows] == [
        ["logits", "torch", "2", "4e-07", "1e-06"],
        ["keras", "1", "–", "1e-06", "inf%"],
        ["loss", "torch", "2", "2e-07", "1e-06"],
    ]
    assert rows[0][5:] == ["40%", "lenet5", "(selu):", "adam"]


def test_all_networks_are_told_apart_and_can_be_built():
    every = models.every()
    labels = [options.of(name) for name, options in every]
    assert len(set(labels)) == len(labels)
    assert {name for name, _ in every} == set(models.CATALOGUE)
    for name, options in every:
        built = models.build(name, (*models.named(name).size, 1), 10, options)
        assert built.options == options


def test_what_was_left_out_and_what_fails_are_told_in_lines_of_their_own():
    left_out = Check(
        name="optimizer",
        case="adam",
        error=None,
        bound=0.0,
        where="",
        reason="",
        left_out="this adapter has no Adam" + ", and says so at length" * 4,
    )
    failing = _check("logits", 2.0, 1.0, "1400 images")
    subject, verdict = _examined("reference", "relu", left_out, failing)
    console = Console(file=io.StringIO(), width=60, highlight=False)
    verify._print(console, subject, verdict, in_full=True)
    told = console.file.getvalue().splitlines()
    assert left_out.describe() in told
    assert f"logits fails usually because of {causes.USUAL['logits']}." in told
    assert sum("FAILS" in line for line in told) == 1
