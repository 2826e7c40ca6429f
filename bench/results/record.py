"""The record of one cell: what was asked for, what was measured, on what, and what became of it.

A record has parts, each with fields of one kind; `identity.framework` is a field of the first.
Durations are wall seconds of a monotonic clock; memory is in bytes; accuracies are in [0, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bench.choices import Device, OptimizerName, StopReason
from bench.config.published import Reproduced
from bench.config.run_settings import RunSettings
from bench.config.training_settings import TrainingSettings
from bench.contract import EpsilonForm, Generator
from bench.results import migrate
from bench.results.certificate import Certificate
from bench.system.state import Machine as Machine
from bench.system.state import (
    SystemState as SystemState,  # part of a record for all who read one
)

SCHEMA = migrate.SCHEMA
MOST_CLASSES = 100_000
ClassNumber = Annotated[int, Field(ge=0, lt=MOST_CLASSES)]

CellOutcome = Literal["ok", "failed", "diverged", "timeout", "unavailable", "not-equivalent"]


@dataclass(frozen=True, slots=True)
class Misclassified:
    """A test image that was taken for another class; no model, since records hold many.

    image      its number among the test images, from 0
    predicted  the class that it was taken for
    png        the picture, in base64; of one seed only
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    image: Annotated[int, Field(ge=0)]
    label: ClassNumber
    predicted: ClassNumber
    png: Annotated[str | None, Field(max_length=100_000)] = None


class Part(BaseModel):
    """A part of a record; what is not known of it, since the cell failed before, is None or []."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Identity(Part):
    """Which cell of which run it is."""

    run: str = Field(description="name of the run's folder")
    run_id: str | None = Field(
        default=None,
        pattern="^[0-9a-f]{32}$",
        description="random, of the run: folders of two runs may have one name; None: of an "
        "earlier version",
    )
    cell: str = Field(description="name of the cell within its run, such as torch-cpu-seed0")
    started_at: str = Field(description="UTC, ISO 8601")
    framework: str = Field(description="as `bench list` names it, such as torch or torch:compile")
    device: Device = Field(description="cpu or gpu")
    regime: str = Field(
        default="matched",
        description="matched: equal for all; native: the framework's own defaults; native.NAME: "
        "matched but for its default of that name",
    )
    seed: int = Field(description="draws split, order of the images and initial weights")
    repeat: int = Field(
        default=0, description="of the same seed, from 0; those after it measure speed alone"
    )
    batch_size: int = Field(description="images a step")
    threads: int = Field(description="CPU threads that the framework was given")
    throughput_only: bool = Field(
        default=False, description="whether speed alone was measured, without training to the end"
    )
    attempt: int = Field(
        default=0,
        ge=0,
        description="how many hosts of a cluster were lost with the cell's block before",
    )

    @property
    def of_run(self) -> str:
        """The same for all records of a run, and for no other run's as far as is known."""
        return self.run_id or self.run


class TrainedWith(Part):
    """What the regime and the data made of the settings."""

    optimizer: OptimizerName = Field(description="update rule")
    momentum: float = Field(description="of sgd and rmsprop")
    weight_decay: float = Field(description="L2 penalty; decoupled for adamw")
    alpha: float | None = Field(default=None, description="RMSprop's decay of squares")
    beta1: float | None = Field(default=None, description="Adam's decay of the mean of gradients")
    beta2: float | None = Field(default=None, description="Adam's decay of their squares")
    epsilon: float | None = Field(default=None, description="added to a denominator of the update")
    epsilon_form: EpsilonForm | None = Field(
        default=None, description="where epsilon stands, see bench.contract.OptimizerSpec"
    )
    rate_in_momentum: bool | None = Field(
        default=None,
        description="whether the momentum buffer holds steps, with the learning rate in them",
    )
    decoupled_decay: bool | None = Field(
        default=None, description="whether weights decay apart from the gradient"
    )
    kernel_initialiser: str | None = Field(default=None, description="see bench.workload")
    bias_initialiser: str | None = Field(
        default=None, description="as kernel_initialiser, of biases"
    )
    generator: Generator = Field(
        default="harness",
        description="who draws what is random in training, if anything is: the harness for all, or "
        "own: the framework by itself, from the seed",
    )
    mean: list[float] = Field(
        default_factory=list,
        description="what was subtracted per channel from pixels scaled to [0, 1]",
    )
    std: list[float] = Field(
        default_factory=list, description="what they were divided by afterwards"
    )


