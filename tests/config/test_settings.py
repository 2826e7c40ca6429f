"""The declarations of settings, and what derives from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_origin

import pytest
import typer

from bench.cli.app import app
from bench.config import recipe
from bench.config.declaration import PANELS
from bench.config.plan import Plan
from bench.config.settings import DECLARED, checked
from bench.errors import BenchError, UsageError
from bench.results import migrate, store

ROOT = Path(__file__).resolve().parents[2]
COUNTS = ("train_size", "test_size", "epochs", "first", "val_every", "patience", "stop_patience")
# For each a value of its type that no run can have.
WRONG = {
    **dict.fromkeys((*COUNTS, "min_repeats", "max_repeats", "save_every"), 0),
    **dict.fromkeys(("model", "activation", "pooling", "fit", "optimizer", "dataset"), "nothing"),
    **dict.fromkeys(("split", "order", "init", "bias_init", "schedule", "monitor", "ties"), "x"),
    **dict.fromkeys(("devices", "regimes", "evaluate", "save"), ("nothing",)),
    **dict.fromkeys(("mean", "test_mean"), (float("nan"),)),
    **dict.fromkeys(("std", "test_std"), (0.0,)),
    **dict.fromkeys(
        ("learning_rate", "timeout_s", "window_s", "stop_at", "precision", "factor"), 0.0
    ),
    "target_accuracy": 1.5,
    **dict.fromkeys(("weight_decay", "floor", "noise", "wait_for_quiet_s"), -1.0),
    **dict.fromkeys(("momentum", "dropout"), 1.0),
    **dict.fromkeys(
        ("drop_last", "deterministic", "epoch_zero", "unverified", "throughput_only"), "yes"
    ),
    "accept_disturbed": "yes",
    "env": ("OMP_NUM_THREADS=1",),
    **{"tensorboard": 2, "val_size": -1, "windows": 3, "data_root": Path(__file__)},
    **{"frameworks": ("torch", "torch"), "seeds": (-1,), "batch_sizes": (0,), "threads": (0,)},
}


@pytest.mark.parametrize("name", DECLARED)
def test_each_says_what_it_is_and_refuses_what_cannot_be(name):
    of = DECLARED[name].about
    assert of.help.endswith(".")
    assert of.help.isprintable()
    assert of.panel in PANELS
    with pytest.raises(BenchError) as refused:
        checked({name: WRONG[name]})
    assert refused.value.args


def test_defaults_are_what_a_person_may_give():
    given = {name: of.default for name, of in DECLARED.items() if of.default not in (None, ())}
    assert checked(given) == given


def test_no_activation_is_none_to_choose():
    """A layer may have none; a network may not."""
    with pytest.raises(
        BenchError, match="choose from relu, leakyrelu, rrelu, prelu, elu, selu, t"
    ) as e:
        checked({"activation": "nothing"})
    assert "none" not in str(e.value)
    with pytest.raises(BenchError, match="unknown activation 'none'"):
        checked({"activation": "none"})


def test_the_command_line_has_an_option_for_each():
    run = typer.main.get_group(app).commands["run"]
    options = {option.name: option for option in run.params}
    assert set(DECLARED) <= options.keys()
    for name, of in DECLARED.items():
        option = options[name]
        assert option.help == of.about.help
        assert of.flag in option.opts
        if of.kind is bool:
            assert (option.is_flag, option.secondary_opts) == (True, [])
        elif option.default is not None:
            assert of.parse(option.default) == of.default
    own = {"start", "recipe", "out", "resume", "formats", "dry_run", "json", "help"}
    own |= {"arrays", "on", "share_host", "mlflow"}
    assert options.keys() - DECLARED.keys() <= own


def test_what_a_recipe_may_say():
    """Where and how something is measured is not a matter of what was published."""
    refused = {name for name, of in DECLARED.items() if of.key not in recipe.ALLOWED}
    assert {"frameworks", "devices", "threads", "windows", "data_root", "dataset"} <= refused
    assert {"lr", "batch-size", "schedule", "init", "seeds"} <= recipe.ALLOWED.keys()


def test_requests_of_earlier_versions():
    """Until schema 4 the settings of a training were in a table, and some had other names."""
    now = {"learning_rate": 0.1, "regimes": ["native"], "schedule": "plateau", "factor": 0.5}
    old = {"lr": 0.1, "regime": ["native"], "training": {"schedule": "plateau", "factor": 0.5}}
    assert migrate.request(old) == now
    assert migrate.request(now) == now


def test_published_runs_are_read():
    """The manifests of two are of schema 4: settings and facts side by side in a plan."""
    published = ROOT / "results" / "published"
    for manifest in published.glob("*/run.json"):
        planned = store.read_manifest(manifest.parent).plan
        assert Plan.model_validate_json(planned.model_dump_json()) == planned
    for folder in (published / "mnist", published / "cifar10-12k"):
        content = json.loads((folder / "run.json").read_text())
        assert "settings" not in content["plan"]
        planned = store.read_manifest(folder).plan
        assert planned.settings.batch_sizes == tuple(content["plan"]["batch_sizes"])
        assert planned.settings.threads == tuple(content["plan"]["thread_counts"])
        assert planned.settings.learning_rate == content["plan"]["learning_rate"]
        assert planned.optimizer.name == planned.settings.optimizer


LISTS = sorted(
    name for name, of in DECLARED.items() if get_origin(of.kind) is tuple and of.about.parse
)


@pytest.mark.parametrize("typed", ["", " ", ",", " , "])
@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_names_nothing_is_refused_with_what_the_option_takes(name, typed):
    """Also where the default is the empty list, which nobody can type."""
    of = DECLARED[name]
    with pytest.raises(UsageError) as refused:
        of.parse(typed)
    said = str(refused.value)
    assert said.startswith(f"{of.flag} {typed!r} is empty: give ")
    example = said.partition("such as ")[2].partition(", or ")[0]
    assert of.parse(example)


def test_which_settings_are_lists():
    assert {"seeds", "devices", "mean", "evaluate", "save"} <= set(LISTS)
    assert len(LISTS) == 12
