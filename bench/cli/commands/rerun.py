"""`bench rerun`: a record → the same run again, and whether it gave the same."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from bench.cli.commands import run as runs
from bench.cli.console import say
from bench.cli.invocation import Invocation
from bench.config.settings import DECLARED, checked
from bench.errors import StoreError, UsageError
from bench.frameworks.regimes import EACH, NATIVE
from bench.results import store
from bench.results.record import Record
from bench.workload import datasets

HASHES = {
    "data_sha256": "data",
    "split_sha256": "split",
    "order_sha256": "order of the images",
    "initial_weights_sha256": "initial weights",
    "draws_sha256": "random numbers of training",
}
FIGURES = (
    *("train_loss", "val_loss", "val_accuracy", "learning_rates", "test_loss", "test_accuracy"),
    *("test_loss_by_epoch", "test_accuracy_by_epoch"),
)
CAUSES = {"framework_version": "version", "machine": "machine", "versions": "libraries"}


@dataclass(frozen=True, slots=True)
class Likeness:
    """How two records of one request agree.

    hashes    for each property whether it is the same
    figures   for each, whether it is the same to the last bit; what neither has is left out
    largest   relative difference of two losses of training; None where they cannot be compared
    causes    what else differs: version, libraries, machine
    bound     whether the figures have to be the same: both deterministic, and nothing else differs
    speed     images/s of the second over those of the first
    """

    hashes: dict[str, bool]
    figures: dict[str, bool]
    largest: float | None
    causes: tuple[str, ...]
    bound: bool
    speed: float | None

    @property
    def is_good(self) -> bool:
        """Whether all is equal that has to be."""
        return all(self.hashes.values()) and (not self.bound or all(self.figures.values()))


def rerun(
    path: Path,
    data_root: Path | None,
    out: Path,
    invocation: Invocation,
    formats: tuple[str, ...],
    *,
    deterministic: bool = False,
    as_json: bool,
) -> int:
    """Run the record's cell again: 0 if it ended as before and what must be equal is, 1 if not."""
    before, notes = _record(path), Console(stderr=True)
    given = options_of(before, path, (data_root or datasets.default_root()).absolute())
    if deterministic:
        given |= {"deterministic": True}
    planned = runs.plan_for(given, notes, fetch=True)
    session = runs.Session(
        invocation.executor(), notes, invocation.arguments, formats, quiet=as_json
    )
    _, records = runs.begin(planned, session, out=out, repeats=before.provenance.recipe)
    after = next((one for one in records if one.identity.cell == before.identity.cell), None)
    after = after or next(
        (one for one in records if one.identity.regime == before.identity.regime), None
    )
    if after is None:
        raise StoreError(f"the run has left no record of {before.identity.cell}")
    found = likeness(before, after)
    if as_json:
        document = {"record": after.model_dump(mode="json"), "likeness": asdict(found)}
        print(json.dumps(document, indent=2))
    else:
        for line in told(before, after, found):
            say(Console(), line)
    return 0 if after.status.outcome == before.status.outcome and found.is_good else 1


def options_of(record: Record, path: Path, data_root: Path) -> dict[str, Any]:
    """The options of the one cell that the record is of; UsageError where they are not known."""
    if record.run_settings is None:
        raise UsageError(
            f"{path} does not hold all options of its run: it is of an earlier version; the HTML "
            "report of its folder has a command that comes close"
        )
    if record.weights.resumed_from is not None:
        raise UsageError(
            f"{path} went on from the checkpoint {record.weights.resumed_from}: repeat it by "
            f"python -m bench run --from {record.weights.resumed_from} "
            f"--epochs {record.settings.epochs}"
        )
    single = {
        "frameworks": (record.identity.framework,),
        "devices": (record.identity.device,),
        "seeds": (record.identity.seed,),
        "regimes": (
            EACH if record.identity.regime.startswith(f"{NATIVE}.") else record.identity.regime,
        ),
        "batch_sizes": (record.identity.batch_size,),
        "threads": (record.identity.threads,),
        "throughput_only": record.identity.throughput_only,
        "data_root": data_root,
    }
    left_out = {"precision", "min_repeats", "max_repeats"}
    if record.identity.throughput_only:
        left_out.add("target_accuracy")
    asked = {
        name: value
        for name, value in (vars(record.settings) | vars(record.run_settings) | single).items()
        if value is not None and name not in left_out
    }
    try:
        return checked({name: DECLARED[name].typed(value) for name, value in asked.items()})
    except (KeyError, ValidationError, UsageError) as error:
        raise UsageError(f"{path} asks for what cannot be: {error}") from error


