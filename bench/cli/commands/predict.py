"""`bench predict`: a checkpoint's accuracy on a data set, or its classes of image files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Column, Table

from bench import frameworks
from bench.choices import Device
from bench.cli.console import standard_output
from bench.cli.views import misclassified_images
from bench.cli.views.misclassified_images import Examined
from bench.config import checks, parsing
from bench.contract import Images, Labels
from bench.errors import UnavailableError, UnknownNameError, UsageError
from bench.execution import Executor, prediction
from bench.execution.prediction import Agreement, Logits
from bench.results import checkpoint
from bench.results.checkpoint import Header
from bench.worker import misclassified
from bench.workload import datasets, metrics
from bench.workload.datasets.own import image_files
from bench.workload.normalisation import normalise
from report.text import plain

LogitsOf = Callable[[Images], dict[str, Logits]]  # of normalised images, by framework

# How much brighter than those for training images are that look like their negatives.
FAR_BRIGHTER = 0.3
MOST_LISTED = 20  # differing images on the terminal; --json lists all


@dataclass(frozen=True, slots=True)
class PredictInput:
    """What to predict: image files, or a data set; and where pictures of mistakes are to go.

    `files` may be folders with a folder of images for each class.
    """

    files: tuple[Path, ...]
    dataset: str | None
    data_root: Path | None
    invert: bool
    mistakes: Path | None = None


@dataclass(frozen=True, slots=True)
class PredictTarget:
    """With what, on what, and how many images at a time."""

    frameworks: str | None
    device: str
    threads: int | None
    batch_size: int = prediction.BATCH_SIZE


def predict(
    path: Path, where: PredictTarget, source: PredictInput, executor: Executor, *, as_json: bool
) -> int:
    """Predict in each of the frameworks, and print what came out and how far they agree."""
    found = checkpoint.read(path)
    names, device = _checked(where, source, found.header)

    def logits_of(pixels: Images) -> dict[str, Logits]:
        with prediction.predictor(path, found, pixels, executor, where.batch_size) as predictor:
            return {name: predictor.logits(name, device, where.threads) for name in names}

    predicted = _of_files if source.files else _of_dataset
    document = _about(path, found.header) | predicted(found.header, source, logits_of)
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        _print(document, found.header)
    return 0


def _checked(
    where: PredictTarget, source: PredictInput, header: Header
) -> tuple[tuple[str, ...], Device]:
    names = (
        parsing.words("--framework", where.frameworks, such_as="torch,keras")
        if where.frameworks is not None
        else (header.framework,)
    )
    names = checks.distinct("--framework", tuple(frameworks.named(name).name for name in names))
    for name in names:
        absent = frameworks.missing(frameworks.named(name))
        if absent:
            raise UnavailableError(f"{name} cannot predict here: {absent}")
    if where.device not in get_args(Device):
        raise UnknownNameError("device", where.device, get_args(Device))
    if where.threads is not None:
        checks.at_least(1, "--threads", where.threads)
    checks.at_least(1, "--batch-size", where.batch_size)
    if source.mistakes is not None:
        misclassified_images.check(source.mistakes)
    if source.files and source.dataset is not None:
        raise UsageError(
            f"--dataset {source.dataset} and image files cannot be used together: give one of them"
        )
    if source.invert and not source.files:
        raise UsageError("--invert is for image files: give some, or leave it out")
    return names, cast(Device, where.device)


def _of_dataset(header: Header, source: PredictInput, logits_of: LogitsOf) -> dict[str, Any]:
    """Accuracy and loss of each framework."""
    dataset = (
        header.settings.dataset
        if source.dataset is None
        else parsing.dataset("--dataset", source.dataset)
    )
    root = (source.data_root or datasets.default_root()).absolute()
    tested = prediction.examples_of(header, dataset, root)
    notes = Console(stderr=True)
    for note in datasets.describe(dataset, root).notes:
        _say(notes, note)
    examples, logits = tested.examples, logits_of(tested.examples.images)

    def picture(number: int) -> NDArray[np.uint8]:
        return misclassified.pixels(examples.images[number], tested.mean, tested.std)

    examined = Examined(logits, examples.labels, header.classes, picture, lambda _: None)
    return {
        "dataset": dataset,
        "what": tested.what,
        "images": len(examples.labels),
        "results": [_scored(name, own, examples.labels) for name, own in logits.items()],
        **_pictured(source, examined),
        "agreement": [_described(each, header) for each in prediction.agreements(logits)],
    }


def _pictured(source: PredictInput, examined: Examined) -> dict[str, Any]:
    if source.mistakes is None:
        return {}
    return {"mistakes": misclassified_images.write(source.mistakes, examined)}


def _scored(name: str, logits: Logits, labels: Labels) -> dict[str, Any]:
    return {
        "framework": name,
        "accuracy": metrics.accuracy(logits, labels),
        "loss": metrics.cross_entropy(logits, labels),
        "wrong": int((logits.argmax(axis=1) != labels).sum()),
    }


def _of_files(header: Header, source: PredictInput, logits_of: LogitsOf) -> dict[str, Any]:
    """Class, probability and runner-up of each file in each framework; scores of known classes."""
    found = image_files.labelled(source.files, header.classes)
    files, labels = found.files, found.labels
    if labels is None and source.mistakes is not None:
        raise UsageError(
            "--mistakes needs the images' true classes: give a folder that holds a folder of "
            "images for each class"
        )
    if found.note is not None:
        _say(Console(stderr=True), found.note)
    pixels = image_files.load(
        files,
        header.native_size,
        header.model.input_shape[:2],
        header.model.input_shape[-1],
        header.settings.fit,
        invert=source.invert,
    )
    if not source.invert and (hint := _hint_of_negatives(pixels, header)):
        _say(Console(stderr=True), hint)
    logits = logits_of(normalise(pixels, header.mean, header.std))
    rows = [
        _classed(file, name, own[index], header)
        for index, file in enumerate(files)
        for name, own in logits.items()
    ]
    known: dict[str, Any] = {}
    if labels is not None:
        examined = Examined(logits, labels, header.classes, pixels.__getitem__, _name_of(files))
        known["scores"] = [_scored(name, own, labels) for name, own in logits.items()]
        known |= _pictured(source, examined)
        for row, label in zip(rows, np.repeat(labels, len(logits)), strict=True):
            row["true_class"] = header.classes[label]
    return {
        "results": rows,
        **known,
        "agreement": [_described(each, header) for each in prediction.agreements(logits)],
    }


def _hint_of_negatives(pixels: NDArray[np.uint8], header: Header) -> str | None:
    """A line where images are far brighter than those for training, and their negatives are not."""
    shown, trained = float(pixels.mean() / 255), float(np.mean(header.mean))
    if shown - trained < FAR_BRIGHTER or abs(1 - shown - trained) > (shown - trained) * 2 / 3:
        return None
    return (
        f"these images are far brighter than those for training (a mean of {shown:.2f}, not "
        f"{trained:.2f}): if they are dark on white, and those were light on black, give --invert"
    )


def _name_of(files: Sequence[Path]) -> Callable[[int], str]:
    return lambda number: files[number].stem


def _classed(file: Path, name: str, logits: Logits, header: Header) -> dict[str, Any]:
    shares = metrics.probabilities(logits[None])[0]
    (best, _), (second, _) = prediction.two_closest(logits)
    return {
        "file": str(file),
        "framework": name,
        "class": header.classes[best],
        "probability": float(shares[best]),
        "runner_up": header.classes[second],
        "runner_up_probability": float(shares[second]),
    }


def _about(path: Path, header: Header) -> dict[str, Any]:
    return {
        "checkpoint": str(path),
        "trained_in": header.framework,
        "trained_on": header.settings.dataset,
        "epoch": header.epoch,
        "seed": header.seed,
        "val_accuracy": header.val_accuracy,
        "test_accuracy": header.test_accuracy,
    }


def _described(agreement: Agreement, header: Header) -> dict[str, Any]:
    """With classes by their names."""
    described = asdict(agreement)
    for difference in described["differing"]:
        difference["closest"] = [
            [[header.classes[index], logit] for index, logit in pair]
            for pair in difference["closest"]
        ]
    return described


def _print(document: dict[str, Any], header: Header) -> None:
    console = standard_output()
    validated = "" if header.val_accuracy is None else f", validation {header.val_accuracy:.2%}"
    _say(
        console,
        f"{Path(document['checkpoint']).name}: {header.model.label} trained in {header.framework} "
        f"on {header.settings.dataset}, seed {header.seed}, epoch {header.epoch}{validated}",
    )
    if "what" in document:
        _say(console, document["what"])
        table = Table(Column("framework", overflow="fold"), "accuracy", "wrong", "loss", box=None)
        for row in document["results"]:
            accuracy, loss = f"{row['accuracy']:.2%}", f"{row['loss']:.4f}"
            table.add_row(row["framework"], accuracy, f"{row['wrong']:,}", loss)
    else:
        headings = ("file", "framework", "class", "probability", "runner-up", "")
        table = Table(*(Column(one, overflow="fold") for one in headings), box=None)
        for row in document["results"]:
            first, second = f"{row['probability']:.2%}", f"{row['runner_up_probability']:.2%}"
            texts = (row["file"], row["framework"], row["class"], first, row["runner_up"], second)
            table.add_row(*(plain(text).replace("[", r"\[") for text in texts))
    console.print(table)
    for score in document.get("scores", ()):
        count = f"{score['wrong']:,} of {len(document['results']) // len(document['scores']):,}"
        _say(console, f"{score['framework']}: {score['accuracy']:.2%} right, {count} wrong")
    if "mistakes" in document:
        told = document["mistakes"]
        wrote = f"wrote {told['written']:,} to {told['path']}" if told["written"] else "no picture"
        _say(console, f"{told['count']:,} images mistaken by a framework: {wrote}")
    for agreement in document["agreement"]:
        _print_agreement(console, agreement)


def _print_agreement(console: Console, agreement: dict[str, Any]) -> None:
    differing = agreement["differing"]
    _say(
        console,
        f"{agreement['first']} and {agreement['second']}: another class for {len(differing)} of "
        f"{agreement['images']:,} images; logits within {agreement['largest']:.1e}",
    )
    for difference in differing[:MOST_LISTED]:
        sides = (
            f"{name} {first[0]} {first[1]:.6f}, {second[0]} {second[1]:.6f}"
            for name, (first, second) in zip(
                (agreement["first"], agreement["second"]), difference["closest"], strict=True
            )
        )
        _say(console, f"  image {difference['image']}: {'; '.join(sides)}")
    if len(differing) > MOST_LISTED:
        _say(console, f"  and {len(differing) - MOST_LISTED} more, which --json lists")


def _say(console: Console, text: str) -> None:
    console.print(plain(text), markup=False, soft_wrap=True)
