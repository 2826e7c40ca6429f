"""Pictures of what `bench predict` mistook: one sheet, or a folder with a file each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.contract import Labels
from bench.errors import StoreError, UnavailableError, UsageError
from bench.execution.prediction import Logits
from bench.results.store import write_atomically
from bench.workload import metrics

if TYPE_CHECKING:
    from report.figures.misclassified import MisclassifiedImage

SHEETS = (".png", ".svg")
MOST_ON_A_SHEET = 16


@dataclass(frozen=True, slots=True)
class Examined:
    """What was predicted of images whose classes (n,) are known.

    pixels  uint8 (H, W, C) of an image by its number; called is its name, where it has one
    """

    logits: Mapping[str, Logits]
    labels: Labels
    classes: Sequence[str]
    pixels: Callable[[int], NDArray[np.uint8]]
    called: Callable[[int], str | None]


def check(target: Path) -> None:
    """UsageError where the path tells neither a sheet nor a folder, or is there as the other."""
    if target.suffix and target.suffix.lower() not in SHEETS and not target.is_dir():
        raise UsageError(
            f"--mistakes {target}: a sheet is a file that ends in {' or '.join(SHEETS)}; a name "
            "without such an end is a folder, with a picture for each mistake"
        )
    if target.is_dir() if target.suffix.lower() in SHEETS else target.is_file():
        kind = "folder" if target.is_dir() else "file"
        raise UsageError(f"--mistakes {target} is a {kind} already: choose another name")


def write(target: Path, examined: Examined) -> dict[str, int | str]:
    """Write the pictures; how many mistakes there are and how many were written, and where.

    StoreError where that cannot be; UnavailableError where nothing here draws.
    """
    wrong = np.flatnonzero(
        np.any([own.argmax(axis=1) != examined.labels for own in examined.logits.values()], axis=0)
    ).tolist()
    try:
        if target.suffix.lower() in SHEETS:
            written = _sheet(target, examined, wrong[:MOST_ON_A_SHEET])
        else:
            written = sum(_each(target, examined, number) for number in wrong)
    except OSError as error:
        raise StoreError(
            f"cannot write the mistakes to {target}: {error.strerror}; choose another place"
        ) from error
    return {"path": str(target), "count": len(wrong), "written": written}


def _sheet(target: Path, examined: Examined, wrong: Sequence[int]) -> int:
    if not wrong:
        return 0
    try:
        from report.figures.canvas import house_style
        from report.figures.misclassified import sheet_of
        from report.figures.svg import render
    except ModuleNotFoundError as error:
        raise UnavailableError(
            f"no sheet can be drawn: {error.name} is missing: pip install 'lenet-bench[report]', "
            "or name a folder, which needs nothing"
        ) from error
    with house_style():
        drawing = sheet_of(
            [_shown(examined, one) for one in wrong], examined.classes, "misclassified"
        )
        picture = render(drawing)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, picture.svg if target.suffix.lower() == ".svg" else picture.png)
    return len(wrong)


def _shown(examined: Examined, number: int) -> MisclassifiedImage:
    from report.figures.misclassified import MisclassifiedImage

    predicted = {name: int(own[number].argmax()) for name, own in examined.logits.items()}
    return MisclassifiedImage(
        image=number,
        label=int(examined.labels[number]),
        pixels=np.asarray(_drawable(examined.pixels(number)) / 255, np.float32),
        predicted=predicted,
        shares={name: _share(examined, name, number) for name in predicted},
        called=examined.called(number),
    )


def _each(folder: Path, examined: Examined, number: int) -> int:
    """A file for each framework that mistook the image, in a folder of its own for each."""
    from PIL import Image

    label, written = int(examined.labels[number]), 0
    for name, own in examined.logits.items():
        predicted = int(own[number].argmax())
        if predicted == label:
            continue
        words = (
            f"{number:05d}",
            *(_spelled(examined.called(number) or ""),),
            *(_spelled(examined.classes[label]), "as", _spelled(examined.classes[predicted])),
            f"{_share(examined, name, number):.2f}",
        )
        of_framework = folder / _spelled(name) if len(examined.logits) > 1 else folder
        of_framework.mkdir(parents=True, exist_ok=True)
        path = of_framework / f"{'_'.join(word for word in words if word)}.png"
        Image.fromarray(_drawable(examined.pixels(number))).save(path)
        written += 1
    return written


def _share(examined: Examined, name: str, number: int) -> float:
    """The probability of the class that a framework predicted."""
    return float(metrics.probabilities(examined.logits[name][number : number + 1]).max())


def _drawable(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, C) in colour as it is, anything else as the grey (H, W) of its first channel."""
    return pixels if pixels.shape[-1] == 3 else pixels[..., 0]


def _spelled(text: str) -> str:
    """Text as part of a file's name."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.")[:40]
