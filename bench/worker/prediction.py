"""Logits of a checkpoint, computed by a framework in the measured process."""

from __future__ import annotations

import numpy as np

from bench.contract import Adapter, OptimizerSpec, require_form
from bench.errors import BenchError
from bench.results import checkpoint
from bench.worker.messages import FrameworkAnswered, Predict
from bench.worker.trainer import require_device
from bench.worker.versions import versions_or_none


def predict(task: Predict, adapter: Adapter) -> FrameworkAnswered:
    """Build the network with the checkpoint's weights, write the logits."""
    found = checkpoint.read(task.checkpoint)
    if found.sha256 != task.sha256:
        raise BenchError(f"{task.checkpoint} has changed since it was read first: try again")
    require_device(adapter, task.framework, task.device)
    nothing_is_trained = OptimizerSpec("sgd")  # which every adapter has
    adapter.build(
        found.header.model, found.parameters, nothing_is_trained, task.device, task.threads
    )
    images = np.load(task.images, mmap_mode="r", allow_pickle=False)
    starts = range(0, len(images), task.batch_size)
    batches = (np.asarray(images[start : start + task.batch_size]) for start in starts)
    classes = found.header.model.classes
    logits = np.concatenate(
        [
            require_form(adapter.predict(batch), (len(batch), classes), "the logits of predict")
            for batch in batches
        ]
    )
    np.save(task.logits, logits, allow_pickle=False)
    return FrameworkAnswered(versions=versions_or_none(adapter, task.framework))
