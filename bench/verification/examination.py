"""Holds an adapter against the float64 oracle, check by check."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.contract import (
    Adapter,
    Draws,
    Indices,
    Labels,
    ModelSpec,
    OptimizerSpec,
    Parameters,
    blank_epoch,
    compile_for,
    require_optimizer,
)
from bench.errors import NotSupportedError
from bench.results.certificate import Check, Subject
from bench.system.clocks import Clocks
from bench.verification import distances, probes, problems, tolerances
from bench.verification.oracle import Oracle
from bench.verification.problems import BATCH, REMAINDER, TRAINING_IMAGES, Problem
from bench.verification.tolerances import Bound
from bench.workload import metrics, models

SGD = OptimizerSpec("sgd")
RANDOM_STEPS = 4  # full batches of an epoch whose draws are examined
STRONG_DECAY = 20.0  # a fiftieth of the weights a step, at a learning rate of 1e-3
EPOCH_STEPS = 15  # full batches of the epochs that are compiled for


def examine(
    adapter: Adapter,
    oracle: Oracle,
    subject: Subject,
    clocks: Clocks,
    only: Collection[str] = (),
) -> Iterator[Check]:
    """Every check of the certificate, one after the other; the adapter is built anew for most.

    A network of other parameters than the model's is told by the first check, and ends it. Where
    `only` names checks, parts of the examination that have none of these are left out: for tests
    that look for one fault. No certificate is made of such an examination.
    """
    of = _Examination(adapter, oracle, subject)
    model = models.build(subject.model, subject.input_shape, subject.classes, subject.options)
    problem = problems.problem(model, subject.seed)
    counts = of.parameters(problem)
    yield counts
    if not counts.passed:  # another network: there is nothing to compare
        return
    smooth = problems.problem(problems.smooth(), subject.seed)
    evaluated = ("evaluation, loss", "evaluation, classes")
    parts = [
        _Part(("round trip",), of.round_trip(problem)),
        _Part(("logits", "loss", "gradients"), of.forward_and_gradients(problem)),
        _Part(("training step, loss", "training step, gradients"), of.training_step(problem)),
    ]
    if model.drawn:
        drawn = ("random numbers, losses", "random numbers, weights")
        parts.append(_Part(drawn, of.random_numbers(problem)))
    for spec in subject.optimizers:
        moves = ("optimizer", "optimizer, losses")
        try:
            require_optimizer(adapter, spec, subject.framework)
        except NotSupportedError as reason:
            names = (*moves, "weights")
            refused = [_left_out(name, label(spec), reason) for name in names]
            parts.append(_Part(names, iter(refused)))
            continue
        parts.append(_Part(moves, of.optimizer(smooth, spec)))
        if _decays_apart(spec):
            strong = replace(spec, weight_decay=STRONG_DECAY)
            parts.append(_Part(moves, of.optimizer(smooth, strong)))
        # What is evaluated afterwards are the weights that this training comes to.
        parts.append(_Part(("weights",), of.weights(problem, spec), evaluated))
    parts += [
        _Part(evaluated, of.evaluation(problem)),
        _Part(("threads",), of.busy_threads(problem, clocks)),
        _Part(("batches gathered",), of.batches()),
        _Part(("precision",), of.precision()),
    ]
    for part in parts:
        if not only or set(only) & {*part.names, *part.before}:
            yield from part.checks


def _decays_apart(spec: OptimizerSpec) -> bool:
    """Whether weights decay apart from the gradient, weakly.

    Whether they do so before or after the step is then 1e-5 of it, or less: it shows where the
    decay is strong.
    """
    apart = spec.name == "adamw" or spec.decoupled_decay
    return bool(apart and 0 < spec.weight_decay < STRONG_DECAY)


class _Part(NamedTuple):
    """Checks that are made together.

    names   of the checks
    before  names of later checks that look at what these come to
    """

    names: tuple[str, ...]
    checks: Iterator[Check]
    before: tuple[str, ...] = ()


def _left_out(name: str, case: str, reason: NotSupportedError) -> Check:
    """In the place of a check that the adapter need not pass, since it cannot do what is checked.

    What every adapter must have is never left out: there the error ends the examination.
    """
    return Check(
        name=name,
        case=case,
        error=None,
        bound=0.0,
        where="",
        reason="left out",
        left_out=str(reason),
    )


def label(spec: OptimizerSpec) -> str:
    """An optimizer with what distinguishes it, such as `sgd, momentum 0.9, weight decay 0.0005`."""
    usual = OptimizerSpec(spec.name)
    parts = [
        name.replace("_", " ") + ("" if value is True else f" {value}")
        for name in OptimizerSpec.__dataclass_fields__
        if (value := getattr(spec, name)) != getattr(usual, name)
    ]
    return ", ".join([spec.name, *parts])


@dataclass(frozen=True, slots=True)
class _Examination:
    """The checks; what they share."""

    adapter: Adapter
    oracle: Oracle
    subject: Subject

    def parameters(self, problem: Problem) -> Check:
        """The count of each layer's numbers."""
        self._start(problem, SGD)
        return _counts(self.adapter.export(), problem.model)

    def round_trip(self, problem: Problem) -> Iterator[Check]:
        """Weights in and out again; also where what was given is overwritten; after compilation."""
        given = {path: _aligned(p) for path, p in problem.parameters.items()}
        subject = self.subject
        self.adapter.build(problem.model, given, SGD, subject.device, subject.threads)
        for array in given.values():
            array.fill(np.nan)
        kept = distances.unlike_elements(self.adapter.export(), problem.parameters)
        yield _check("round trip", "what was given is overwritten", kept, tolerances.EXACT)
        self._start(problem, SGD)
        loaded = self.adapter.export()
        case = "weights in and out"
        yield _check(
            "round trip",
            case,
            distances.unlike_elements(loaded, problem.parameters),
            tolerances.EXACT,
        )
        try:
            compile_for(self.adapter, blank_epoch(problem.model, EPOCH_STEPS, BATCH, REMAINDER))
        except NotSupportedError as reason:
            yield _left_out("round trip", "after compilation", reason)
            return
        compiled = distances.unlike_elements(self.adapter.export(), problem.parameters)
        yield _check("round trip", "after compilation", compiled, tolerances.EXACT)

    def forward_and_gradients(self, problem: Problem) -> Iterator[Check]:
        """Logits, loss and gradients at the initial weights, on a full and a partial batch."""
        images, _ = problem.evaluation
        self._start(problem, SGD, self.subject.loaded)
        logits = distances.scale_error(self.adapter.predict(images), self.oracle.predict64(images))
        yield _check("logits", f"{len(images)} images", (logits, ""), tolerances.LOGITS)
        of_gradients = []
        for case, count in self._batches():
            rows = problem.clear_rows(self.oracle, 4, count, self.subject.loaded)
            loss, gradients = _gradients(self.adapter, *rows)
            expected_loss, expected = _expected(self.oracle, *rows)
            own = distances.scale_error(loss, expected_loss)
            yield _check("loss", case, (own, ""), tolerances.LOSS)
            error = distances.worst(gradients, expected)
            bound = _of_gradient(tolerances.GRADIENTS, problem, count)
            of_gradients.append(_check("gradients", case, error, bound))
        yield from of_gradients

    def training_step(self, problem: Problem) -> Iterator[Check]:
        """Loss and gradient of the step that training takes: by SGD, p − p' is the gradient.

        At a learning rate of 1, float32 rounds that difference of weights to less than 1e-6 of it.
        """
        of_gradients = []
        for case, count in self._batches():
            self._start(problem, SGD, self.subject.loaded)
            rows = problem.clear_rows(self.oracle, 5, count, self.subject.loaded)
            expected_loss, expected = _expected(self.oracle, *rows)
            step = problems.epoch_of([rows], self.subject.batch_size)
            losses = self.adapter.train_epoch(step, 1.0)
            moved = self.adapter.export()
            went = {
                path: start.astype(np.float64) - moved[path]
                for path, start in problem.parameters.items()
                if path in moved and moved[path].shape == start.shape
            }
            loss = distances.scale_error(losses, [expected_loss])
            yield _check("training step, loss", case, (loss, ""), tolerances.LOSS)
            error = distances.worst(went, expected)
            bound = _of_gradient(tolerances.STEP_GRADIENTS, problem, count)
            of_gradients.append(_check("training step, gradients", case, error, bound))
        yield from of_gradients

    def random_numbers(self, problem: Problem) -> Iterator[Check]:
        """An epoch at once, each step with draws of its own: none is taken for another.

        Every step is on images that are clear of kinks at the weights that the oracle comes to.
        """
        self._start(problem, SGD)
        rate = problems.learning_rate(SGD)
        steps, expected = [], []
        for draw, size in enumerate([BATCH] * RANDOM_STEPS + [REMAINDER], start=200):
            steps.append(problem.clear_rows(self.oracle, draw, size))
            expected.append(self.oracle.train_epoch64(problems.epoch_of(steps[-1:], BATCH), rate))
        losses = self.adapter.train_epoch(problems.epoch_of(steps, BATCH), rate)
        case = _steps(len(steps))
        loss = distances.scale_error(losses, np.concatenate(expected))
        yield _check("random numbers, losses", case, (loss, ""), tolerances.OPTIMIZER_LOSSES)
        got, want = self.adapter.export(), self.oracle.export64()
        moved = distances.worst_move(got, want, problem.parameters)
        yield _check("random numbers, weights", case, moved, tolerances.WEIGHTS)

    def optimizer(self, problem: Problem, spec: OptimizerSpec) -> Iterator[Check]:
        """The weights after 1, 5 and 20 steps, where nothing but the optimizer decides them."""
        self._start(problem, spec)
        with suppress(NotSupportedError):  # must leave the buffers empty, where it can be done
            compile_for(self.adapter, blank_epoch(problem.model, EPOCH_STEPS, BATCH, REMAINDER))
        of_losses = []
        for stage in problems.schedule(problem, problems.learning_rate(spec)):
            losses = self.adapter.train_epoch(stage.order, stage.learning_rate)
            expected = self.oracle.train_epoch64(stage.order, stage.learning_rate)
            case = f"{label(spec)}, {_steps(stage.steps_after)}"
            got, want = self.adapter.export(), self.oracle.export64()
            moved = distances.worst_move(got, want, problem.parameters)
            yield _check("optimizer", case, moved, tolerances.OPTIMIZER)
            loss = distances.scale_error(losses, expected)
            of_losses.append(
                _check("optimizer, losses", case, (loss, ""), tolerances.OPTIMIZER_LOSSES)
            )
        yield from of_losses

    def weights(self, problem: Problem, spec: OptimizerSpec) -> Iterator[Check]:
        """The model's weights after 1, 5 and 20 steps, against the sum of the oracle's steps.

        The oracle takes each step from the weights that the adapter has come to, and chooses images
        that are clear of kinks there.
        """
        self._start(problem, spec)
        start = problem.parameters
        expected = {path: value.astype(np.float64) for path, value in start.items()}
        before: Parameters = start
        set_aside = 0.0 if spec.name == "sgd" else tolerances.SET_ASIDE
        draw = 100
        for stage in problems.schedule(problem, problems.learning_rate(spec)):
            for size in stage.order.sizes():
                self.oracle.follow(before)
                draw += 1
                rows = problem.clear_rows(self.oracle, draw, int(size))
                step = problems.epoch_of([rows], BATCH)
                self.oracle.train_epoch64(step, stage.learning_rate)
                self.adapter.train_epoch(step, stage.learning_rate)
                after = self.oracle.export64()
                expected = {path: expected[path] + after[path] - before[path] for path in expected}
                before = self.adapter.export()
            case = f"{label(spec)}, {_steps(stage.steps_after)}"
            moved = distances.worst_move(before, expected, start, set_aside)
            check = _check("weights", case, moved, tolerances.WEIGHTS)
            yield check
            if check.error is None:  # the oracle cannot follow
                return

    def evaluation(self, problem: Problem) -> Iterator[Check]:
        """Loss and classes on the evaluation set, with the weights that training came to.

        Once as it is, and repeated to each number of images that is predicted at once.
        """
        images, labels = problem.evaluation
        self.oracle.follow(self.adapter.export())
        want = self.oracle.predict64(images)
        for count in sorted({len(images), *self.subject.predicted}):
            repeated = np.resize(np.arange(len(images)), count)
            got = self.adapter.predict(images[repeated])
            yield from self._evaluated(got, want[repeated], labels[repeated], len(images))

    def _evaluated(
        self, got: NDArray[np.float32], want: NDArray[np.float64], labels: Labels, whole: int
    ) -> Iterator[Check]:
        """Logits (n, classes) as the adapter and as the oracle have them; of `whole` images."""
        case = f"{len(labels):,} images after {problems.STEPS} steps"
        loss = distances.scale_error(
            metrics.cross_entropy(got, labels), metrics.cross_entropy(want, labels)
        )
        bound = tolerances.over_images(tolerances.EVALUATION_LOSS, len(labels), whole)
        yield _check("evaluation, loss", case, (loss, ""), bound)
        first, second = np.sort(want, axis=1)[:, ::-1][:, :2].T
        certain = first - second > 2 * tolerances.LOGITS.value * np.abs(want).max()
        wrong = np.flatnonzero((got.argmax(axis=1) != want.argmax(axis=1)) & certain)
        where = f"image {wrong[0]}" if wrong.size else ""
        yield _check("evaluation, classes", case, (float(wrong.size), where), tolerances.CLASSES)

    def batches(self) -> Iterator[Check]:
        """What was gathered, read off the weights, against what was ordered."""
        of = self.subject
        epochs = probes.gathered(self.adapter, self.oracle, of.device, of.threads, of.seed)
        for number, epoch in enumerate(epochs, start=1):
            where = epoch.where or f"sha256 {epoch.got[:12]}"
            error = float(epoch.misplaced), where
            yield _check("batches gathered", f"epoch {number}", error, tolerances.BATCHES)

    def precision(self) -> Iterator[Check]:
        """How precisely a convolution and a dense layer multiply, forward and backward."""
        for model in probes.single_layers():
            problem = problems.problem(model, self.subject.seed)
            self._start(problem, SGD)
            images, _ = problem.evaluation
            rows = problem.rows(6, BATCH)
            forward = distances.scale_error(
                self.adapter.predict(images), self.oracle.predict64(images)
            )
            backward, path = distances.worst(
                self.adapter.gradients(rows)[1], self.oracle.gradients64(rows)[1]
            )
            for case, error, place in (("forward", forward, ""), ("backward", backward, path)):
                where = f"{place + ', ' if place else ''}{_bits(error)}"
                name = f"{model.name}, {case}"
                yield _check("precision", name, (error, where), tolerances.PRECISION)

    def busy_threads(self, problem: Problem, clocks: Clocks) -> Iterator[Check]:
        """How many CPUs training keeps busy."""
        threads = self.subject.threads
        epoch = problem.order(7, EPOCH_STEPS, REMAINDER)
        busy = probes.busy_cpus(self.adapter, epoch, 0.0, clocks)
        bound = Bound(threads + tolerances.THREADS_OVER, tolerances.THREADS)
        yield _check("threads", f"{threads} asked for", (round(busy, 3), "CPUs busy"), bound)

    def _batches(self) -> list[tuple[str, int]]:
        """The sizes of the batches that are to be timed, each with what it is."""
        full, partial = self.subject.batch_size, self.subject.remainder
        sizes = [(f"full batch of {full:,}", full), (f"partial batch of {partial:,}", partial)]
        return sizes if partial else sizes[:1]

    def _start(self, problem: Problem, spec: OptimizerSpec, loaded: int = TRAINING_IMAGES) -> None:
        """Both anew, the adapter with so many images to train on; `_expected` knows of them."""
        require_optimizer(self.adapter, spec, self.subject.framework)
        threads = self.subject.threads
        problem.start(self.oracle, spec, "cpu", threads)
        problem.start(self.adapter, spec, self.subject.device, threads, loaded)


