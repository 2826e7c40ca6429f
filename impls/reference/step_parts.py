"""Parts of a training step alone, as `bench.contract.step_parts` has them, in NumPy float64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.contract import Gather, Images, Labels, Layers, Loss, ModelSpec, StepPart, Update
from impls.reference.model import cross_entropy, forward
from impls.reference.optimizers import Optimizer

Array = NDArray[np.float64]


def compute(
    part: StepPart,
    model: ModelSpec,
    parameters: dict[str, Array],
    optimizer: Optimizer,
    loaded: tuple[Images, Labels],
) -> Mapping[str, NDArray[Any]]:
    """What the part gives, by the names of its results; an update changes the parameters.

    A pullback gives all gradients of a layer; those that are not wanted are computed, too.
    """
    images, labels = loaded
    match part:
        case Gather(rows=rows):
            return {"images": images[rows], "labels": labels[rows]}
        case Layers(above=above, inputs=inputs, parameters=of_parameters):
            output, pullbacks = forward(model, parameters, images.astype(np.float64))
            found = {"output": output}
            if not inputs and not of_parameters:
                return found
            gradients: dict[str, Array] = {}
            flowing = above.astype(np.float64)
            for pullback in reversed(pullbacks):
                flowing, own = pullback(flowing)
                gradients.update(own)
            wanted = {path: gradients[path] for path in model.parameter_shapes()}
            found |= {"inputs": flowing} if inputs else {}
            return found | (wanted if of_parameters else {})
        case Loss(logits=logits):
            weights = np.full(len(logits), 1 / len(logits))
            loss, gradient = cross_entropy(logits.astype(np.float64), labels, weights)
            return {"loss": np.asarray(loss), "logits": gradient}
        case Update(gradients=given, learning_rate=rate):
            optimizer.update(
                parameters, {path: one.astype(np.float64) for path, one in given.items()}, rate
            )
            return parameters
