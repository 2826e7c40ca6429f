from __future__ import annotations

import base64
import io
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image

from bench.results.record import Misclassified, Record
from report.analysis.comparison import compare
from report.build import build
from report.figures.gallery import Gallery
from report.report_data import ReportData
from report.tables import contents
from tests.record_making import changed
from tests.report.every_format import PLAIN

FROZEN = Path(__file__).parent / "frozen"

SINGLE = (
    *("parameters", "test_loss", "test_accuracy"),
    *("images_per_s", "compile_s", "time_to_target_s", "time_to_target_with_compile_s"),
    *("steps_to_target", "certificate"),
    *("peak_rss_bytes", "framework_version", "split_sha256", "order_sha256"),
    *("initial_weights_sha256", "data_sha256"),
)
LISTS = ("mean", "std", "train_loss", "val_loss", "val_accuracy", "epoch_s")

Make = Callable[..., Record]


@pytest.fixture(scope="session")
def frozen() -> list[Record]:
    """Seventeen records as they were once written; test_golden.py computes with them by hand."""
    return [
        Record.model_validate_json(file.read_text(encoding="utf-8"))
        for file in sorted(FROZEN.glob("*.json"))
    ]


@pytest.fixture
def make(frozen: list[Record]) -> Make:
    """A record that succeeded (`torch`, seed 0), with changes; `machine_…` changes the machine."""
    template = next(
        r
        for r in frozen
        if (r.identity.framework, r.identity.seed, r.identity.regime) == ("torch", 0, "matched")
        and r.settings.target_accuracy
    )

    return partial(changed, template)


@pytest.fixture
def failed(make: Make) -> Make:
    """A record that failed before it learned anything."""

    def made(**changes: Any) -> Record:
        unknown = dict.fromkeys(SINGLE) | {name: [] for name in LISTS}
        return make(**(unknown | {"outcome": "failed", "reason": "it broke"} | changes))

    return made


@pytest.fixture(scope="session")
def windows() -> list[Record]:
    """Records of schema 3, as test_golden.py computes with them by hand; batches of 64 and 128."""
    files = sorted((Path(__file__).parent / "frozen-windows" / "records").glob("*.json"))
    return [Record.model_validate_json(file.read_text(encoding="utf-8")) for file in files]


@pytest.fixture(scope="session")
def mistaken(windows: list[Record]) -> list[Record]:
    """The records of `windows` at batch 64 with mistakes of two images and two first steps.

    Of three classes; torch also mistakes image 5, and only its records have pictures.
    """
    return [
        changed(record, **_misclassified(record))
        for record in windows
        if record.identity.batch_size == 64 and not record.identity.throughput_only
    ]


class Report(NamedTuple):
    """A report with each of its formats: its folder, and the paths that `build` returned."""

    folder: Path
    paths: list[Path]

    @property
    def page(self) -> Path:
        return self.folder / "report.html"


@pytest.fixture(scope="session")
def problems() -> list[tuple[Path, str]]:
    """A file that could not be read, which the reports of `report` name."""
    return [(Path("a<b>.json"), "not <whole>")]


@pytest.fixture(scope="session")
def report(
    tmp_path_factory: pytest.TempPathFactory,
    problems: list[tuple[Path, str]],
    frozen: list[Record],
    windows: list[Record],
    mistaken: list[Record],
) -> Callable[[str], Report]:
    """The report over windows and a sweep; over regimes and failures; over mistakes; over nothing.

    In all formats but Parquet, which test_parquet.py reads.
    Each takes seconds to draw, so it is made once, when it is first asked for: only to be read.
    """
    records = {"windows": windows, "regimes": frozen, "mistaken": mistaken, "nothing": []}

    @cache
    def made(name: str) -> Report:
        folder = tmp_path_factory.mktemp(name)
        return Report(
            folder, build(ReportData.of(records[name], problems=problems), folder, formats=PLAIN)
        )

    return made


@pytest.fixture(scope="session")
def gallery(windows: list[Record]) -> Gallery:
    """All pictures of `windows`."""
    compared = compare(windows)
    return Gallery(compared, contents.drawn(contents.crossings(compared)))


def _misclassified(record: Record) -> dict[str, Any]:
    own = [(2, 0, 1), (7, 2, 1)] + [(5, 1, 2)] * (record.identity.framework == "torch")
    return {
        "class_names": ["a <b>", "$x$", "c"],
        "confusion": [
            *((0, 0, 10), (0, 1, 1), (1, 1, 10)),
            *([(1, 2, 1)] if record.identity.framework == "torch" else []),
            *((2, 1, 1), (2, 2, 9)),
        ],
        "misclassified": [
            Misclassified(
                image=image, label=label, predicted=predicted, png=_png() if len(own) == 3 else None
            )
            for image, label, predicted in sorted(own)
        ],
        "misclassified_among": 8,
        "step_loss": [2.3, 2.2, None],
        "oracle_step_loss": [2.3, 2.0, 1.0],
    }


def _png() -> str:
    file = io.BytesIO()
    Image.new("L", (8, 8), 200).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
