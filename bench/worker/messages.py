"""What a parent and its workers say to each other: tasks one way, events the other.

A task is all that a worker needs to know; an event is one thing that it has found, sent as soon as
it is known, so that a worker which is killed loses only what it had not measured yet. Both are
plain data that JSON can carry, for a child process as well as for another machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model
from pydantic.functional_validators import field_validator

from bench.choices import Device
from bench.config.plan import Cell, Plan
from bench.contract import ModelOptions, OptimizerSpec
from bench.frameworks import named
from bench.results.certificate import Check, Subject
from bench.results.record import PART_OF, PARTS, CellOutcome


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Task(_Message):
    """What all tasks have in common.

    on_own_cpus  whether the worker is bound to as many CPUs as it has threads
    variables    of the worker's environment, beside those that every worker has
    """

    on_own_cpus: ClassVar[bool] = True

    @property
    def variables(self) -> Mapping[str, str]:
        """None, but where a task says otherwise."""
        return {}


class _OfCell(_Task):
    """What is asked of one cell of a plan."""

    plan: Plan
    cell: Cell

    @property
    def threads(self) -> int:
        """CPU threads of every library."""
        return self.cell.threads


class TrainCell(_OfCell):
    """Train and measure one cell of a plan; its checkpoints go into a folder."""

    kind: Literal["train"] = "train"
    checkpoints: Path
    given: dict[str, str] = Field(default_factory=dict)

    @property
    def variables(self) -> Mapping[str, str]:
        """Those that the cell's framework is given here."""
        return self.given

    @property
    def framework(self) -> str:
        """Whose adapter does it."""
        return self.cell.framework


class Examine(_Task):
    """Compare an adapter with the oracle.

    Without a mask of CPUs, so that a framework that takes more threads than it may shows it.
    """

    on_own_cpus: ClassVar[bool] = False
    kind: Literal["examine"] = "examine"
    subject: Subject

    @property
    def variables(self) -> Mapping[str, str]:
        """Those of the cells that are to be proved."""
        return dict(self.subject.variables)

    @property
    def framework(self) -> str:
        """Whose adapter is examined."""
        return self.subject.framework

    @property
    def threads(self) -> int:
        """CPU threads of every library."""
        return self.subject.threads


class _OfFramework(_Task):
    """What is asked of a framework, whatever it is to train."""

    framework: str
    threads: int

    @property
    def variables(self) -> Mapping[str, str]:
        """Those without which it would be another framework."""
        return named(self.framework).environment


class FindDevices(_OfFramework):
    """Ask a framework which devices it sees, and its versions."""

    on_own_cpus: ClassVar[bool] = False
    kind: Literal["devices"] = "devices"


class MeasureMachinePeak(_Task):
    """Measure what NumPy's product of matrices reaches on this CPU, as beside a cell's windows."""

    kind: Literal["machine-peak"] = "machine-peak"
    framework: Literal["reference"] = "reference"
    threads: int
    window_s: float


class ComputeOracleLosses(_OfCell):
    """Compute the losses of a cell's first steps in float64, see `bench.worker.oracle_losses`."""

    kind: Literal["oracle-losses"] = "oracle-losses"
    framework: Literal["reference"] = "reference"


class Predict(_OfFramework):
    """Compute the logits of a checkpoint: the images of one .npy file, to another one."""

    kind: Literal["predict"] = "predict"
    device: Device
    checkpoint: Path
    sha256: str
    images: Path
    logits: Path
    batch_size: int


class ProfileStep(_OfFramework):
    """Time the parts of a training step alone, and whole steps in turns with them."""

    kind: Literal["profile"] = "profile"
    device: Device
    model: str
    options: ModelOptions
    input_shape: tuple[int, int, int]
    classes: int
    optimizer: OptimizerSpec
    batch_size: int
    rounds: int
    window_s: float
    seed: int
    given: dict[str, str] = Field(default_factory=dict)

    @property
    def variables(self) -> Mapping[str, str]:
        """Those that a cell of the framework is given here."""
        return self.given


Task = (
    TrainCell
    | Examine
    | FindDevices
    | MeasureMachinePeak
    | ComputeOracleLosses
    | Predict
    | ProfileStep
)  # each has framework, threads and on_own_cpus

