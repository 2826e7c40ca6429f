"""How the two sides of a pair are started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.gate import pairs
from bench.gate.budget import Budget
from bench.gate.cases import NAMES, Case
from bench.gate.origin import Origins
from bench.gate.process import Side, SideError
from bench.system import interpreter

PACKAGES = Path("lib", "python3.11", "site-packages")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is done up to when the second side would be started: it cannot be."""
    done: list[object] = []

    class Process:
        def __init__(self, side: Side, *_: object) -> None:
            done.append(side.name)
            if len({one for one in done if one in NAMES}) == len(NAMES):
                raise SideError("no more")

        def __enter__(self) -> Process:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(pairs, "Resident", Process)
    monkeypatch.setattr(interpreter, "forget_libraries", lambda folders: done.append(list(folders)))
    return done


def measure(first: str, pythons: dict[str, Path], folder: Path) -> None:
    origins = Origins(folder, (), ())
    sides = {name: Side(name, pythons[name], (folder,), folder, origins) for name in NAMES}
    with_ = pairs.Measuring(sides, pairs.Shape(), folder, Budget(60.0))
    with pytest.raises(SideError, match="no more"):
        pairs.measure(with_, Case(framework="torch"), 0, first, None)


@pytest.mark.parametrize(
    ("first", "order"), [("base", ["base", "head"]), ("head", ["head", "base"])]
)
def test_the_side_that_is_measured_first_is_started_first(started, tmp_path, first, order):
    measure(first, dict.fromkeys(NAMES, Path(sys.executable)), tmp_path)
    assert started == order, "and one environment is left as it is in memory"


def test_two_environments_are_both_read_from_the_disk(started, tmp_path):
    pythons = {}
    for name in NAMES:
        (tmp_path / name / PACKAGES).mkdir(parents=True)
        pythons[name] = tmp_path / name / "bin" / "python"
    measure("base", pythons, tmp_path)
    folders = [tmp_path / name / PACKAGES for name in NAMES]
    assert started == [folders, "base", "head"]
