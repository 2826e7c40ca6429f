"""The adapter of docs/adding-a-framework.md, as it stands there, is proved and lacks nothing."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from bench.contract import AdapterBase, NotSupportedError, OptimizerSpec
from bench.contract import base as contract_base
from bench.results.certificate import Subject
from bench.system.clocks import Clocks
from bench.verification import problems
from bench.verification.examination import examine
from bench.workload import models
from impls.reference.adapter import ReferenceAdapter

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-framework.md"


@pytest.fixture(scope="module")
def adapter() -> AdapterBase:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    names: dict = {}
    exec(compile(code, str(PAGE), "exec"), names)
    return names["NumpyAdapter"]()


def test_it_passes_the_certificate(adapter):
    """On the smallest network that there is, LeNet-5 of images 16×16."""
    subject = Subject(
        framework="plain-numpy",
        device="cpu",
        model="lenet5",
        input_shape=(16, 16, 1),
        classes=10,
        optimizers=(OptimizerSpec("sgd", momentum=0.9, weight_decay=5e-4),),
        threads=1,
    )
    clocks = Clocks(time.perf_counter, time.process_time)
    checks = [*examine(adapter, ReferenceAdapter(), subject, clocks)]
    assert [check.describe() for check in checks if not check.passed or check.left_out] == []
    assert {"gradients", "optimizer", "batches gathered", "precision"} <= {c.name for c in checks}


def test_its_state_travels(adapter):
    task = problems.problem(models.build("lenet5", (16, 16, 1), 10), 0)
    momentum, order = OptimizerSpec("sgd", momentum=0.9), task.order(1, 2, 5)
    task.start(adapter, momentum, "cpu", 1)
    adapter.train_epoch(order, 0.05)
    weights, state = adapter.export(), adapter.export_optimizer()
    expected = adapter.train_epoch(order, 0.05)
    adapter.build(task.model, weights, momentum, "cpu", 1)
    adapter.restore_optimizer(state)
    assert (adapter.train_epoch(order, 0.05) == expected).all()


def test_what_it_has_not_is_refused_with_the_reason(adapter):
    model = models.build("convnet", (28, 28, 1), 10)
    task = problems.problem(model, 0)
    with pytest.raises(NotSupportedError, match="no layer such as Conv"):
        task.start(adapter, OptimizerSpec("sgd"), "cpu", 1)


def test_the_tiers_are_told_alike_in_the_code_and_on_the_page():
    """Which methods there are of each tier."""
    tables = []
    for text in (PAGE.read_text(encoding="utf-8"), contract_base.__doc__ or ""):
        rows = [row.split("|") for row in text.splitlines() if re.match(r"\| (\*|\| `)", row)]
        tables.append([(row[1].strip(), re.findall(r"`(\w+)`", row[2])) for row in rows])
    assert tables[0] == tables[1]
    named = {method for _, methods in tables[0] for method in methods}
    assert named >= {name for name in vars(AdapterBase) if not name.startswith("_")} - {
        "compiles_for_steps"
    }
