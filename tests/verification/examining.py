"""An examination of LeNet-5 in an adapter that computes in NumPy."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.contract import ModelOptions, OptimizerSpec
from bench.results.certificate import Check, Subject
from bench.system.clocks import Clocks
from bench.verification.examination import examine
from bench.workload.models import USUAL
from impls.reference.adapter import ReferenceAdapter

CLOCKS = Clocks(time.perf_counter, time.process_time, time.thread_time)


def examining(
    adapter: ReferenceAdapter, *names: str, options: ModelOptions = USUAL, **fields: object
) -> Iterator[Check]:
    """Its checks, as they are made; of the parts alone that have these, where some are named.

    With other fields of the subject, such as its sizes; by plain SGD where none is given.
    """
    subject = Subject(
        framework="reference",
        device="cpu",
        model="lenet5",
        options=options,
        input_shape=(32, 32, 1),
        classes=10,
        threads=1,
        **{"optimizers": (OptimizerSpec("sgd"),), **fields},
    )
    return examine(adapter, ReferenceAdapter(), subject, CLOCKS, names)
