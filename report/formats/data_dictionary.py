"""What each column of the CSV files means, from the descriptions of the record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.results.record import Machine, Record
from report.formats.csv_files import EPOCH_FIELDS, MACHINE_FIELDS, RECORD_FIELDS, STEP_FIELDS

MEANINGS = {
    "schema_version": "of the record's form",
    "dataset": "data set, as --dataset names it",
    "model": "network, as --model names it",
    "device": "cpu or gpu",
    "seed": "draws split, order of the images and initial weights",
    "epochs": "epochs that were asked for",
    "batch_size": "images a step",
    "optimizer": "update rule",
    "learning_rate": "of every step",
    "momentum": "of sgd and rmsprop",
    "weight_decay": "L2 penalty; decoupled for adamw",
    "beta1": "Adam's decay of the mean of gradients",
    "beta2": "Adam's decay of their squares",
    "epsilon": "added to a denominator of the update",
    "rate_in_momentum": "whether the momentum buffer holds steps, with the learning rate in them",
    "decoupled_decay": "whether weights decay apart from the gradient",
    "bias_initialiser": "as kernel_initialiser, of biases",
    "threads": "CPU threads that the framework was given",
    "train_images": "images trained on",
    "val_images": "images for validation",
    "test_images": "images for the test",
    "status": "ok, failed, diverged, timeout, unavailable or not-equivalent",
    "parameters": "weights, biases and slopes of the network, their count",
    "val_loss": "after each epoch: mean over the validation images",
    "val_accuracy": "after each epoch: share of the validation images, in [0, 1]",
    "test_loss": "after the last epoch: mean over the test images",
    "device_start_s": "bringing the device up",
    "build_s": "building network and optimizer",
    "time_to_target_with_compile_s": "the same and compile_s",
    "peak_rss_bytes": "the process's greatest resident memory",
    "peak_device_bytes": "the greatest memory on the device, by the framework's own counter",
    "conditions_before": "state of the machine before the cell",
    "conditions_after": "state of the machine after it",
    "framework_version": "as the framework tells it",
    "split_sha256": "of the split into training and validation images",
    "order_sha256": "of the order of the images in every epoch",
    "draws_sha256": "of the random numbers of the first step of every epoch",
    "initial_weights_sha256": "of the initial weights",
    "data_sha256": "of the data set",
}
OF_MACHINE = {
    "cpu": "processor",
    "architecture": "of the processor",
    "memory_bytes": "memory of the system",
    "gpu": "graphics processor",
    "gpu_driver": "its driver's version",
    "system": "operating system",
    "kernel": "its kernel's version",
    "python": "version of Python",
}
UNITS = (
    ("gflop_per_s", "GFLOP/s"),
    ("images_per_s", "images/s"),
    ("_bytes", "bytes"),
    ("_s", "s"),
    ("_j", "J"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One column: in which file, its unit where it has one, its form, its meaning."""

    file: str
    column: str
    unit: str
    form: str
    meaning: str


def entries() -> list[Entry]:
    """All columns of all files, in their order."""
    return [
        *(_entry("records.csv", name, name) for name in RECORD_FIELDS),
        *_of_machine(),
        Entry("records.csv", "versions", "", "JSON", "libraries and their versions"),
        Entry("records.csv", "certificate", "", "text", "passed, failed, or nothing: not examined"),
        *_naming("epochs.csv"),
        Entry("epochs.csv", "epoch", "", "whole number", "counted from 1"),
        *(_of_list("epochs.csv", name) for name in EPOCH_FIELDS),
        *_naming("steps.csv"),
        Entry("steps.csv", "step", "", "whole number", "of the optimizer, counted from 1"),
        *(_of_list("steps.csv", name) for name in STEP_FIELDS),
        *_naming("confusion.csv"),
        Entry("confusion.csv", "label", "", "text", "class of test images"),
        Entry("confusion.csv", "said", "", "text", "class that they were taken for"),
        Entry("confusion.csv", "images", "", "whole number", "how many, at least 1"),
    ]


def _entry(file: str, column: str, field: str) -> Entry:
    of = Record.model_fields[field]
    meaning = of.description or MEANINGS[field]
    return Entry(file, column, _unit(field), _form(str(of.annotation)), meaning)


def _naming(file: str) -> Iterator[Entry]:
    """What names the record that a row belongs to."""
    yield Entry(file, "run", "", "text", "as in records.csv; with cell it names the record")
    yield Entry(file, "cell", "", "text", "as in records.csv")
    yield Entry(file, "framework", "", "text", "as in records.csv")
    yield Entry(file, "seed", "", "whole number", "as in records.csv")


def _of_list(file: str, name: str) -> Entry:
    whole = _entry(file, name, name)
    return Entry(whole.file, whole.column, whole.unit, "number", whole.meaning)


def _of_machine() -> Iterator[Entry]:
    for name in MACHINE_FIELDS:
        of = Machine.model_fields[name]
        form = _form(str(of.annotation))
        meaning = of.description or OF_MACHINE[name]
        yield Entry("records.csv", f"machine_{name}", _unit(name), form, meaning)


def _unit(name: str) -> str:
    return next((unit for ending, unit in UNITS if name.endswith(ending)), "")


def _form(annotation: str) -> str:
    if (
        any(word in annotation for word in ("list", "Training"))
        or "SystemState" in annotation
        or "dict" in annotation
    ):
        return "JSON"
    for word, form in (("bool", "True or False"), ("int", "whole number"), ("float", "number")):
        if word in annotation:
            return form
    return "text"
