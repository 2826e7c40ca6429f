"""Environment variables of a cell's process: what an expert sets on a CPU, and what was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import frameworks
from bench.config import plan, variables
from bench.config.plan import AvailableImages, Cell, Plan
from bench.frameworks import Framework, Switch

DIGITS = AvailableImages(train_images=1797, test_images=0, channels=1, classes=10, sha256="d" * 64)
KERAS = {"KERAS_BACKEND": "tensorflow"}  # without which it would be another row
ONEDNN = KERAS | {"TF_ENABLE_ONEDNN_OPTS": "1"}


def make(*env: str, **asked: object) -> Plan:
    given = {"frameworks": ("torch", "keras", "flax:scan"), "devices": ("cpu",), "env": env}
    return plan.make(given | {"data_root": Path("/data"), "seeds": (0,)} | asked, DIGITS)


def of(planned: Plan, framework: str, *sets: str, regime: str = "matched") -> dict[str, str]:
    cells = {(cell.framework, cell.regime): cell for cell in planned.cells()}
    return planned.variables(cells[framework, regime], sets)


def test_what_is_given_to_all_to_a_framework_and_to_a_variant() -> None:
    given = ("A=all", "flax:A=x=y,z", "flax:scan:B=", "torch:C=1")
    assert variables.of_framework("torch", given) == {"A": "all", "C": "1"}
    assert variables.of_framework("flax", given) == {"A": "x=y,z"}
    assert variables.of_framework("flax:scan", given) == {"A": "x=y,z", "B": ""}
    assert variables.of_framework("flaxen", given) == {"A": "all"}
    both = ("flax:scan:A=mine", "flax:A=ours")
    for order in (both, both[::-1]):
        assert variables.of_framework("flax:scan", order) == {"A": "mine"}


@pytest.mark.usefixtures("locked_jaxlib")
def test_a_switch_is_set_on_the_class_of_cpu_that_it_is_for() -> None:
    planned = make()
    assert of(planned, "keras", "avx", "avx2") == ONEDNN
    assert of(planned, "keras", "neon") == KERAS
    assert of(planned, "torch", "avx2") == {}
    assert "ynn" in of(planned, "flax:scan")["XLA_FLAGS"]  # on every CPU


def test_what_a_person_gives_goes_before_a_switch() -> None:
    planned = make("TF_ENABLE_ONEDNN_OPTS=0", "keras:MALLOC_ARENA_MAX=1")
    given = {"TF_ENABLE_ONEDNN_OPTS": "0"}
    assert of(planned, "keras", "avx2") == KERAS | given | {"MALLOC_ARENA_MAX": "1"}
    assert of(planned, "torch", "avx2") == given


def test_native_leaves_the_framework_alone() -> None:
    planned = make("A=1", regimes=("matched", "native"))
    assert of(planned, "keras", "avx2", regime="native") == KERAS | {"A": "1"}
    assert of(planned, "keras", "avx2") == ONEDNN | {"A": "1"}


def test_a_switch_of_the_cpu_is_none_of_a_gpu() -> None:
    framework = frameworks.named("keras")
    assert framework.variables("cpu", ("avx2",)) == ONEDNN
    assert framework.variables("gpu", ("avx2",)) == KERAS
    assert framework.variables("cpu", ("avx2",), switches=False) == KERAS


@pytest.mark.parametrize(
    "framework",
    frameworks.built_in(),
    ids=lambda one: one.name,
)
def test_the_regime_native_takes_back_what_an_expert_sets(framework: Framework) -> None:
    taken_back = any(one.field == "switches" for one in framework.own)
    assert taken_back == bool(framework.switches)
    variables.check("--env", tuple(f"{one.name}={one.value}" for one in framework.switches))
    assert all(one.does for one in framework.switches)


def test_classes_of_cpu() -> None:
    switch = Switch("A", "1", "does", on=("avx2", "neon"))
    assert switch.helps("cpu", ("neon",))
    assert not switch.helps("cpu", ("avx",))
    assert not switch.helps("cpu", ())
    assert Switch("A", "1", "does").helps("cpu", ())


def test_a_switch_that_only_some_versions_know() -> None:
    def helps(of: str) -> bool:
        return Switch("A", "1", "does", of=of).helps("cpu", ())

    assert helps("numpy>=1,<100")
    assert not helps("numpy<1")
    assert not helps("a-package-that-nobody-has>=1")


def test_a_cell_is_what_it_was() -> None:
    """Variables are of the run and of the machine, and no part of a cell's name."""
    (cell,) = make("A=1", frameworks=("torch",)).cells()
    assert cell == Cell(
        framework="torch", device="cpu", seed=0, batch_size=cell.batch_size, threads=cell.threads
    )
