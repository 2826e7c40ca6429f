"""The rules at the end of an epoch, worked by hand, in the order in which they are published."""

from __future__ import annotations

import pytest

from bench.config.training_settings import TrainingSettings
from bench.results.checkpoint import ScheduleState
from bench.worker import lr_schedule


def training(**chosen) -> TrainingSettings:
    """Settings in which these are chosen; the rules read no others."""
    sizes = {"train_size": 100, "val_size": 10, "test_size": 10}
    network = {"activation": "relu", "pooling": "max", "fit": "pad"}
    usual = {"epochs": 50, "learning_rate": 3e-3, "target_accuracy": None}
    return TrainingSettings(**sizes, **network, **usual, **chosen)


MODELZOO = training(
    schedule="plateau",
    factor=0.1,
    patience=5,
    floor=1e-6,
    monitor="test",
    stop_at=0.999,
    stop_patience=10,
    ties="last",
)


def follow(
    settings: TrainingSettings, accuracies, rate: float = 3e-3, state: ScheduleState | None = None
):
    """The verdicts, epoch by epoch, until one ends the training."""
    state = state or ScheduleState(rate)
    verdicts = []
    for epoch, accuracy in enumerate(accuracies, 1):
        verdicts.append(lr_schedule.after_epoch(settings, state, epoch, accuracy))
        state = verdicts[-1].state
        if verdicts[-1].stop:
            break
    return verdicts


def test_a_constant_rate_and_nothing_to_stop_for():
    verdicts = follow(training(), [0.9, 0.8, 0.7, 0.95, 0.1] * 10)
    assert {one.state.learning_rate for one in verdicts} == {3e-3}
    assert {one.stop for one in verdicts} == {None}
    assert verdicts[-1].state.best_epoch == 4


def test_the_published_drop_after_epoch_13():
    """The best is epoch 8; 9 to 13 bring nothing: the rate of epoch 14 is a tenth."""
    accuracies = [*(0.9794 + 0.001 * n for n in range(8)), *[0.98] * 12]
    verdicts = follow(MODELZOO, accuracies)
    dropped = [epoch for epoch, one in enumerate(verdicts, 1) if one.dropped]
    assert dropped == [13, 18]
    rates = [one.state.learning_rate for one in verdicts]
    assert rates[11] == 3e-3
    assert rates[12:17] == pytest.approx([3e-4] * 5)
    assert rates[17:] == pytest.approx([3e-5] * 3)
    assert len(verdicts) == 20  # a drop restarts the count: ten without improvement never come
    assert verdicts[-1].stop is None


def test_convergence_comes_ten_epochs_after_the_last_drop():
    """3e-3 drops at epochs 6, 11, 16 and 21, to 3e-7, which is not above the floor: 21 + 10."""
    verdicts = follow(MODELZOO, [0.9] + [0.5] * 99)
    assert [epoch for epoch, one in enumerate(verdicts, 1) if one.dropped] == [6, 11, 16, 21]
    assert len(verdicts) == 31
    assert verdicts[-1].stop == "converged"
    assert verdicts[-1].state.learning_rate == pytest.approx(3e-7)
    assert verdicts[-1].state.best_epoch == 1


def test_a_tie_is_an_improvement_where_the_last_counts():
    last = follow(MODELZOO, [0.9] * 12)
    assert all(one.improved for one in last)
    assert last[-1].state == ScheduleState(3e-3, best=0.9, best_epoch=12)
    first = follow(training(), [0.9] * 12)
    assert [one.improved for one in first] == [True] + [False] * 11
    assert first[-1].state.best_epoch == 1


def test_the_target_comes_before_everything_else():
    """In the epoch in which a drop would be due, and in which it would have converged."""
    chosen = training(
        schedule="plateau", factor=0.5, patience=2, floor=0.0, stop_at=0.5, stop_patience=2
    )
    state = ScheduleState(0.1, best=0.9, best_epoch=1, waited=1)
    verdict = lr_schedule.after_epoch(chosen, state, 3, 0.5)
    assert (verdict.stop, verdict.dropped, verdict.state.learning_rate) == ("target", False, 0.1)


@pytest.mark.parametrize(("accuracy", "stop"), [(0.9989, None), (0.999, "target"), (1.0, "target")])
def test_the_target_is_reached_at_itself(accuracy, stop):
    assert follow(MODELZOO, [accuracy])[0].stop == stop


def test_an_epoch_at_the_target_is_the_best_if_it_is():
    verdict = follow(MODELZOO, [0.99, 0.9995])[-1]
    assert (verdict.improved, verdict.state.best_epoch) == (True, 2)


def test_the_rate_is_dropped_while_it_is_above_the_floor():
    chosen = training(schedule="plateau", factor=0.1, patience=1, floor=0.01)
    rates = [one.state.learning_rate for one in follow(chosen, [0.9] + [0.1] * 4, rate=1.0)]
    assert rates == pytest.approx([1, 0.1, 0.01, 0.01, 0.01])


def test_convergence_without_a_schedule():
    verdicts = follow(training(stop_patience=3), [0.1, 0.2, 0.2, 0.15, 0.2, 0.3])
    assert len(verdicts) == 5
    assert verdicts[-1].stop == "converged"


def test_a_drop_puts_convergence_off():
    """With one count, a `stop_patience` above `patience` waits for the floor."""
    chosen = training(schedule="plateau", factor=0.1, patience=2, floor=0.5, stop_patience=3)
    verdicts = follow(chosen, [0.9] + [0.1] * 20, rate=1.0)
    assert [epoch for epoch, one in enumerate(verdicts, 1) if one.dropped] == [3]
    assert len(verdicts) == 6


def test_without_an_accuracy_nothing_follows():
    state = ScheduleState(0.1, best=0.5, best_epoch=2, waited=4)
    assert lr_schedule.after_epoch(MODELZOO, state, 7, None) == lr_schedule.EpochDecision(state)


@pytest.mark.parametrize("cut", [1, 5, 12, 13, 14, 20])
def test_going_on_from_a_state_is_as_not_having_stopped(cut):
    accuracies = [0.9, 0.95, 0.94, 0.95, *[0.93] * 26]
    whole = follow(MODELZOO, accuracies)
    state = whole[cut - 1].state
    rest = []
    for epoch, accuracy in enumerate(accuracies[cut:], cut + 1):
        rest.append(lr_schedule.after_epoch(MODELZOO, state, epoch, accuracy))
        state = rest[-1].state
    assert rest == whole[cut:]