def _gradients(
    adapter: Adapter, indices: Indices, draws: Draws
) -> tuple[float, dict[str, NDArray[np.float32]]]:
    """Draws only where there are some: adapters of elsewhere may not know of them."""
    return adapter.gradients(indices, draws) if draws else adapter.gradients(indices)


def _of_gradient(bound: Bound, problem: Problem, images: int) -> Bound:
    return tolerances.over_batch(tolerances.over_pooling(bound, problem.model), images)


def _aligned(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """A copy at a multiple of 64 bytes, where a library may take the memory instead of copying."""
    room = np.empty(array.nbytes + 64, np.uint8)
    start = -room.ctypes.data % 64
    copy = room[start : start + array.nbytes].view(np.float32).reshape(array.shape)
    copy[...] = array
    return copy


def _expected(
    oracle: Oracle, indices: Indices, draws: Draws
) -> tuple[float, dict[str, NDArray[np.float64]]]:
    """Loss and gradients by the oracle, which has each image of a large training set once."""
    once = indices % TRAINING_IMAGES
    if draws:  # of its own for each row
        return oracle.gradients64(once, draws)
    different, times = np.unique(once, return_counts=True)
    return oracle.gradients64(different, times=times)


def _check(name: str, case: str, error: tuple[float, str], bound: Bound) -> Check:
    value, where = error
    return Check(
        name=name,
        case=case,
        error=value if math.isfinite(value) else None,
        bound=bound.value,
        where=where,
        reason=bound.reason,
    )


def _counts(exported: Parameters, model: ModelSpec) -> Check:
    """Numbers in each parameter, against those of the model's description."""
    sizes = {path: math.prod(shape) for path, shape in model.parameter_shapes().items()}
    got = {path: value.size for path, value in exported.items()}
    unlike = {
        path: abs(got.get(path, 0) - sizes.get(path, 0))
        for path in {**sizes, **got}
        if got.get(path) != sizes.get(path)
    }
    where = max(unlike, key=lambda path: unlike[path]) if unlike else ""
    case = f"{sum(sizes.values()):,} in {len(sizes)} tensors"
    return _check("parameters", case, (float(sum(unlike.values())), where), tolerances.SHAPES)


def _steps(count: int) -> str:
    return f"{count} step{'s' * (count > 1)}"


def _bits(error: float) -> str:
    """A relative error as the number of binary digits that agree."""
    if not math.isfinite(error):
        return "no bits"
    return f"{-math.log2(error):.1f} bits" if error else "all bits"
