"""`bench run --from`: the settings of a training that goes on from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.config.parsing import as_typed
from bench.config.plan import Plan, Start
from bench.config.settings import flag
from bench.errors import UsageError
from bench.results.checkpoint import Checkpoint, Header

# The settings of a checkpoint that do not bind a run which goes on from it.
OF_RUN = ("epochs", "target_accuracy")


def refuse_both(resume: Path | None, start: Path | None, recipe: str | None = None) -> None:
    """A run that is resumed, or goes on from a checkpoint, has its settings already."""
    before = {"--resume": resume, "--from": start}
    for option, path in before.items():
        if path is not None and recipe is not None:
            raise UsageError(
                f"--recipe {recipe} and {option} {path} cannot be used together: it "
                "continues with its own settings; leave the recipe out"
            )
    if resume is not None and start is not None:
        raise UsageError(
            f"--from {start} and --resume {resume} cannot be used together: --from starts "
            "a new run from a checkpoint, --resume runs the missing cells of a run"
        )


def settings(path: Path, header: Header, given: Mapping[str, Any]) -> dict[str, Any]:
    """The checkpoint's settings with those that were typed; UsageError where one contradicts it."""
    if header.model.generator_seed is not None:
        raise UsageError(
            f"training cannot continue from {path}: its random numbers came from a generator of "
            f"{header.framework}'s own, whose state no checkpoint holds; train all epochs in one "
            "run, or take a checkpoint of the regime matched"
        )
    own = _own(header)
    unlike = [
        f"{flag(name)} is {_shown(name, own[name])} in it, not {_shown(name, given[name])}"
        for name in own
        if name in given and not _agree(name, given[name], own[name], header)
    ]
    if "regimes" in given:
        unlike.append("--regime does not apply: the optimizer is the checkpoint's")
    if "target_accuracy" in given:
        unlike.append("--target does not apply: the time to it began before the checkpoint")
    if unlike:
        raise UsageError(
            f"training cannot continue from {path} with other settings: {'; '.join(unlike)}; leave "
            "these options out"
        )
    epochs = given.get("epochs")
    if epochs is None or epochs <= header.epoch:
        what = "--epochs is missing" if epochs is None else f"--epochs {epochs} is too small"
        raise UsageError(
            f"{what}: {path.name} has {header.epoch} epochs already; give the total number, "
            f"{header.epoch + 1} or more"
        )
    moved = {"dataset"} & given.keys()
    kept = {name: own[name] for name in own.keys() - moved if own[name] is not None}
    return {"frameworks": (header.framework,)} | dict(given) | kept


def begin(planned: Plan, path: Path, found: Checkpoint) -> Plan:
    """The plan with its start; UsageError where the data are not those of the checkpoint."""
    header = found.header
    if planned.data_sha256 not in (None, header.data_sha256):
        raise UsageError(
            f"{path} was trained on other data: the hash of its {header.settings.dataset} is "
            f"{header.data_sha256}, that of {planned.settings.dataset} is {planned.data_sha256}"
        )
    start = Start(
        file=path.absolute(), sha256=found.sha256, framework=header.framework, epoch=header.epoch
    )
    # Every constant of the optimizer, also those that no option gives.
    settings = replace(planned.settings, target_accuracy=None)
    changes = {"start": start, "optimizer": header.optimizer, "settings": settings}
    return planned.model_copy(update=changes)


def _own(header: Header) -> dict[str, Any]:
    """The checkpoint's settings by their names; None where it has none."""
    return {
        **{name: value for name, value in vars(header.settings).items() if name not in OF_RUN},
        "seeds": (header.seed,),
        "batch_sizes": (header.batch_size,),
        "weight_decay": header.optimizer.weight_decay,
    }


def _agree(name: str, given: Any, own: Any, header: Header) -> bool:
    if name == "dataset" and ":" in own:  # a person's own may have moved; its hash decides
        return str(given).partition(":")[0] == str(own).partition(":")[0]
    if name in ("mean", "std") and given is not None and len(given) == 1:
        return bool(given * len(header.mean) == own)
    return bool(given == own)


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "the training split's" if name in ("mean", "std") else "the default"
    return as_typed(value)
