"""Where the time of a framework's training step went: what was timed, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bench.choices import Device
from bench.contract import ModelOptions, ModelSpec, OptimizerSpec
from bench.errors import BenchError
from bench.results import store
from bench.results.record import Machine
from bench.stats.intervals import Interval, centre_interval
from bench.workload import models
from bench.workload.pieces import Piece, pieces

SCHEMA = 1
FILE = "profile.json"
STEP = "step"
Pass = Literal["gather", "forward", "inputs", "parameters", "loss", "update"]
PASSES: dict[Pass, str] = {
    "gather": "images and labels of the batch",
    "forward": "forward",
    "inputs": "backward, to the inputs",
    "parameters": "backward, to the parameters",
    "loss": "loss and its gradient",
    "update": "update of all parameters",
}
ROUGH = 0.25  # half of an interval's width over its estimate, from where on no rate is told
FEWEST_CLEAN = 6  # rounds, below which no interval of a median reaches 95 %

Seconds = Mapping[str, float]  # of one round
Duration = Annotated[float, Field(gt=0, lt=1e9)]
Size = Annotated[int, Field(ge=1, lt=2**31)]


class Round(BaseModel):
    """Seconds of one time of each part, by its name, and whether others disturbed the round."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seconds: dict[str, Duration]
    disturbed: bool | None


class StepProfile(BaseModel):
    """The rounds of one framework; `reason` says why there are none."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_version: int = SCHEMA
    framework: str
    versions: dict[str, str] = {}
    made_at: str = Field(description="UTC, ISO 8601")
    bench_version: str
    machine: Machine
    device: Device
    threads: Size
    model: str
    options: ModelOptions
    input_shape: tuple[Size, Size, Size]
    classes: Size
    optimizer: OptimizerSpec
    batch_size: Size
    variables: dict[str, str] = Field(
        default={}, description="environment variables, beside those that every worker has"
    )
    rounds: tuple[Round, ...] = ()
    reason: str | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        """ValueError where a round lacks a part of the network: nothing could be told of it."""
        if self.rounds:
            try:
                parts = [of for _, _, of, _ in _parts(self.spec)]
            except BenchError as error:
                raise ValueError(str(error)) from error
            for number, one in enumerate(self.rounds, 1):
                try:
                    for of in parts:
                        of(one.seconds)
                    one.seconds[STEP]
                except KeyError as error:
                    raise ValueError(f"round {number} lacks the seconds of {error}") from error
        return self

    @property
    def spec(self) -> ModelSpec:
        """The network."""
        return models.build(self.model, self.input_shape, self.classes, self.options)

    @property
    def clean(self) -> tuple[Round, ...]:
        """The rounds that nobody disturbed; all of them where that is not known of any."""
        if all(one.disturbed is None for one in self.rounds):
            return self.rounds
        return tuple(one for one in self.rounds if one.disturbed is False)

    @property
    def is_disturbed(self) -> bool:
        """Whether too few rounds are left to say something."""
        return len(self.clean) < min(FEWEST_CLEAN, len(self.rounds))

    @property
    def step_s(self) -> float | None:
        """The median seconds of a whole step; None where there is nothing to tell."""
        found = self._over_rounds(lambda seconds: seconds[STEP])
        return None if found is None else found.estimate

    def rows(self) -> list[Part]:
        """Every part of a step in the order of the network; none where others disturbed it."""
        if not self.rounds or self.is_disturbed:
            return []
        return [
            Part(layer, one, found, flops)
            for layer, one, of, flops in _parts(self.spec)
            if (found := self._over_rounds(of)) is not None
        ]

    @property
    def explained(self) -> Interval | None:
        """The parts together, as a share of whole steps of the same rounds."""
        if not self.rounds or self.is_disturbed:
            return None
        parts = [of for _, _, of, _ in _parts(self.spec)]
        return self._over_rounds(lambda s: sum(of(s) for of in parts) / s[STEP])

    def _over_rounds(self, of: Callable[[Seconds], float]) -> Interval | None:
        values = [of(one.seconds) for one in self.clean]
        return centre_interval(values) if len(values) > 1 else None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a step: seconds with their interval, and operations for one image.

    layer  its name; None for what belongs to the whole network
    """

    layer: str | None
    of: Pass
    seconds: Interval
    flops: int

    def gflop_per_s(self, batch_size: int) -> float | None:
        """10⁹ operations a second; None where nothing is multiplied.

        Nor where the seconds are known too roughly, as the difference of two small ones may be.
        """
        if not self.flops or self.seconds.estimate <= 0:
            return None
        if self.seconds.relative_half_width > ROUGH:
            return None
        return self.flops * batch_size / self.seconds.estimate / 1e9


class Profiles(BaseModel):
    """What `bench profile` has kept: of each framework one; the file `profile.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA
    command: tuple[str, ...]
    profiles: tuple[StepProfile, ...]


def read_profiles(paths: Sequence[Path]) -> tuple[list[Profiles], list[tuple[Path, str]]]:
    """Profiles below run folders, results folders or of single files; and what could not be read.

    They come in the order of their paths; paths without a profile are passed over.
    """
    found: list[Profiles] = []
    problems: list[tuple[Path, str]] = []
    for file in dict.fromkeys(file for path in paths for file in _files(path)):
        try:
            read = Profiles.model_validate_json(file.read_bytes())
            for version in (read.schema_version, *(one.schema_version for one in read.profiles)):
                if version != SCHEMA:
                    raise ValueError(
                        f"schema_version is {version}, and this program reads {SCHEMA}: use the "
                        "version of lenet-bench that wrote the file"
                    )
        except (OSError, ValueError, RecursionError) as error:
            problems.append((file, store.first_fault(error)))
        else:
            found.append(read)
    return found, problems


def is_profile(path: Path) -> bool:
    """Whether a file is called as that of profiles is."""
    return path.name == FILE and path.is_file()


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        own = path / FILE
        return [own] if own.is_file() else sorted(path.glob(f"*/{FILE}"))
    return [path] if is_profile(path) else []


Derived = tuple[str | None, Pass, Callable[[Seconds], float], int]


def _parts(model: ModelSpec) -> Iterator[Derived]:
    """Layer, pass, what gives its seconds of those of a round, and operations for one image."""
    yield None, "gather", lambda seconds: seconds["gather"], 0
    for piece in pieces(model):
        yield from _of_piece(piece)
    yield None, "loss", lambda seconds: seconds["loss"], 0
    yield None, "update", lambda seconds: seconds["update"], 0


def _of_piece(piece: Piece) -> Iterator[Derived]:
    """What was timed is the pass forward, then with one gradient more, then with all of them."""
    forward, inputs, whole = (f"{piece.name}, {what}" for what in ("forward", "inputs", "whole"))
    yield piece.name, "forward", lambda seconds: seconds[forward], piece.flops
    if not piece.is_first:
        yield piece.name, "inputs", lambda s: s[inputs] - s[forward], piece.flops
    if piece.has_parameters:
        before = forward if piece.is_first else inputs
        yield piece.name, "parameters", lambda s: s[whole] - s[before], piece.flops
