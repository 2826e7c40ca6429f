"""The rules at the end of an epoch: a state and an accuracy → what follows. Nothing is read here.

The rules come in the order of the Flux model zoo's `vision/conv_mnist`: stop at the target; is it
an improvement; drop the learning rate, which restarts the count; stop as converged. There is one
count, so that with a `stop_patience` above `patience` nothing converges before the rate is at the
floor. Weights that are not finite have ended the training before: `bench.worker.epochs`.

One rule is ours: an epoch that reaches the target is compared with the best, too, so that its
weights are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bench.workload.training import StopReason, Training

ROUNDING = 1e-9  # so that 1e-3 · 0.1 · 0.1 · 0.1, which is more than 1e-6, is not above it


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """What the rules remember between epochs, and what a checkpoint keeps of them.

    learning_rate  of the next epoch
    best           the best monitored accuracy so far; None before the first
    best_epoch     its epoch, counted from 1
    waited         epochs since the last improvement, or since the last drop if that is later
    """

    learning_rate: float
    best: float | None = None
    best_epoch: int | None = None
    waited: int = 0


@dataclass(frozen=True, slots=True)
class EpochDecision:
    """What follows from an epoch."""

    state: ScheduleState
    improved: bool = False
    dropped: bool = False
    stop: StopReason | None = None


def after_epoch(
    training: Training, state: ScheduleState, epoch: int, accuracy: float | None
) -> EpochDecision:
    """What follows from epoch `epoch`, counted from 1, with this monitored accuracy.

    Without an accuracy nothing does.
    """
    if accuracy is None:
        return EpochDecision(state)
    improved = is_better(training, accuracy, state.best)
    if improved:
        state = replace(state, best=accuracy, best_epoch=epoch, waited=0)
    else:
        state = replace(state, waited=state.waited + 1)
    if training.stop_at is not None and accuracy >= training.stop_at:
        return EpochDecision(state, improved, stop="target")
    dropped = _drops(training, state)
    if dropped:
        rate = state.learning_rate * (training.factor or 1.0)
        state = replace(state, learning_rate=rate, waited=0)
    if training.stop_patience is not None and state.waited >= training.stop_patience:
        return EpochDecision(state, improved, dropped, stop="converged")
    return EpochDecision(state, improved, dropped)


def is_better(training: Training, accuracy: float, best: float | None) -> bool:
    """Whether an accuracy takes the place of the best one; ties as the training has them."""
    if best is None or accuracy > best:
        return True
    return accuracy == best and training.ties == "last"


def _drops(training: Training, state: ScheduleState) -> bool:
    if training.schedule != "plateau" or training.patience is None or training.floor is None:
        return False
    above = state.learning_rate > training.floor * (1 + ROUNDING)
    return state.waited >= training.patience and above
