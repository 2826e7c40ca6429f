"""A file for each mistake, in a folder for each framework that made it."""

from __future__ import annotations

import numpy as np
import pytest

from bench.cli.views import misclassified_images
from bench.cli.views.misclassified_images import Examined


def logits(*predicted: int) -> np.ndarray:
    return np.eye(3, dtype=np.float32)[list(predicted)]


@pytest.fixture
def examined() -> Examined:
    """Three images, of which one framework mistakes the last one and another the first two."""
    return Examined(
        logits={"right": logits(0, 1, 0), "wrong": logits(1, 2, 2)},
        labels=np.array([0, 1, 2], np.int32),
        classes=("zero", "one", "two"),
        pixels=lambda number: np.full((4, 4, 1), number, np.uint8),
        called=lambda number: None,
    )


def test_each_framework_has_the_files_of_its_own_mistakes(examined, tmp_path):
    told = misclassified_images.write(tmp_path / "mistakes", examined)
    assert told == {"path": str(tmp_path / "mistakes"), "count": 3, "written": 3}
    names = {
        framework: sorted(path.name for path in (tmp_path / "mistakes" / framework).iterdir())
        for framework in ("right", "wrong")
    }
    assert [name[:5] for name in names["right"]] == ["00002"]
    assert [name[:5] for name in names["wrong"]] == ["00000", "00001"]
    assert "two" in names["right"][0]
    assert names["right"][0].index("two") < names["right"][0].index("zero")
