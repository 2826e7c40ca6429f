"""Flux' way of training on a device with a memory of its own, on one that needs no GPU.

JLArrays is what GPUArrays is tested with, and CUDA's arrays share its code: an array of it cannot
be read element by element. It shows what is computed and what is asked of the device, not CUDA.jl.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.contract import Adapter, EpochBatches, OptimizerSpec, factor
from bench.errors import BenchError, NotSupportedError, UnavailableError
from bench.workload.models import USUAL
from impls.reference.adapter import ReferenceAdapter

from . import test_certificate as certificate
from . import test_forward as forward
from . import test_models as networks
from . import test_random_layers as random_layers
from . import test_state as state
from . import test_training as training
from .compare import assert_close, assert_trees_close, assert_trees_identical
from .problems import (
    BATCH,
    CHOICES,
    LENETS,
    OTHERS,
    RANDOM,
    REMAINDER,
    THREADS,
    Problem,
    order,
    problem,
    random_order,
    rows,
)
from .selection import absent, chosen, device, obtain

NAME = "flux"
REQUIRED = 'JLArrays is not in the Julia project: Pkg.add("JLArrays") there'
pytestmark = pytest.mark.skipif(device() != "cpu", reason="has a device of its own")


@pytest.fixture(scope="module")
def julia() -> Any:
    """The module `OnJLArrays`, in the Julia that the adapter has started."""
    if NAME not in chosen():
        pytest.skip(f"{NAME} is not among BENCH_FRAMEWORKS")
    obtain(NAME)
    from juliacall import Main

    if not Main.seval('Base.find_package("JLArrays") !== nothing'):
        pytest.skip(REQUIRED)
    if not Main.seval("isdefined(Main, :OnJLArrays)"):
        Main.include(str(Path(__file__).with_name("jlarrays.jl")))
    return Main.OnJLArrays


@pytest.fixture
def adapter(julia: Any) -> Adapter:
    """Flux with JLArrays in the place of the CPU's, so that all tests of it can be asked."""
    from impls.flux.adapter import FluxAdapter

    class OnReference(FluxAdapter):
        _device_of = staticmethod(lambda name: julia.Reference())

        def build(self, *given: Any) -> None:
            *most, _, threads = given
            super().build(*most, "gpu", threads)

    return OnReference()


@pytest.fixture
def on_cpu(julia: Any) -> Adapter:
    """Flux as it is."""
    return obtain(NAME)


@pytest.mark.parametrize("name", [*LENETS, *CHOICES, *OTHERS, "uneven", "padded"])
def test_logits_loss_and_gradients(adapter: Adapter, oracle: ReferenceAdapter, name: str) -> None:
    task = problem(name)
    forward.test_logits(adapter, NAME, oracle, task, 17)
    for count in (BATCH, REMAINDER):
        forward.test_loss_and_gradients(adapter, NAME, oracle, task, count)


@pytest.mark.parametrize("name", training.CASES)
def test_every_optimizer(adapter: Adapter, oracle: ReferenceAdapter, name: str) -> None:
    training.test_optimizer(adapter, NAME, oracle, training.CASES[name])


@pytest.mark.parametrize("name", [*RANDOM, "noisy-convnet"])
def test_random_layers(adapter: Adapter, oracle: ReferenceAdapter, name: str) -> None:
    task = problem(name)
    for step in (0, 1):
        random_layers.test_loss_and_gradients(adapter, NAME, oracle, task, step)
    random_layers.test_evaluation_is_not_random(adapter, NAME, oracle, task)
    random_layers.test_training(adapter, NAME, oracle, task)


@pytest.mark.parametrize("name", state.KINDS)
def test_state_travels(adapter: Adapter, oracle: ReferenceAdapter, name: str) -> None:
    case = training.CASES[name]
    state.test_buffers_are_those_of_the_oracle(adapter, NAME, oracle, case)
    state.test_training_goes_on_as_if_it_had_not_stopped(adapter, NAME, case, "uneven", True)
    state.test_training_goes_on_in_another_framework(adapter, NAME, oracle, case, True)


def test_the_rest_of_the_contract(
    adapter: Adapter, oracle: ReferenceAdapter, square: Problem
) -> None:
    training.test_a_partial_batch_alone(adapter, NAME, oracle, square)
    training.test_losses_are_those_before_each_update(adapter, NAME, square)
    training.test_compile_changes_nothing(adapter, NAME, square, "adam")
    forward.test_gradients_change_nothing(adapter, NAME, square)
    forward.test_a_gradient_goes_to_the_maximum_and_not_to_what_is_nearly_it(adapter, NAME, oracle)
    networks.test_slopes_travel(adapter, NAME, "prelu")