class Status(Part):
    """What became of the cell."""

    outcome: CellOutcome = Field(
        description="ok, failed, diverged, timeout, unavailable or not-equivalent"
    )
    reason: str | None = Field(default=None, description="why, where the outcome is not ok")
    log_tail: str | None = Field(default=None, description="end of the log, where it failed")
    diverged_step: int | None = Field(
        default=None, description="first step, counted from 1, whose loss or weights are not finite"
    )
    stopped_early: StopReason | None = Field(
        default=None, description="why it has fewer epochs than were asked for, without a fault"
    )
    left_out: dict[str, str] = Field(
        default_factory=dict,
        description="fields that are not there since the adapter cannot give them, and why",
    )


class Learning(Part):
    """What was learned, by epoch where it is a list."""

    parameters: int | None = Field(
        default=None, description="weights, biases and slopes of the network, their count"
    )
    first_epoch: int = Field(
        default=1, description="of the lists by epoch; those before came with the checkpoint"
    )
    learning_rates: list[float] = Field(
        default_factory=list, description="of each epoch; learning_rate is the first one's"
    )
    train_loss: list[float | None] = Field(
        default_factory=list,
        description="per epoch: mean over its images of the loss before each step's update",
    )
    val_loss: list[float | None] = Field(
        default_factory=list, description="after each epoch: mean over the validation images"
    )
    val_accuracy: list[float] = Field(
        default_factory=list, description="after each epoch: share of the validation images"
    )
    test_loss: float | None = Field(
        default=None, description="after the last epoch: mean over the test images"
    )
    test_accuracy: float | None = Field(default=None, description="after the last epoch")
    test_loss_by_epoch: list[float | None] = Field(
        default_factory=list, description="after each epoch, where it was asked for"
    )
    test_accuracy_by_epoch: list[float] = Field(
        default_factory=list, description="after each epoch, where it was asked for"
    )
    train_set_loss: list[float | None] = Field(
        default_factory=list, description="after each epoch, of the whole training set, where asked"
    )
    train_set_accuracy: list[float] = Field(
        default_factory=list, description="after each epoch, of the whole training set, where asked"
    )
    epoch_0: dict[str, float | None] = Field(
        default_factory=dict, description="what the evaluations found before training, by field"
    )
    step_numbers: list[int] = Field(
        default_factory=list, description="optimizer steps after which validation came in an epoch"
    )
    step_val_loss: list[float | None] = Field(
        default_factory=list, description="of those validations"
    )
    step_val_accuracy: list[float] = Field(default_factory=list, description="of those validations")
    best_epoch: int | None = Field(
        default=None, description="the one of the best monitored accuracy; see settings.ties"
    )
    step_loss: list[float | None] = Field(
        default_factory=list,
        description="of the first steps: mean over the batch, before the step's update",
    )
    oracle_step_loss: list[float] = Field(
        default_factory=list, description="the same, by NumPy in float64 on the same batches"
    )
    class_names: list[str] = Field(
        default_factory=list, description="of the classes, by their numbers"
    )
    confusion: list[tuple[ClassNumber, ClassNumber, int]] = Field(
        default_factory=list,
        description="after the last epoch: label, predicted class, how many test images; pairs "
        "without images are left out",
    )
    misclassified: list[Misclassified] = Field(
        default_factory=list, description="the first test images that were taken for another class"
    )
    misclassified_among: int | None = Field(
        default=None, description="how many test images, from the first, were looked at for them"
    )


class Weights(Part):
    """Where the weights came from, and where they are kept."""

    checkpoints: list[str] = Field(
        default_factory=list, description="files of weights in the run's folder checkpoints/"
    )
    checkpoint_error: str | None = Field(
        default=None, description="why a checkpoint could not be written"
    )
    resumed_from: str | None = Field(
        default=None, description="file name of the checkpoint that training went on from"
    )
    resumed_framework: str | None = Field(default=None, description="what had trained it")


