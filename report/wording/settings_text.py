"""What a training differs in from a plain one, in words."""

from __future__ import annotations

from dataclasses import fields

from bench.workload.training import Training

FLAGS = ("drop_last", "epoch_zero", "deterministic")
SETS = {"val": "validation", "test": "test"}


def words(training: Training) -> list[str]:
    """A few words for each setting that is not the usual one; none for a plain training."""
    return [*_schedule(training), *_data(training), *_evaluations(training)]


def _schedule(training: Training) -> list[str]:
    found = []
    of = f"{SETS[training.monitor]} accuracy"
    if training.schedule == "plateau":
        found.append(
            f"learning rate × {training.factor:g} after {training.patience} epochs without a "
            f"better {of}, while above {training.floor:g}"
        )
    if training.stop_at is not None:
        found.append(f"ends at {100 * training.stop_at:g} % {of}")
    if training.stop_patience is not None:
        found.append(f"ends after {training.stop_patience} epochs without a better {of}")
    if not found and training.monitor != "val":
        found.append(f"best by {of}")
    if training.ties == "last":
        found.append("of equal epochs the last is the best")
    return found


def _data(training: Training) -> list[str]:
    initial = [training.init and f"kernels {training.init}"]
    initial.append(training.bias_init and f"biases {training.bias_init}")
    given = " and ".join(one for one in initial if one)
    means = (("mean", training.test_mean), ("standard deviation", training.test_std))
    of_test = [f"{name} {'/'.join(f'{v:g}' for v in values)}" for name, values in means if values]
    chosen = {
        "validation images the last of the file": training.split == "last",
        "images in the file's order": training.order == "file",
        "smaller batches left out": training.drop_last,
        "deterministic operations": training.deterministic,
        f"only the first {training.first or 0:,} images of the file": training.first is not None,
        f"test images normalised by {' and '.join(of_test)}": bool(of_test),
        f"initial {given}": bool(given),
    }
    return [text for text, is_so in chosen.items() if is_so]


def _evaluations(training: Training) -> list[str]:
    """What costs no training time, and still belongs to what was done."""
    found = []
    if training.evaluate:
        found.append(f"also evaluated each epoch: {' and '.join(training.evaluate)}")
    if training.epoch_zero:
        found.append("evaluated before training")
    if training.val_every is not None:
        found.append(f"validated every {training.val_every} steps of an epoch")
    return found


def arguments(training: Training) -> dict[str, str | None]:
    """What would be typed for the settings that are not the usual ones, by option."""
    usual = Training()
    found: dict[str, str | None] = {}
    for field in fields(training):
        value = getattr(training, field.name)
        if field.name in FLAGS or value == getattr(usual, field.name):
            continue
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        found[f"--{field.name.replace('_', '-')}"] = text
    return found


def flags(training: Training) -> list[str]:
    """The options without a value."""
    return [f"--{name.replace('_', '-')}" for name in FLAGS if getattr(training, name)]