@pytest.mark.timeout(900)
def test_the_certificate(adapter: Adapter, oracle: ReferenceAdapter) -> None:
    optimizer = OptimizerSpec("sgd", momentum=0.9, weight_decay=5e-4)
    certificate._examine(
        adapter, oracle, certificate._subject(NAME, "lenet5", USUAL, optimizer, seed=1)
    )


@pytest.mark.parametrize("name", ["20x28x2", "prelu-average", "all-random"])
def test_it_computes_what_the_cpu_does(adapter: Adapter, on_cpu: Adapter, name: str) -> None:
    """Nearer to the CPU's than to the oracle's: the same float32, summed in another order."""
    task, adam = problem(name), OptimizerSpec("adam", weight_decay=5e-4)
    epoch = random_order(task.model, 1, 3, REMAINDER)
    for each in (on_cpu, adapter):
        task.start(each, adam)
    first = [next(random_order(task.model, 2, 1).each())] * 2
    (cpu_loss, cpu), (loss, own) = (
        each.gradients(*one) for each, one in zip((on_cpu, adapter), first, strict=True)
    )
    assert_close("loss of the CPU's", NAME, loss, cpu_loss, 1e-6)
    assert_trees_close("gradients of the CPU's", NAME, own, cpu, forward.GRADIENTS)
    # A rate that is too small for an update of Adam's to tip a unit at a kink.
    losses, expected = (each.train_epoch(epoch, 1e-6) for each in (adapter, on_cpu))
    assert_close("losses of the CPU's", NAME, losses, expected, 1e-6)


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [("32x32x1", "sgd-momentum-decay"), ("prelu-average", "adam"), ("all-random", "rmsprop")],
)
def test_an_epoch_asks_the_device_once(
    adapter: Adapter, julia: Any, name: str, optimizer: str
) -> None:
    """For its losses; another number of steps makes no difference."""
    task = problem(name)
    spec, rate = training.CASES[optimizer]
    task.start(adapter, spec)
    for steps in (1, 4):
        before = julia.asked[()]
        losses = adapter.train_epoch(random_order(task.model, 1, steps, REMAINDER), rate)
        assert len(losses) == steps + 1
        assert julia.asked[()] == before + 1


def test_what_an_epoch_must_not_ask_is_counted(julia: Any) -> None:
    """A sum of all elements, and an index that is looked at: each is an answer to the host."""
    from juliacall import Main

    array = Main.seval("OnJLArrays.JLArray(ones(Float32, 8))")
    for question in ("x -> sum(x)", "x -> x[OnJLArrays.JLArray(Int32[1, 2])]"):
        before = julia.asked[()]
        Main.seval(question)(array)
        assert julia.asked[()] > before, question
    with pytest.raises(Exception, match=r"[sS]calar indexing"):
        Main.seval("x -> x[1]")(array)


def test_rows_that_are_not_there_are_refused(adapter: Adapter, square: Problem) -> None:
    """No device looks when it gathers: what it would train on lies somewhere in its memory."""
    square.start(adapter)
    before = adapter.export()
    wrong = rows(1, BATCH)
    wrong[3] = len(square.images)
    for epoch in (
        EpochBatches(wrong[None], rows(0, 0)),
        EpochBatches(rows(1, BATCH)[None], wrong[:7]),
    ):
        with pytest.raises(BenchError, match="BoundsError"):
            adapter.train_epoch(epoch, 0.05)
    with pytest.raises(BenchError, match="BoundsError"):
        adapter.gradients(wrong)
    assert_trees_identical(NAME, adapter.export(), before, "a refused epoch")


def test_memory_versions_and_products(adapter: Adapter, on_cpu: Adapter, square: Problem) -> None:
    square.start(adapter)
    adapter.synchronize()
    assert adapter.memory() == 7
    assert "jlarrays" in adapter.versions()
    expected = adapter.train_epoch(order(1, 2), 0.05)
    square.start(adapter)
    for size in (8, 16, 8):
        got = adapter.multiply(factor(size), 3)
        want = np.linalg.matrix_power(factor(size).astype(np.float64), 4)
        np.testing.assert_allclose(got, want, atol=1e-5)
    np.testing.assert_array_equal(adapter.train_epoch(order(1, 2), 0.05), expected)
    square.start(on_cpu)
    with pytest.raises(NotSupportedError, match="memory"):
        on_cpu.memory()
    assert "jlarrays" not in on_cpu.versions()


def test_a_gpu_that_cannot_be_had_is_told_in_one_line(on_cpu: Adapter, square: Problem) -> None:
    if "gpu" in on_cpu.devices():
        absent(NAME, "there is one")
    with pytest.raises(UnavailableError, match="CUDA") as caught:
        on_cpu.build(square.model, square.parameters, OptimizerSpec("sgd"), "gpu", THREADS)
    assert "\n" not in str(caught.value)
    assert "python -m bench setup flux --devices gpu" in str(caught.value)
