"""What a training's settings may be, and what is said of those that cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.config import plan
from bench.config.plan import Cell
from bench.config.settings import DECLARED
from bench.config.split_sizes import AvailableImages
from bench.errors import UsageError
from report.wording.settings_text import IN_WORDS

DIGITS = AvailableImages(train_images=1797, test_images=0, channels=1, classes=10, sha256="d" * 64)
MNIST = AvailableImages(
    train_images=60_000, test_images=10_000, channels=1, classes=10, sha256="m" * 64
)


def make(source: AvailableImages = DIGITS, **asked) -> plan.Plan:
    known = {"frameworks": ("torch",), "devices": ("cpu",), "data_root": Path("/data")}
    return plan.make(known | asked, source)


def test_a_plain_run_asks_for_nothing():
    settings = make().settings
    usual = {name: of.default for name, of in DECLARED.items()}
    assert [name for name in IN_WORDS if getattr(settings, name) != usual[name]] == []


def test_a_plateau_has_the_model_zoos_constants():
    training = make(schedule="plateau").settings
    assert (training.factor, training.patience, training.floor) == (0.1, 5, 1e-6)
    assert make(schedule="plateau", floor=0.0, patience=1).settings.floor == 0.0


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"schedule": "plateu"}, "unknown schedule 'plateu' .did you mean 'plateau'"),
        ({"schedule": "plateau", "patience": 0}, "--patience 0 is too small: give 1 or more"),
        ({"schedule": "plateau", "factor": -0.1}, "--factor -0.1 is not allowed"),
        ({"schedule": "plateau", "factor": 1.0}, "--factor 1 is not allowed"),
        ({"schedule": "plateau", "factor": float("nan")}, "--factor nan is not allowed"),
        ({"schedule": "plateau", "floor": -1.0}, "--floor -1 is not a finite number from 0"),
        ({"patience": 3, "factor": 0.5}, "--factor 0.5, --patience 3 has no effect with a con"),
        ({"stop_patience": 0}, "--stop-patience 0 is too small"),
        ({"stop_at": 0.0}, "--stop-at 0 is not an accuracy"),
        ({"stop_at": 99.9}, "--stop-at 99.9 is not an accuracy"),
        ({"schedule": "plateau", "val_size": 0}, "--schedule plateau needs validation im"),
        ({"stop_at": 0.9, "val_size": 0}, "--stop-at needs validation images, and --val"),
        ({"val_every": 0}, "--val-every 0 is too small"),
        ({"val_every": 5, "val_size": 0}, "--val-every 5 needs validation images"),
        ({"monitor": "train"}, "unknown set to monitor 'train'"),
        ({"ties": "both"}, "unknown choice of ties 'both'"),
        ({"split": "first"}, "unknown split 'first': choose from random, last"),
        ({"order": "sorted"}, "unknown order 'sorted'"),
        ({"evaluate": ("val",)}, "unknown part to evaluate 'val'"),
        ({"evaluate": ("test", "test")}, "--evaluate names test more than once"),
        ({"first": 0}, "--first 0 is too small"),
        ({"first": 1798}, "--first 1798 is too large: digits has 1797 images"),
        ({"init": "xavier"}, "unknown initialisation 'xavier'"),
        ({"bias_init": "ones"}, "unknown initialisation of biases 'ones'"),
        ({"test_std": (0.0,)}, "--test-std 0 is not a finite number above 0"),
        ({"test_mean": (0.1, 0.2)}, "--test-mean has 2 values for images of 1 channels"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(asked, complaint):
    with pytest.raises(UsageError, match=complaint):
        make(**asked)


def test_the_test_set_decides_without_validation_images():
    planned = make(schedule="plateau", stop_at=0.9, val_size=0, monitor="test")
    assert planned.settings.monitor == "test"


def test_only_the_first_images_and_a_tenth_as_many_for_the_test():
    planned = make(MNIST, dataset="mnist", first=5000)
    assert planned.pool_images == 5000
    of = planned.settings
    assert (of.train_size, of.val_size, of.test_size) == (4583, 417, 500)
    assert make(MNIST, dataset="mnist", first=5000, test_size=10_000).settings.test_size == 10_000
    assert make(MNIST, dataset="mnist", first=5).settings.test_size == 1
    assert make(first=100).settings.test_size == 15  # digits has no test set: a share of these


def test_steps_of_an_epoch():
    whole, dropped = make(train_size=100), make(train_size=100, drop_last=True)
    whole, dropped = whole.settings, dropped.settings
    assert (whole.steps(32), whole.images_an_epoch(32)) == (4, 100)
    assert (dropped.steps(32), dropped.images_an_epoch(32)) == (3, 96)
    assert (whole.steps(25), dropped.steps(25)) == (4, 4)


def test_initial_weights_that_were_typed_stay_in_every_regime():
    def setting(regime: str, **asked):
        planned = make(frameworks=("flax",), regimes=("matched", "native"), **asked)
        cell = Cell(framework="flax", device="cpu", seed=0, regime=regime, batch_size=32, threads=1)
        found = planned.setting(cell)
        return found.kernel, found.bias

    assert setting("matched") == ("pytorch", "pytorch")
    assert setting("native") == ("lecun_normal", "zeros")
    assert setting("matched", init="kaiming_normal") == ("kaiming_normal", "pytorch")
    assert setting("native", init="kaiming_normal") == ("kaiming_normal", "zeros")
    assert setting("native", bias_init="pytorch") == ("lecun_normal", "pytorch")
    assert setting("matched", init="keras") == ("glorot_uniform", "zeros")
    assert setting("matched", init="keras", bias_init="pytorch") == ("glorot_uniform", "pytorch")


def test_a_plan_with_all_of_it_survives_its_file():
    planned = make(
        schedule="plateau",
        stop_at=0.99,
        evaluate=("train", "test"),
        test_mean=(0.1,),
        init="keras",
        val_every=3,
    )
    assert plan.Plan.model_validate_json(planned.model_dump_json()) == planned
