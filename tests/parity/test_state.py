"""An optimizer's state crosses the interface: exact in one framework, the same in all."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
import pytest

from bench.contract import Adapter, OptimizerState
from impls.reference.adapter import ReferenceAdapter

from .compare import assert_moved_alike, assert_trees_identical
from .problems import REMAINDER, Problem, Stage, order, problem, schedule
from .selection import device, some
from .test_training import CASES, MOVED, Case

# One for every set of buffers; the constants that they differ in are test_training's to test.
KINDS = ("sgd", "sgd-momentum-decay", "rmsprop", "rmsprop-momentum-decay", "adam-decay", "adamw")


@pytest.fixture(params=KINDS)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def _stages(case: Case) -> tuple[list[Stage], Stage]:
    """5 steps at two learning rates, and 5 more at a third."""
    first = schedule(case.learning_rate)[:2]
    return first, Stage(order(3, 4, REMAINDER), case.learning_rate / 2, 10)


def _train(adapter: Adapter, stages: list[Stage]) -> None:
    for stage in stages:
        adapter.train_epoch(stage.order, stage.learning_rate)


def _travelled(adapter: Adapter) -> tuple[Mapping[str, np.ndarray], OptimizerState]:
    """Parameters and state as a file would give them: nothing in them can be written to."""
    parameters, state = adapter.export(), adapter.export_optimizer()
    for tree in (parameters, *state.buffers.values()):
        for array in tree.values():
            array.flags.writeable = False
    return parameters, state


def _arrive(
    adapter: Adapter, task: Problem, case: Case, parameters: dict, state: OptimizerState
) -> None:
    Problem(task.model, parameters, task.images, task.labels).start(adapter, case.spec)
    adapter.restore_optimizer(state)


@pytest.mark.parametrize("case", some("buffers", KINDS), indirect=True)
def test_buffers_are_those_of_the_oracle(
    adapter: Adapter, framework: str, oracle: ReferenceAdapter, case: Case
) -> None:
    task = problem("smooth")
    first, last = _stages(case)
    for each in (oracle, adapter):
        task.start(each, case.spec)
        _train(each, first)
    got, want = adapter.export_optimizer(), oracle.export_optimizer()
    assert got.steps == want.steps == 5
    assert tuple(got.buffers) == tuple(want.buffers) == case.spec.buffers
    for name in want.buffers:
        zeros = {path: np.zeros_like(value) for path, value in want.buffers[name].items()}
        # A buffer begins at 0 and is gone the same way as the weights that it moves; in the
        # Euclidean norm, since RMSprop's momentum sums gradients over their own size.
        got_tree, want_tree = got.buffers[name], want.buffers[name]
        assert_moved_alike(f"buffer {name}", framework, got_tree, want_tree, zeros, MOVED[5])
    exported = {name: {p: a.copy() for p, a in t.items()} for name, t in got.buffers.items()}
    _train(adapter, [last])
    for name, tree in exported.items():
        assert_trees_identical(framework, got.buffers[name], tree, "an export, after more steps")


def test_an_untrained_optimizer_has_empty_buffers(
    adapter: Adapter, framework: str, square: Problem, case: Case
) -> None:
    square.start(adapter, case.spec)
    state = adapter.export_optimizer()
    assert state.steps == 0
    assert tuple(state.buffers) == case.spec.buffers
    for tree in state.buffers.values():
        assert list(tree) == list(square.parameters)
        assert all(a.shape == square.parameters[p].shape for p, a in tree.items())
        assert not any(array.any() for array in tree.values())


@pytest.mark.parametrize(
    ("case", "name", "begun"),
    some(
        "going on",
        [
            (case, *of)
            for case, of in product(KINDS, [("32x32x3", True), ("uneven", True), ("uneven", False)])
        ],
    ),
    indirect=["case"],
)
def test_training_goes_on_as_if_it_had_not_stopped(
    adapter: Adapter, framework: str, case: Case, name: str, begun: bool
) -> None:
    """Bit for bit on the CPU; also from a state that no step has touched yet."""
    task = problem(name)
    first, last = _stages(case)
    task.start(adapter, case.spec)
    _train(adapter, first if begun else [])
    parameters, state = _travelled(adapter)
    _train(adapter, [last])
    straight, straight_state = adapter.export(), adapter.export_optimizer()

    problem("smooth").start(adapter, case.spec)  # something else, so that nothing can be left over
    _arrive(adapter, task, case, dict(parameters), state)
    again = adapter.export_optimizer()
    assert again.steps == state.steps
    for buffer, tree in state.buffers.items():
        assert_trees_identical(framework, again.buffers[buffer], tree, f"restored {buffer}")
    task.compile(adapter, len(last.order.batches), REMAINDER)
    _train(adapter, [last])
    assert adapter.export_optimizer().steps == straight_state.steps
    if device() == "cpu" and framework != "reference":  # which computes in float64
        assert_trees_identical(framework, adapter.export(), straight, "going on")
    else:
        assert_moved_alike(
            "going on", framework, adapter.export(), straight, task.parameters, MOVED[5]
        )


@pytest.mark.parametrize(
    ("case", "from_oracle"),
    some("another framework", product(KINDS, (True, False))),
    indirect=["case"],
)
def test_training_goes_on_in_another_framework(
    adapter: Adapter, framework: str, oracle: ReferenceAdapter, case: Case, from_oracle: bool
) -> None:
    """5 steps here and 5 there are 10 of the oracle, at a learning rate that changes twice."""
    task = problem("smooth")
    first, last = _stages(case)
    task.start(oracle, case.spec)
    _train(oracle, [*first, last])
    want = oracle.export64()

    one, other = (oracle, adapter) if from_oracle else (adapter, oracle)
    task.start(one, case.spec)
    _train(one, first)
    parameters, state = _travelled(one)
    _arrive(other, task, case, dict(parameters), state)
    _train(other, [last])
    assert_moved_alike(
        f"5 + 5 steps, {case.spec.name}",
        framework,
        other.export(),
        want,
        task.parameters,
        MOVED[20],
    )


@pytest.mark.parametrize(
    "name", some("left behind", ["sgd-momentum-decay", "rmsprop-momentum", "adam"])
)
def test_a_state_left_behind_shows(
    adapter: Adapter, framework: str, oracle: ReferenceAdapter, name: str
) -> None:
    """The check of going on can fail: without the state, training goes another way."""
    task, case = problem("smooth"), CASES[name]
    first, last = _stages(case)
    task.start(oracle, case.spec)
    _train(oracle, [*first, last])
    task.start(adapter, case.spec)
    _train(adapter, first)
    parameters, _ = _travelled(adapter)
    Problem(task.model, dict(parameters), task.images, task.labels).start(adapter, case.spec)
    _train(adapter, [last])
    with pytest.raises(AssertionError, match="above"):
        assert_moved_alike(
            "without the state",
            "a framework without memory",
            adapter.export(),
            oracle.export64(),
            task.parameters,
            MOVED[20],
        )