class Throughput(Part):
    """How fast: full batches in windows of some tenths of a second, after warm-up."""

    images_per_s: float | None = Field(
        default=None, description="images of a window over the median of windows_s"
    )
    windows_s: list[float] = Field(
        default_factory=list, description="steady windows, in the order in which they ran"
    )
    window_steps: int | None = Field(default=None, description="optimizer steps in each window")
    warm_up_windows: int | None = Field(default=None, description="windows before the steady ones")
    warm_up_s: float | None = Field(default=None, description="what those took together")
    compiling_windows: int | None = Field(
        default=None, description="windows left out since something was compiled in them"
    )
    steady: bool | None = Field(
        default=None,
        description="whether the two halves of the windows agree; False: no steady state within "
        "the windows allowed, and images_per_s is that of the last ones",
    )
    measured_windows: int | None = Field(
        default=None, description="windows that were measured, of warm-up too, without compiling"
    )
    clean_windows: int | None = Field(
        default=None,
        description="how many of measured_windows nobody disturbed; None: the system does not tell",
    )
    disturbed: bool | None = Field(
        default=None,
        description="whether others took more of the windows than a measurement bears, so that the "
        "speed counts in no comparison; None: the system does not tell",
    )
    others_share: float | None = Field(
        default=None,
        description="of the time of the CPUs that the cell might use, what other programs "
        "computed there in measured_windows",
    )
    stolen_share: float | None = Field(
        default=None, description="the same, of what the hypervisor took"
    )
    waited_share: float | None = Field(
        default=None, description="the same, of what the process's threads waited for a CPU"
    )
    throttled_share: float | None = Field(
        default=None, description="of their wall time, what a CPU quota held the process back"
    )
    busy_threads: float | None = Field(
        default=None, description="CPU seconds a wall second of the process, in the windows"
    )
    flops_per_image: int | None = Field(
        default=None, description="of a training step, see bench.workload.flops"
    )
    gflop_per_s: float | None = Field(
        default=None, description="10⁹ operations a second: flops_per_image · images_per_s"
    )
    matrix_gflop_per_s: float | None = Field(
        default=None, description="of the framework's own product of matrices, same process"
    )
    machine_gflop_per_s: float | None = Field(
        default=None, description="of NumPy's product of matrices on this CPU, same run"
    )
    energy_j: float | None = Field(
        default=None, description="over the steady windows, where a counter can be read"
    )
    energy_counter: str | None = Field(default=None, description="rapl or nvml")


class Timing(Part):
    """How long the phases of the cell took."""

    epoch_s: list[float] = Field(default_factory=list, description="training alone, per epoch")
    import_s: float | None = Field(default=None, description="importing framework and adapter")
    device_start_s: float | None = Field(default=None, description="bringing the device up")
    build_s: float | None = Field(default=None, description="building network and optimizer")
    placement_s: float | None = Field(default=None, description="bringing the data to the device")
    compile_s: float | None = Field(default=None, description="tracing, compiling, first kernels")
    eval_s: float | None = Field(default=None, description="all evaluations together")
    draw_s: float | None = Field(
        default=None, description="drawing random numbers for the epochs, in none of epoch_s"
    )
    training_disturbed: bool | None = Field(
        default=None,
        description="whether others took more of the epochs than a measurement bears, so that "
        "their times count in no comparison; None: the system does not tell",
    )
    training_others_share: float | None = Field(
        default=None, description="as others_share, of the epochs"
    )
    training_stolen_share: float | None = Field(
        default=None, description="as stolen_share, of the epochs"
    )
    wall_s: float | None = Field(default=None, description="the whole process, start to end")
    time_to_target_s: float | None = Field(
        default=None, description="training alone until the target; None where not reached"
    )
    time_to_target_with_compile_s: float | None = Field(
        default=None, description="the same and compile_s"
    )
    steps_to_target: int | None = Field(
        default=None, description="optimizer steps until the end of the epoch that reached it"
    )