def likeness(before: Record, after: Record) -> Likeness:
    """What is the same, bit for bit, and what is not."""
    figures = {
        name: (getattr(before.learning, name), getattr(after.learning, name)) for name in FIGURES
    }
    causes = tuple(
        word
        for name, word in CAUSES.items()
        if getattr(before.environment, name) != getattr(after.environment, name)
    )
    both = before.settings.deterministic and after.settings.deterministic
    return Likeness(
        hashes={
            name: getattr(before.provenance, name) == getattr(after.provenance, name)
            for name in HASHES
        },
        figures={name: old == new for name, (old, new) in figures.items() if old or new},
        largest=_largest(before.learning.train_loss, after.learning.train_loss),
        causes=causes,
        bound=both and not causes,
        speed=after.throughput.images_per_s / before.throughput.images_per_s
        if before.throughput.images_per_s and after.throughput.images_per_s
        else None,
    )


def told(before: Record, after: Record, found: Likeness) -> list[str]:
    """The likeness in lines."""
    was, became = before.status.outcome, after.status.outcome
    lines = [
        f"{before.identity.cell} of {before.identity.run}, repeated as {after.identity.run}: "
        f"{became}" + ("" if became == was else f", was {was}")
    ]
    for name, same in found.hashes.items():
        if name == "draws_sha256" and "own" in (
            before.trained_with.generator,
            after.trained_with.generator,
        ):
            whose = f"{before.identity.framework}'s own generator, seed {before.identity.seed}"
            lines.append(f"{HASHES[name]}: of {whose}; not hashed")
            continue
        old, new = (str(getattr(one.provenance, name))[:12] for one in (before, after))
        lines.append(f"{HASHES[name]}: equal" if same else f"{HASHES[name]}: was {old}, is {new}")
    unlike = [name.replace("_", " ") for name, same in found.figures.items() if not same]
    if not unlike:
        must = ", as a deterministic run has to be" if found.bound else ""
        lines.append(f"losses and accuracies: equal to the last bit{must}")
    else:
        size = "" if not found.largest else f"; losses by up to {found.largest:.2g} of their size"
        must = "NOT REPRODUCED, though deterministic: " if found.bound else ""
        lines.append(f"{must}not equal to the last bit: {', '.join(unlike)}{size}")
    if found.speed and before.settings.deterministic != after.settings.deterministic:
        words = [f"{one.throughput.images_per_s or 0:,.0f} images/s" for one in (before, after)]
        lines.append(
            f"deterministic operations: {words[1]} after {words[0]}, {found.speed:.2f} times as "
            "fast; two processes, one after the other"
        )
    if found.causes:
        lines.append(f"what else differs: {', '.join(found.causes)}")
    return lines


def _largest(before: Sequence[float | None], after: Sequence[float | None]) -> float | None:
    if len(before) != len(after) or not before:
        return None
    pairs = [(a, b) for a, b in zip(before, after, strict=True) if a is not None and b is not None]
    return max((abs(a - b) / max(abs(a), math.ulp(0.0)) for a, b in pairs), default=None)


def _record(path: Path) -> Record:
    """The record of a file; UsageError where it is none, or where there are several."""
    records, problems = store.read_records([path])
    if problems:
        raise UsageError(f"cannot read {problems[0][0]}: {problems[0][1]}")
    if len(records) != 1:
        raise UsageError(
            f"{path} holds {len(records)} records: give the file of one, such as "
            "results/RUN/records/CELL.json"
        )
    return records[0]
