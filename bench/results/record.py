"""The record of one cell: what was asked for, what was measured, on what, and what became of it.

Durations are wall seconds of a monotonic clock; memory is in bytes; accuracies are in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from bench.choices import Activation, Device, OptimizerName, Pooling
from bench.config.published import Reproduced
from bench.contract import EpsilonForm, Generator
from bench.results.certificate import Certificate
from bench.system.state import Machine as Machine
from bench.system.state import (
    SystemState as SystemState,  # part of a record for all who read one
)
from bench.workload.training import StopReason, Training

SCHEMA = 4  # 1: before certificates; 2: before windows of throughput; 3: before mistakes
MOST_CLASSES = 100_000

Status = Literal["ok", "failed", "diverged", "timeout", "unavailable", "not-equivalent"]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A test image that was taken for another class; no model, since records hold many.

    image  its number among the test images, from 0
    said   the class that it was taken for
    png    the picture, in base64; of one seed only
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    image: Annotated[int, Field(ge=0)]
    label: Annotated[int, Field(ge=0, lt=MOST_CLASSES)]
    said: Annotated[int, Field(ge=0, lt=MOST_CLASSES)]
    png: Annotated[str | None, Field(max_length=100_000)] = None


class Record(BaseModel):
    """One cell's result: a framework on a device with a seed. A file of its own in a run's folder.

    What was not reached, because the cell failed before it, is None or an empty list.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_version: int = SCHEMA
    run: str = Field(description="name of the run's folder")
    cell: str = Field(description="name of the cell within its run, such as torch-cpu-seed0")
    started_at: str = Field(description="UTC, ISO 8601")

    # What was asked for
    framework: str = Field(description="as `bench list` names it, such as torch or torch:compile")
    dataset: str
    model: str
    activation: Activation = Field(
        default="relu", description="after every layer but the last, see bench.contract.activations"
    )
    pooling: Pooling = Field(default="max", description="max or average, of each window")
    dropout: float = Field(default=0.0, description="its rate after hidden dense layers; 0: none")
    noise: float = Field(
        default=0.0, description="standard deviation of what is added to the images; 0: none"
    )
    device: Device
    seed: int
    regime: str = Field(
        default="matched",
        description="matched: equal for all; native: the framework's own defaults; native.NAME: "
        "matched but for its default of that name",
    )
    epochs: int
    repeat: int = Field(
        default=0, description="of the same seed, from 0; those after it measure speed alone"
    )
    throughput_only: bool = Field(
        default=False, description="whether speed alone was measured, without training to the end"
    )
    batch_size: int
    optimizer: OptimizerName
    learning_rate: float
    momentum: float
    weight_decay: float
    weight_decay_is_given: bool = Field(
        default=True, description="whether a person typed it, so that every regime has it"
    )
    alpha: float | None = Field(default=None, description="RMSprop's decay of squares")
    beta1: float | None = None
    beta2: float | None = None
    epsilon: float | None = None
    epsilon_form: EpsilonForm | None = Field(
        default=None, description="where epsilon stands, see bench.contract.OptimizerSpec"
    )
    rate_in_momentum: bool | None = None
    decoupled_decay: bool | None = None
    kernel_initialiser: str | None = Field(default=None, description="see bench.workload")
    bias_initialiser: str | None = None
    generator: Generator = Field(
        default="harness",
        description="who draws what is random in training, if anything is: the harness for all, or "
        "own: the framework by itself, from the seed",
    )
    threads: int
    target_accuracy: float | None = Field(
        default=None, description="validation accuracy whose first reaching is timed"
    )
    train_images: int
    val_images: int
    test_images: int
    fit: str = Field(description="how images came to the model's size: pad or resize")
    given_mean: list[float] | None = Field(
        default=None, description="--mean per channel; None: the mean of the training split"
    )
    given_std: list[float] | None = Field(
        default=None, description="--std per channel; None: that of the training split"
    )
    pixel_mean: list[float] = Field(
        default_factory=list,
        description="what was subtracted per channel from pixels scaled to [0, 1]",
    )
    pixel_std: list[float] = Field(
        default_factory=list, description="what they were divided by afterwards"
    )

    training: Training = Field(
        default=Training(),
        description="schedule, early stop, order of the images, see bench.workload.training",
    )
    recipe: Reproduced | None = Field(
        default=None, description="the published training that it repeats, and what was changed"
    )
    asked: dict[str, JsonValue] = Field(
        default_factory=dict, description="every option of the run, see bench.config.options"
    )

    # What became of it
    status: Status
    reason: str | None = Field(default=None, description="why, where the status is not ok")
    log_tail: str | None = Field(default=None, description="end of the log, where it failed")
    diverged_step: int | None = Field(
        default=None, description="first step, counted from 1, whose loss or weights are not finite"
    )

    certificate: Certificate | None = Field(
        default=None,
        description="what the framework was proved to compute; None: not examined",
    )
    unverified: bool = Field(
        default=False, description="whether --unverified let it run without a certificate"
    )

    # Weights
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
    first_epoch: int = Field(
        default=1, description="of the lists by epoch; those before came with the checkpoint"
    )

    # What was learned
    parameters: int | None = None
    train_loss: list[float | None] = Field(
        default_factory=list,
        description="per epoch: mean over its images of the loss before each step's update",
    )
    val_loss: list[float | None] = Field(default_factory=list)
    val_accuracy: list[float] = Field(default_factory=list)
    test_loss: float | None = None
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
    learning_rates: list[float] = Field(
        default_factory=list, description="of each epoch; learning_rate is the first one's"
    )
    best_epoch: int | None = Field(
        default=None, description="the one of the best monitored accuracy; see training.ties"
    )
    stopped_early: StopReason | None = Field(
        default=None, description="why it has fewer epochs than were asked for, without a fault"
    )
    class_names: list[str] = Field(default_factory=list)
    confusion: list[list[int]] = Field(
        default_factory=list,
        description="test images after the last epoch, by class (rows) and what was said (columns)",
    )
    mistakes: list[Mistake] = Field(
        default_factory=list, description="the first of the test images that were mistaken"
    )
    mistakes_within: int | None = Field(
        default=None, description="how many test images, from the first, have been looked at for it"
    )
    step_loss: list[float | None] = Field(
        default_factory=list,
        description="of the first steps: mean over the batch, before the step's update",
    )
    oracle_step_loss: list[float] = Field(
        default_factory=list, description="the same, by NumPy in float64 on the same batches"
    )

    # How fast: full batches in windows of some tenths of a second, after warm-up
    images_per_s: float | None = Field(
        default=None, description="images of a window over the median of window_s"
    )
    window_s: list[float] = Field(
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

    # What it took
    epoch_s: list[float] = Field(default_factory=list, description="training alone, per epoch")
    import_s: float | None = Field(default=None, description="importing framework and adapter")
    device_start_s: float | None = None
    build_s: float | None = None
    placement_s: float | None = Field(default=None, description="bringing the data to the device")
    compile_s: float | None = Field(default=None, description="tracing, compiling, first kernels")
    eval_s: float | None = Field(default=None, description="all evaluations together")
    draw_s: float | None = Field(
        default=None, description="drawing random numbers for the epochs, in none of epoch_s"
    )
    wall_s: float | None = Field(default=None, description="the whole process, start to end")
    time_to_target_s: float | None = Field(
        default=None, description="training alone until the target; None where not reached"
    )
    time_to_target_with_compile_s: float | None = None
    steps_to_target: int | None = Field(
        default=None, description="optimizer steps until the end of the epoch that reached it"
    )
    peak_rss_bytes: int | None = None
    peak_device_bytes: int | None = None
    conditions_before: SystemState | None = None
    conditions_after: SystemState | None = None
    other_busy_cpus: float | None = Field(
        default=None, description="CPUs' worth of work that other programs did meanwhile"
    )
    warnings: list[str] = Field(
        default_factory=list, description="what may have disturbed it, each with its remedy"
    )

    # On what
    framework_version: str | None = None
    split_sha256: str | None = None
    order_sha256: str | None = None
    initial_weights_sha256: str | None = None
    draws_sha256: str | None = Field(
        default=None, description="random numbers of the first step of every epoch"
    )
    data_sha256: str | None = None
    machine: Machine
    versions: dict[str, str] = Field(default_factory=dict)
