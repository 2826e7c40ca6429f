"""Regimes: which of a framework's defaults differ, and the cells that they make."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.config import plan
from bench.config.plan import AvailableImages
from bench.config.settings import DECLARED
from bench.contract import OptimizerSpec
from bench.errors import UnknownNameError, UsageError
from bench.frameworks import named, regimes
from bench.frameworks.regimes import Default, Setting
from bench.system import machine

TORCH, KERAS, FLAX, FLUX = (named(name).own for name in ("torch", "keras", "flax", "flux"))
DIGITS = AvailableImages(train_images=1797, test_images=0, channels=1, classes=10, sha256="d" * 64)


@pytest.fixture(autouse=True)
def on_avx2(monkeypatch, locked_jaxlib):
    """A CPU for which Keras and Flax have a switch, whatever this one is."""
    monkeypatch.setattr(machine, "instruction_sets", lambda: ("avx", "avx2"))


def make(**asked) -> plan.Plan:
    defaults = {"frameworks": ("keras", "flax"), "devices": ("cpu",), "data_root": Path("/data")}
    return plan.make(defaults | asked, DIGITS)


def differing(defaults, optimizer: OptimizerSpec, *, decay_is_given: bool = False) -> list[str]:
    found = regimes.differing(defaults, optimizer, decay_is_given=decay_is_given)
    return [one.name for one in found]


@pytest.mark.parametrize(
    ("defaults", "optimizer", "expected"),
    [
        (KERAS, OptimizerSpec("sgd"), ["kernel-init", "bias-init"]),
        (
            KERAS,
            OptimizerSpec("sgd", momentum=0.9, weight_decay=0.1),
            ["kernel-init", "bias-init", "momentum-form", "decay-form"],
        ),
        (
            KERAS,
            OptimizerSpec("rmsprop"),
            ["kernel-init", "bias-init", "epsilon", "epsilon-form", "alpha"],
        ),
        (
            KERAS,
            OptimizerSpec("rmsprop", momentum=0.5, weight_decay=0.1),
            [
                *("kernel-init", "bias-init", "epsilon", "epsilon-form", "alpha"),
                *("momentum-form", "decay-form"),
            ],
        ),
        (KERAS, OptimizerSpec("adam"), ["kernel-init", "bias-init", "epsilon", "epsilon-form"]),
        (
            KERAS,
            OptimizerSpec("adam", epsilon=1e-7, weight_decay=0.1),
            ["kernel-init", "bias-init", "epsilon-form", "decay-form"],
        ),
        (
            KERAS,
            OptimizerSpec("adamw", weight_decay=0.01),
            ["kernel-init", "bias-init", "epsilon", "epsilon-form", "weight-decay"],
        ),
        (FLAX, OptimizerSpec("sgd", momentum=0.9), ["kernel-init", "bias-init"]),
        (FLAX, OptimizerSpec("adam"), ["kernel-init", "bias-init"]),
        (FLAX, OptimizerSpec("rmsprop"), ["kernel-init", "bias-init", "epsilon-form", "alpha"]),
        (FLUX, OptimizerSpec("sgd", momentum=0.9), ["kernel-init", "bias-init", "momentum-form"]),
        ((), OptimizerSpec("adam"), []),
    ],
)
def test_only_what_changes_something_differs(defaults, optimizer, expected):
    assert differing(defaults, optimizer) == expected


def test_a_weight_decay_that_was_typed_stays():
    adamw = OptimizerSpec("adamw", weight_decay=0.01)
    assert "weight-decay" in differing(FLAX, adamw)
    assert "weight-decay" not in differing(FLAX, adamw, decay_is_given=True)
    typed = make(optimizer="adamw", weight_decay=0.01, regimes=("native", "each"))
    free = make(optimizer="adamw", regimes=("native", "each"))
    assert {typed.setting(cell).optimizer.weight_decay for cell in typed.cells()} == {0.01}
    decays = {
        cell.framework: free.setting(cell).optimizer.weight_decay
        for cell in free.cells()
        if cell.regime == "native"
    }
    assert decays == {"keras": 0.004, "flax": 1e-4}
    assert not any(cell.regime == "native.weight-decay" for cell in typed.cells())


def test_settings():
    adam = OptimizerSpec("adam")
    own = regimes.differing(KERAS, adam, decay_is_given=False)
    assert regimes.setting("matched", adam, own) == Setting(adam)
    assert regimes.setting("native", adam, own) == Setting(
        OptimizerSpec("adam", epsilon=1e-7, epsilon_form="hat"), "glorot_uniform", "zeros"
    )
    assert regimes.setting("native.bias-init", adam, own) == Setting(adam, bias="zeros")
    assert regimes.setting("native.epsilon", adam, own) == Setting(
        OptimizerSpec("adam", epsilon=1e-7)
    )
    assert Setting(adam, bias="zeros").value("bias") == "zeros"
    assert Setting(adam).value("epsilon") == 1e-8


def test_a_regime_that_a_framework_has_not_is_refused():
    own = (Default("epsilon", "epsilon", 1e-7, "here"),)
    with pytest.raises(UnknownNameError, match=r"'native.alpha'.*matched, native, native.epsilon"):
        regimes.setting("native.alpha", OptimizerSpec("adam"), own)


def test_a_generator_differs_where_something_is_random():
    of = {"frameworks": ("torch",), "regimes": ("matched", "native", "each")}
    plain, random = make(**of), make(**of, noise=0.1)
    assert not any("generator" in cell.name for cell in plain.cells())
    assert all(plain.network(cell) == plain.spec() for cell in plain.cells())
    seeds = {cell.regime: random.network(cell).generator_seed for cell in random.cells()}
    assert {regime for regime, seed in seeds.items() if seed is not None} == {
        *("native", "native.generator"),
    }
    own = regimes.differing(TORCH, OptimizerSpec("adam"), decay_is_given=False, is_random=True)
    assert regimes.setting("native.generator", OptimizerSpec("adam"), own).generator == "own"
    assert differing(TORCH, OptimizerSpec("adam")) == []


@pytest.mark.parametrize("asked", [{"noise": 0.1}, {"dropout": 0.5}, {"activation": "rrelu"}])
def test_a_cell_of_native_draws_from_its_own_seed(asked):
    planned = make(
        frameworks=("torch",), regimes=("matched", "native"), seeds=(7, 2**33 + 5), **asked
    )
    networks = {(cell.regime, cell.seed): planned.network(cell) for cell in planned.cells()}
    assert {key: one.generator_seed for key, one in networks.items()} == {
        ("matched", 7): None,
        ("matched", 2**33 + 5): None,
        ("native", 7): 7,
        ("native", 2**33 + 5): 5,  # what JAX and Keras take has 32 bits
    }
    for (regime, _), network in networks.items():
        assert (network.drawn == ()) == (regime == "native")
        assert network.random == planned.spec().drawn != ()
    assert plan.notes(planned) == []


@pytest.mark.parametrize(
    "defaults", [TORCH, KERAS, FLAX, FLUX], ids=["torch", "keras", "flax", "flux"]
)
def test_every_default_is_of_a_known_field_and_no_matched_value(defaults):
    for default in defaults:
        for name in default.optimizers or ("sgd", "rmsprop", "adam", "adamw"):
            matched = Setting(OptimizerSpec(name, momentum=0.9, weight_decay=0.01))
            assert matched.changed(default).value(default.field) == default.value
            assert matched.value(default.field) != default.value
        assert default.source


def test_each_stands_for_one_cell_a_default():
    own = regimes.differing(FLAX, OptimizerSpec("adam"), decay_is_given=False)
    assert regimes.names(("matched", "each", "native"), own) == [
        *("matched", "native.kernel-init", "native.bias-init", "native"),
    ]
    assert regimes.names(("each",), ()) == []


def test_cells_are_named_by_their_regime():
    names = {cell.name for cell in make(seeds=(0,), regimes=("matched", "native", "each")).cells()}
    assert names == {
        *("keras-cpu-seed0", "keras-cpu-native-seed0", "keras-cpu-native.kernel-init-seed0"),
        *("keras-cpu-native.bias-init-seed0", "keras-cpu-native.epsilon-seed0"),
        *("keras-cpu-native.epsilon-form-seed0", "flax-cpu-seed0", "flax-cpu-native-seed0"),
        *("keras-cpu-native.switches-seed0", "flax-cpu-native.switches-seed0"),
        *("flax-cpu-native.kernel-init-seed0", "flax-cpu-native.bias-init-seed0"),
    }


def test_blocks_are_balanced():
    asked = {"frameworks": ("torch", "keras"), "regimes": ("matched", "native", "each")}
    planned = make(**asked, seeds=(0, 1, 2, 3))
    cells = planned.cells()
    blocks = [cells[start : start + 9] for start in range(0, 36, 9)]
    kinds = [{(cell.framework, cell.regime) for cell in block} for block in blocks]
    assert all(len(kind) == 9 and kind == kinds[0] for kind in kinds)
    assert [{cell.seed for cell in block} for block in blocks] == [{0}, {1}, {2}, {3}]
    orders = {tuple((cell.framework, cell.regime) for cell in block) for block in blocks}
    assert len(orders) > 1  # no regime always goes first
    assert planned.cells() == cells


def test_matched_alone_keeps_its_names_and_order():
    assert make().cells() == make(regimes=("matched",)).cells()
    assert all("native" not in cell.name for cell in make().cells())


def test_each_without_any_default_is_refused():
    with pytest.raises(UsageError, match=r"--regime each .* torch, reference has none .* with sgd"):
        make(frameworks=("torch", "reference"), regimes=("each",), optimizer="sgd")
    assert len(make(frameworks=("torch",), regimes=("each", "native"), seeds=(0,)).cells()) == 1


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (("nativ",), r"'nativ' \(did you mean 'native'\?\): choose from matched, native, each"),
        (("native", "native"), "--regime names native more than once"),
        ((), "--regime is empty"),
    ],
)
def test_regimes_that_cannot_be(given, complaint):
    with pytest.raises(UsageError, match=complaint):
        DECLARED["regimes"].about.check("--regime", given)


def test_a_plan_says_for_whom_native_is_matched_again():
    assert plan.notes(make(frameworks=("torch", "keras"))) == []
    (note,) = plan.notes(make(frameworks=("torch", "keras"), regimes=("matched", "native")))
    assert note.startswith("torch: its own defaults are the matched setting with adam")


def test_a_plan_with_regimes_survives_its_file():
    planned = make(regimes=("native", "each"), optimizer="adamw")
    again = plan.Plan.model_validate_json(planned.model_dump_json())
    assert again == planned
    assert again.cells() == planned.cells()
