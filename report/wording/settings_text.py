"""What a training differs in from a plain one, in words."""

from __future__ import annotations

from bench.config.training_settings import TrainingSettings

IN_WORDS = frozenset(  # settings that `words` tells of
    (
        *("schedule", "factor", "patience", "floor", "monitor", "ties", "stop_at"),
        *("stop_patience", "split", "order", "drop_last", "first", "evaluate", "epoch_zero"),
        *("val_every", "init", "bias_init", "test_mean", "test_std", "deterministic"),
    )
)
SETS = {"val": "validation", "test": "test"}


def words(settings: TrainingSettings) -> list[str]:
    """A few words for each setting that is not the usual one; none for a plain settings."""
    return [*_schedule(settings), *_data(settings), *_evaluations(settings)]


def _schedule(settings: TrainingSettings) -> list[str]:
    found = []
    of = f"{SETS[settings.monitor]} accuracy"
    if settings.schedule == "plateau":
        found.append(
            f"learning rate × {settings.factor:g} after {settings.patience} epochs without a "
            f"better {of}, while above {settings.floor:g}"
        )
    if settings.stop_at is not None:
        found.append(f"ends at {100 * settings.stop_at:g} % {of}")
    if settings.stop_patience is not None:
        found.append(f"ends after {settings.stop_patience} epochs without a better {of}")
    if not found and settings.monitor != "val":
        found.append(f"best by {of}")
    if settings.ties == "last":
        found.append("of equal epochs the last is the best")
    return found


def _data(settings: TrainingSettings) -> list[str]:
    initial = [settings.init and f"kernels {settings.init}"]
    initial.append(settings.bias_init and f"biases {settings.bias_init}")
    given = " and ".join(one for one in initial if one)
    means = (("mean", settings.test_mean), ("standard deviation", settings.test_std))
    of_test = [f"{name} {'/'.join(f'{v:g}' for v in values)}" for name, values in means if values]
    chosen = {
        "validation images the last of the file": settings.split == "last",
        "images in the file's order": settings.order == "file",
        "smaller batches left out": settings.drop_last,
        "deterministic operations": settings.deterministic,
        f"only the first {settings.first or 0:,} images of the file": settings.first is not None,
        f"test images normalised by {' and '.join(of_test)}": bool(of_test),
        f"initial {given}": bool(given),
    }
    return [text for text, is_so in chosen.items() if is_so]


def _evaluations(settings: TrainingSettings) -> list[str]:
    """What costs no training time, and still belongs to what was done."""
    found = []
    if settings.evaluate:
        found.append(f"also evaluated each epoch: {' and '.join(settings.evaluate)}")
    if settings.epoch_zero:
        found.append("evaluated before training")
    if settings.val_every is not None:
        found.append(f"validated every {settings.val_every} steps of an epoch")
    return found