# The fields of a record that its worker may fill in; all others are its parent's to know.
FIGURES = (
    *("data_notes", "split_sha256", "order_sha256", "draws_sha256", "initial_weights_sha256"),
    *("mean", "std", "parameters", "flops_per_image", "versions"),
    *("import_s", "device_start_s", "build_s", "placement_s", "compile_s", "eval_s", "draw_s"),
    *("test_loss", "test_accuracy", "class_names", "confusion", "misclassified"),
    *("misclassified_among", "epoch_0", "step_loss", "step_numbers", "step_val_loss"),
    *("step_val_accuracy", "stopped_early", "checkpoints", "checkpoint_error"),
    *("images_per_s", "windows_s", "window_steps", "warm_up_windows", "warm_up_s"),
    *("compiling_windows", "steady", "busy_threads", "energy_j", "energy_counter"),
    *("training_disturbed", "training_others_share", "training_stolen_share"),
    *("measured_windows", "clean_windows", "disturbed"),
    *("others_share", "stolen_share", "waited_share", "throttled_share"),
    *("matrix_gflop_per_s", "peak_device_bytes", "left_out"),
)
_fields: dict[str, Any] = {
    name: (field.annotation, field)
    for name in FIGURES
    for field in (PARTS[PART_OF[name]].model_fields[name],)
}
_Figures = create_model("_Figures", __base__=_Message, **_fields)


class _EpochFigures(_Message):
    """One more entry of each of the record's lists by epoch that are named."""

    epoch_s: float
    learning_rates: float
    train_loss: float | None
    val_loss: float | None = None
    val_accuracy: float = 0.0
    test_loss_by_epoch: float | None = None
    test_accuracy_by_epoch: float = 0.0
    train_set_loss: float | None = None
    train_set_accuracy: float = 0.0


class PhaseBegun(_Message):
    """What the worker is about to do."""

    kind: Literal["phase"] = "phase"
    name: str


class _WithFigures(_Message):
    """Figures by their names, as JSON has them; none that the model `_allowed` does not know."""

    _allowed: ClassVar[type[BaseModel]]
    figures: dict[str, Any]

    @field_validator("figures", mode="before")
    @classmethod
    def _known(cls, figures: object) -> dict[str, Any]:
        return cls._allowed.model_validate(figures).model_dump(mode="json", exclude_unset=True)


class Measured(_WithFigures):
    """Fields of the cell's record, by their names, as they become known; the later one counts."""

    _allowed: ClassVar[type[BaseModel]] = _Figures
    kind: Literal["measured"] = "measured"


class EpochEnded(_WithFigures):
    """One more entry for each of the record's lists by epoch."""

    _allowed: ClassVar[type[BaseModel]] = _EpochFigures
    kind: Literal["epoch"] = "epoch"


class WindowEnded(_Message):
    """A window of throughput, counted from 1, to be shown."""

    kind: Literal["window"] = "window"
    number: int
    images_per_s: float


class CheckMade(_Message):
    """One more check of the certificate."""

    kind: Literal["check"] = "check"
    check: Check


class FrameworkAnswered(_Message):
    """Which versions of its packages are loaded, and which devices it sees where it was asked."""

    kind: Literal["framework"] = "framework"
    versions: dict[str, str]
    devices: tuple[Device, ...] = ()


class MachinePeakMeasured(_Message):
    """What NumPy's product of matrices reaches, 10⁹ operations a second."""

    kind: Literal["machine-peak"] = "machine-peak"
    gflop_per_s: float


class OracleLossesComputed(_Message):
    """The oracle's losses of a cell's first steps."""

    kind: Literal["oracle-losses"] = "oracle-losses"
    losses: list[float]


class RoundTimed(_Message):
    """Seconds of each part of a step in one round, counted from 1; by the names of the profile."""

    kind: Literal["round"] = "round"
    number: int
    seconds: dict[str, float]
    disturbed: bool | None


class Ended(_Message):
    """The last word of a worker."""

    kind: Literal["end"] = "end"
    outcome: CellOutcome
    reason: str | None = None
    diverged_step: int | None = None


Event = (
    PhaseBegun
    | Measured
    | EpochEnded
    | WindowEnded
    | CheckMade
    | FrameworkAnswered
    | MachinePeakMeasured
    | OracleLossesComputed
    | RoundTimed
    | Ended
)
Emit = Callable[[Event], None]

_TASK: TypeAdapter[Task] = TypeAdapter(Annotated[Task, Field(discriminator="kind")])
_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])


def task_from(line: str | bytes) -> Task:
    """The task of a line of JSON; pydantic's ValidationError where it is none."""
    return _TASK.validate_json(line)


def event_from(line: str | bytes) -> Event:
    """The event of a line of JSON; pydantic's ValidationError where it is none."""
    return _EVENT.validate_json(line)


def to_line(message: Task | Event) -> str:
    """The message as a line of JSON, without its end."""
    return message.model_dump_json()