class Environment(Part):
    """The machine and its state, and what computed."""

    framework_version: str | None = Field(default=None, description="as the framework tells it")
    versions: dict[str, str] = Field(
        default_factory=dict, description="libraries and their versions"
    )
    machine: Machine = Field(description="what the machine is")
    shares_host: bool = Field(
        default=False,
        description="whether others could measure on the same host meanwhile (--share-host), so "
        "that the speed counts in no comparison",
    )
    variables: dict[str, str] = Field(
        default_factory=dict,
        description="environment variables of the process, beside those that all have: what an "
        "expert sets for the framework on this CPU, and what --env gave",
    )
    state_before: SystemState | None = Field(
        default=None, description="state of the machine before the cell"
    )
    state_after: SystemState | None = Field(
        default=None, description="state of the machine after it"
    )
    other_busy_cpus: float | None = Field(
        default=None, description="CPUs' worth of work that other programs did meanwhile"
    )
    warnings: list[str] = Field(
        default_factory=list, description="what may have disturbed it, each with its remedy"
    )
    peak_rss_bytes: int | None = Field(
        default=None, description="the process's greatest resident memory"
    )
    peak_device_bytes: int | None = Field(
        default=None,
        description="the greatest memory on the device, by the framework's own counter",
    )


class Provenance(Part):
    """What vouches for the record: hashes of what it was made of, the proof of equality."""

    data_sha256: str | None = Field(default=None, description="of the data set")
    data_notes: list[str] = Field(
        default_factory=list,
        description="how a person's own data were taken: forms, and files that were passed over",
    )
    split_sha256: str | None = Field(
        default=None, description="of the split into training and validation images"
    )
    order_sha256: str | None = Field(
        default=None, description="of the order of the images in every epoch"
    )
    initial_weights_sha256: str | None = Field(default=None, description="of the initial weights")
    draws_sha256: str | None = Field(
        default=None, description="random numbers of the first step of every epoch"
    )
    certificate: Certificate | None = Field(
        default=None,
        description="what the framework was proved to compute; None: not examined",
    )
    unverified: bool = Field(
        default=False, description="whether --unverified let it run without a certificate"
    )
    recipe: Reproduced | None = Field(
        default=None, description="the published training that it repeats, and what was changed"
    )


class Record(BaseModel):
    """One cell's result: a framework on a device with a seed. A file of its own in a run's folder.

    `settings` are those of the training, the same for all cells that are compared; `run_settings`
    are None where an earlier version did not keep them. Their seeds, batch sizes and threads are
    empty since they are those of all cells: the cell's own are in `identity`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_version: Literal[5] = SCHEMA
    identity: Identity
    settings: TrainingSettings
    run_settings: RunSettings | None = None
    trained_with: TrainedWith
    status: Status
    learning: Learning = Learning()
    weights: Weights = Weights()
    throughput: Throughput = Throughput()
    timing: Timing = Timing()
    environment: Environment
    provenance: Provenance = Provenance()

    @property
    def has_clean_speed(self) -> bool:
        """Whether its speed counts: it was not disturbed, or that was accepted."""
        return not self.throughput.disturbed or self._accepts_disturbed

    @property
    def is_clean(self) -> bool:
        """Whether nothing of it is missing in comparisons."""
        return self.has_clean_speed and self.has_clean_training

    @property
    def has_clean_training(self) -> bool:
        """The same of the times of its epochs."""
        return not self.timing.training_disturbed or self._accepts_disturbed

    @property
    def _accepts_disturbed(self) -> bool:
        return self.run_settings is not None and self.run_settings.accept_disturbed

    @model_validator(mode="before")
    @classmethod
    def _of_this_version(cls, content: Any) -> Any:
        return migrate.record(content) if isinstance(content, Mapping) else content


PARTS: dict[str, type[Part]] = {
    name: field.annotation
    for name, field in Record.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Part)
}
PART_OF = {field: part for part, kind in PARTS.items() for field in kind.model_fields}


def in_parts(fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Fields of a record, by their names, which no two parts share, in their parts."""
    found: dict[str, dict[str, Any]] = {part: {} for part in PARTS}
    for name, value in fields.items():
        found[PART_OF[name]][name] = value
    return found
