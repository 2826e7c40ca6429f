"""The parts of a training step alone: what they give is what the oracle gives."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.contract import (
    Adapter,
    Gather,
    Layers,
    Loss,
    ModelSpec,
    NotSupportedError,
    OptimizerSpec,
    StepPart,
    StepWork,
    Update,
)
from bench.frameworks import create, named
from bench.workload.models import build
from bench.workload.order import initial_parameters
from bench.workload.pieces import pieces

from .compare import assert_close
from .selection import device

SGD = OptimizerSpec("sgd", momentum=0.9)
BATCH, THREADS, BOUND = 8, 2, 2e-5
# A square image of as many channels as pixels in a row hides a wrong layout.
LENET = build("lenet5", (28, 36, 3), 10)


def parts() -> Iterator[tuple[str, ModelSpec, StepPart]]:
    draw = np.random.default_rng(3)

    def normal(*shape: int) -> NDArray[np.float32]:
        return draw.standard_normal(shape).astype(np.float32)

    for piece in pieces(LENET):
        above = normal(BATCH, *piece.output)
        for inputs, parameters in ((False, False), (True, False), (True, True), (False, True)):
            if parameters and not piece.has_parameters:
                continue
            wanted = f"{', inputs' * inputs}{', parameters' * parameters}"
            name = f"{piece.name}{wanted}"
            yield name, piece.model, Layers(above, inputs=inputs, parameters=parameters)
    yield "gather", LENET, Gather(np.array([5, 0, 3, 3], np.int32))
    yield "loss", LENET, Loss(normal(BATCH, 10))
    gradients = {path: normal(*shape) for path, shape in LENET.parameter_shapes().items()}
    yield "update", LENET, Update(gradients, 0.01)


PARTS = {name: (model, part) for name, model, part in parts()}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_gives_what_the_oracle_gives(adapter: Adapter, framework: str, name: str) -> None:
    model, part = PARTS[name]
    draw = np.random.default_rng(4)
    images = draw.standard_normal((BATCH, *model.input_shape)).astype(np.float32)
    labels = draw.integers(0, 10, BATCH, dtype=np.int32)
    parameters = initial_parameters(1, model)
    found = []
    for each in (adapter, create(named("reference"))):
        own = SGD if isinstance(part, Update) else OptimizerSpec("sgd")
        each.build(model, parameters, own, device(), THREADS)
        each.load(images, labels)
        try:
            work = each.step_part(part)
        except NotSupportedError as error:
            pytest.skip(str(error))
        found.append(work.results() if isinstance(part, Update) else _after(work, 3))
    ours, of_oracle = found
    assert list(ours) == list(of_oracle)
    for what, array in of_oracle.items():
        assert ours[what].shape == array.shape, what
        assert_close("parts of a step", framework, ours[what], array, BOUND)


def _after(work: StepWork, times: int) -> dict[str, NDArray[np.float32]]:
    work.run(times)
    return work.results()
