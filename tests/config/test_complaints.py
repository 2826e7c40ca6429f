"""What is said of settings that cannot be, word for word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.config import parsing, plan, resolve
from bench.config.defaults import LEARNING_RATES, PRESETS, WEIGHT_DECAYS
from bench.config.settings import DECLARED, checked
from bench.config.split_sizes import AvailableImages
from bench.errors import BenchError, UsageError
from tests.golden_texts import assert_golden

from .test_settings import WRONG

GOLDEN = Path(__file__).parent / "golden"
DIGITS = AvailableImages(train_images=1797, test_images=0, channels=1, classes=10, sha256="d" * 64)
MNIST = AvailableImages(
    train_images=60_000, test_images=10_000, channels=1, classes=10, sha256="m" * 64
)
TOGETHER: tuple[Mapping[str, Any], ...] = (
    {"first": 1798},
    {"test_size": 1798},
    {"train_size": 1437, "val_size": 2, "test_size": 359},
    {"train_size": 0},
    {"dataset": "mnist", "train_size": 60_000, "val_size": 1},
    {"dataset": "mnist", "test_size": 10_001},
    {"val_size": 1797},
    {"train_size": 20, "batch_sizes": (64,)},
    {"max_repeats": 9},
    {"precision": 0.02, "max_repeats": 2},
    {"precision": 0.02, "min_repeats": 9, "max_repeats": 5},
    {"throughput_only": True, "target_accuracy": 0.9},
    {"target_accuracy": 0.9, "val_size": 0},
    {"optimizer": "adam", "momentum": 0.9},
    {"mean": (0.1, 0.2)},
    {"test_std": (0.1, 0.2, 0.3)},
    {"model": "lenet5-wide", "activation": "tanh"},
    {"regimes": ("each",), "frameworks": ("torch",), "optimizer": "sgd"},
    {"evaluate": ("none", "test")},
    {"deterministic": True, "devices": ("gpu",)},
    {"patience": 3, "factor": 0.5},
    {"schedule": "plateau", "val_size": 0},
    {"stop_at": 0.9, "stop_patience": 2, "val_size": 0},
    {"val_every": 5, "val_size": 0},
    {"batch_sizes": (8, 8)},
    {"threads": ()},
    {"momentum": -0.1},
    {"dropout": -0.1},
    {"env": ("XLA_FLAGS",)},
    {"env": ("flax:XLA FLAGS=1",)},
    {"env": ("=1",)},
    {"env": ("A=1", "flax:A=2", "A=3")},
    {"env": ("PATH=/bin",)},
    {"env": ("HOME=/root",)},
    {"env": ("flx:XLA_FLAGS=--a",), "frameworks": ("flax:scan", "torch")},
)


def said(call: Any, *given: Any, **named: Any) -> str:
    try:
        call(*given, **named)
    except BenchError as error:
        return str(error)
    return "nothing"


def complaints() -> Iterator[str]:
    for name in DECLARED:
        yield f"{name}={WRONG[name]}: {said(checked, {name: WRONG[name]})}"
    known = {"frameworks": ("torch",), "devices": ("cpu",), "data_root": Path("/data")}
    for asked in TOGETHER:
        source = MNIST if asked.get("dataset") == "mnist" else DIGITS
        yield f"{asked}: {said(plan.make, known | asked, source)}"


def test_each_complaint():
    where = str(WRONG["data_root"])
    told = "".join(f"{line}\n" for line in complaints()).replace(where, "FILE")
    assert_golden(GOLDEN / "complaints.txt", told)


@pytest.mark.parametrize(
    ("text", "share"), [("2%", 0.02), (" 0.5% ", 0.005), ("0.02", 0.02), ("100%", 1.0)]
)
def test_a_share_is_typed_with_or_without_percent(text, share):
    assert parsing.share("--precision", text) == pytest.approx(share, rel=1e-15)


@pytest.mark.parametrize("text", ["two%", "2‰", "%", ""])
def test_what_is_no_share(text):
    with pytest.raises(UsageError) as error:
        parsing.share("--precision", text)
    assert str(error.value) == f"--precision {text!r} cannot be read: give a share such as 2%"


def test_presets():
    """Epochs, batch, validation, target, test, fit."""
    found = {
        name: (of.epochs, of.batch_size, of.validation, of.target, of.test, of.fit)
        for name, of in PRESETS.items()
    }
    assert found == {
        "digits": (20, 32, 0.05, 0.95, 0.15, "resize"),
        "mnist": (5, 128, 1 / 12, 0.98, 0.0, "pad"),
        "fashionmnist": (10, 128, 1 / 12, 0.87, 0.0, "pad"),
        "kmnist": (10, 128, 1 / 12, 0.96, 0.0, "pad"),
        "qmnist": (5, 128, 1 / 12, 0.98, 0.0, "pad"),
        "cifar10": (10, 128, 0.1, 0.55, 0.0, "pad"),
        "emnist-balanced": (10, 128, 0.1, 0.8, 0.0, "pad"),
        "emnist-letters": (10, 128, 0.1, 0.87, 0.0, "pad"),
        "emnist-digits": (5, 128, 1 / 12, 0.98, 0.0, "pad"),
        "emnist-byclass": (5, 128, 1 / 12, 0.8, 0.0, "pad"),
        "emnist-bymerge": (5, 128, 1 / 12, 0.85, 0.0, "pad"),
        "cifar100": (20, 128, 0.1, 0.2, 0.0, "pad"),
        "cifar100-coarse": (20, 128, 0.1, 0.3, 0.0, "pad"),
        "svhn": (10, 128, 0.1, 0.75, 0.0, "pad"),
    }
    assert LEARNING_RATES == {"sgd": 0.01, "rmsprop": 1e-3, "adam": 1e-3, "adamw": 1e-3}
    assert WEIGHT_DECAYS == {"sgd": 0.0, "rmsprop": 0.0, "adam": 0.0, "adamw": 0.01}


def test_a_file_of_images_is_found_from_everywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    whole = f"npz:{tmp_path.resolve() / 'a.npz'}"
    typed = ("npz:a.npz", "npz:~/a.npz", f"npz:{tmp_path}/b/../a.npz", "npz", "digits", "a:b")
    found = [parsing.dataset("--dataset", one) for one in typed]
    assert found == [whole, whole, whole, "npz", "digits", "a:b"]
    assert parsing.dataset("--dataset", "folder:b/..") == f"folder:{tmp_path.resolve()}"
    assert parsing.dataset("--dataset", "folder:") == "folder:"


def test_the_names_of_arrays_become_a_part_of_the_data_sets_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    typed = parsing.dataset("--dataset", "npz:a#1.npz")
    named = parsing.with_arrays(typed, "a/1, b ,c,d")
    assert named == f"npz:{tmp_path.resolve() / 'a#1.npz'}#a/1,b,c,d"
    assert parsing.dataset("--dataset", "npz:a#1.npz#a/1,b,c,d") == named
    assert parsing.with_arrays(typed, "a,b,c,d,e,f") == f"{typed}#a,b,c,d,e,f"


@pytest.mark.parametrize(
    ("text", "dataset", "complaint"),
    [
        ("a,b,c", "npz:x", "--arrays 'a,b,c' cannot be read: give four different names, TRAIN_IMA"),
        ("a,b,c,d,e", "npz:x", "or six, with those of the images and labels for validation"),
        ("a,b,c,a", "npz:x", "give four different names"),
        ("", "npz:x", "--arrays '' cannot be read"),
        ("a,b,c,d", "npz:x#e,f,g,h", "npz:x#e,f,g,h has names of its arrays: leave out one"),
        *(("a,b,c,d", other, "give npz:FILE with it") for other in (None, "mnist", "folder:a")),
    ],
)
def test_names_of_arrays_that_cannot_be_read(text, dataset, complaint):
    with pytest.raises(UsageError) as caught:
        parsing.with_arrays(dataset, text)
    assert complaint in str(caught.value)


def test_what_only_a_training_has_is_without_effect_where_speed_alone_is_measured():
    asked = {"epochs": 3, "seeds": (0,), "tensorboard": True, "save": ("last",), "stop_patience": 2}
    flags = ["--epochs", "--tensorboard", "--save", "--stop-patience"]
    assert resolve.without_effect({**asked, "throughput_only": True}) == flags
    assert resolve.without_effect({**asked, "throughput_only": False}) == []
    assert resolve.without_effect(asked) == []
    of_speed = {"seeds": (0,), "save": ("none",), "tensorboard": False, "throughput_only": True}
    assert resolve.without_effect(of_speed) == []
