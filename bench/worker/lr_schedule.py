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

from bench.choices import StopReason
from bench.config.training_settings import TrainingSettings
from bench.results.checkpoint import ScheduleState

ROUNDING = 1e-9  # so that 1e-3 · 0.1 · 0.1 · 0.1, which is more than 1e-6, is not above it


@dataclass(frozen=True, slots=True)
class EpochDecision:
    """What follows from an epoch."""

    state: ScheduleState
    improved: bool = False
    dropped: bool = False
    stop: StopReason | None = None


def after_epoch(
    settings: TrainingSettings, state: ScheduleState, epoch: int, accuracy: float | None
) -> EpochDecision:
    """What follows from epoch `epoch`, counted from 1, with this monitored accuracy.

    Without an accuracy nothing does.
    """
    if accuracy is None:
        return EpochDecision(state)
    improved = is_better(settings, accuracy, state.best)
    if improved:
        state = replace(state, best=accuracy, best_epoch=epoch, waited=0)
    else:
        state = replace(state, waited=state.waited + 1)
    if settings.stop_at is not None and accuracy >= settings.stop_at:
        return EpochDecision(state, improved, stop="target")
    dropped = _drops(settings, state)
    if dropped:
        rate = state.learning_rate * (settings.factor or 1.0)
        state = replace(state, learning_rate=rate, waited=0)
    if settings.stop_patience is not None and state.waited >= settings.stop_patience:
        return EpochDecision(state, improved, dropped, stop="converged")
    return EpochDecision(state, improved, dropped)


def is_better(settings: TrainingSettings, accuracy: float, best: float | None) -> bool:
    """Whether an accuracy takes the place of the best one; ties as the training has them."""
    if best is None or accuracy > best:
        return True
    return accuracy == best and settings.ties == "last"


def _drops(settings: TrainingSettings, state: ScheduleState) -> bool:
    if settings.schedule != "plateau" or settings.patience is None or settings.floor is None:
        return False
    above = state.learning_rate > settings.floor * (1 + ROUNDING)
    return state.waited >= settings.patience and above
