"""What earlier versions wrote → what this one reads: records, runs and checkpoints.

Schemas of records: 1 before certificates, 2 before windows of throughput, 3 before misclassified
images, 4 flat, 5 in parts. Formats of checkpoints: 1 before schedules, 2 before generators of the
frameworks' own, 3 before the settings of a training were one object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, Literal

from bench.config.run_settings import RunSettings
from bench.config.training_settings import TrainingSettings

SCHEMA: Literal[5] = 5
FORMAT: Literal[4] = 4

# Settings that had another name until schema 4.
RENAMED = {
    "lr": "learning_rate",
    "target": "target_accuracy",
    "timeout": "timeout_s",
    "window": "window_s",
    "regime": "regimes",
    "pixel_mean": "mean",
    "pixel_std": "std",
    "thread_counts": "threads",
}
# What a plan held beside its settings.
OF_PLAN = (
    *("data_sha256", "pool_images", "own_test_set", "channels", "classes", "start"),
    "weight_decay_is_given",
)
TRAINING = tuple(field.name for field in fields(TrainingSettings))
OF_RUN = tuple(field.name for field in fields(RunSettings))

# Settings of a training in a record until schema 4, by what they were called there.
IN_RECORD = {
    "train_size": "train_images",
    "val_size": "val_images",
    "test_size": "test_images",
    "mean": "given_mean",
    "std": "given_std",
} | {
    name: name
    for name in (
        *("dataset", "model", "activation", "pooling", "dropout", "noise", "fit", "epochs"),
        *("optimizer", "learning_rate", "momentum", "weight_decay", "target_accuracy"),
    )
}
# What is not in them where it was the only possibility when they were written.
ONCE_FIXED = {"activation": "relu", "pooling": "max"}


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


# The parts of a record since schema 5, and what their fields were called before.
PLACES: dict[str, dict[str, str]] = {
    "identity": _same(
        *("run", "cell", "started_at", "framework", "device", "regime", "seed", "repeat"),
        *("batch_size", "threads", "throughput_only"),
    ),
    "trained_with": _same(
        *("optimizer", "momentum", "weight_decay", "alpha", "beta1", "beta2", "epsilon"),
        *("epsilon_form", "rate_in_momentum", "decoupled_decay"),
        *("kernel_initialiser", "bias_initialiser", "generator"),
    )
    | {"mean": "pixel_mean", "std": "pixel_std"},
    "status": _same("reason", "log_tail", "diverged_step", "stopped_early") | {"outcome": "status"},
    "learning": _same(
        *("parameters", "first_epoch", "learning_rates", "train_loss", "val_loss", "val_accuracy"),
        *("test_loss", "test_accuracy", "test_loss_by_epoch", "test_accuracy_by_epoch"),
        *("train_set_loss", "train_set_accuracy", "epoch_0", "step_numbers", "step_val_loss"),
        *("step_val_accuracy", "best_epoch", "step_loss", "oracle_step_loss", "class_names"),
        "confusion",
    )
    | {"misclassified": "mistakes", "misclassified_among": "mistakes_within"},
    "weights": _same("checkpoints", "checkpoint_error", "resumed_from", "resumed_framework"),
    "throughput": _same(
        *("images_per_s", "window_steps", "warm_up_windows", "warm_up_s", "compiling_windows"),
        *("steady", "busy_threads", "flops_per_image", "gflop_per_s", "matrix_gflop_per_s"),
        *("machine_gflop_per_s", "energy_j", "energy_counter"),
    )
    | {"windows_s": "window_s"},
    "timing": _same(
        *("epoch_s", "import_s", "device_start_s", "build_s", "placement_s", "compile_s"),
        *("eval_s", "draw_s", "wall_s", "time_to_target_s", "time_to_target_with_compile_s"),
        "steps_to_target",
    ),
    "environment": _same(
        *("framework_version", "versions", "machine", "other_busy_cpus", "warnings"),
        *("peak_rss_bytes", "peak_device_bytes"),
    )
    | {"state_before": "conditions_before", "state_after": "conditions_after"},
    "provenance": _same(
        *("data_sha256", "split_sha256", "order_sha256", "initial_weights_sha256"),
        *("draws_sha256", "certificate", "unverified", "recipe"),
    ),
}


def record(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record of any schema as one of this version; what it should not have stays, and is told.

    Raises:
        ValueError: it is no record of its schema.
    """
    version = content.get("schema_version")
    if not _is_earlier(version, SCHEMA):
        return content
    with _of_its_schema("record", version):
        return _in_parts(content)


@contextmanager
def _of_its_schema(what: str, version: object) -> Iterator[None]:
    """ValueError where something in it is of another kind than its schema has there."""
    try:
        yield
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"no {what} of schema {version}: {error}") from error


def _in_parts(content: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"schema_version": SCHEMA}
    for part, names in PLACES.items():
        found[part] = {new: content[old] for new, old in names.items() if old in content}
    learning = found["learning"]
    learning["confusion"] = _pairs(learning.get("confusion", []))
    learning["misclassified"] = [
        {"predicted" if name == "said" else name: value for name, value in one.items()}
        for one in learning.get("misclassified", [])
    ]
    asked = request(content.get("asked", {}))
    found["settings"] = _training_settings(content, asked)
    found["run_settings"] = _run_settings(found["identity"], asked) if asked else None
    known = {old for names in PLACES.values() for old in names.values()} | set(IN_RECORD.values())
    known |= {"schema_version", "training", "asked", "weight_decay_is_given"}
    return found | {name: value for name, value in content.items() if name not in known}


def _is_earlier(version: object, this: int) -> bool:
    return type(version) is int and 1 <= version < this


def _pairs(matrix: Iterable[Iterable[int]]) -> list[tuple[int, int, int]]:
    """The pairs of classes with images in them, of a matrix by label and predicted class."""
    return [
        (label, predicted, images)
        for label, row in enumerate(matrix)
        for predicted, images in enumerate(row)
        if images
    ]


def _training_settings(content: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    found = ONCE_FIXED | {name: asked[name] for name in TRAINING if asked.get(name) is not None}
    found |= content.get("training", {})
    found |= {new: content[old] for new, old in IN_RECORD.items() if old in content}
    if not content.get("weight_decay_is_given", True):
        found["weight_decay"] = None
    return found


def _run_settings(identity: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked of the run; what was not, and depended on something, as the cell has it."""
    kept = {name for name in OF_RUN if name != "data_root" and asked.get(name) is not None}
    given = {name: asked[name] for name in kept}
    blocks = len(given.get("seeds", RunSettings.seeds))
    return {
        "frameworks": (identity.get("framework"),),
        "devices": (identity.get("device"),),
        "batch_sizes": (identity.get("batch_size"),),
        "threads": (identity.get("threads"),),
        "min_repeats": blocks,
        "max_repeats": blocks,
    } | given


def request(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run by the names that they have now.

    Until schema 4 some had other names, and those of a training were in a table of their own.
    """
    own = dict(asked.get("training", {}))
    own |= {name: value for name, value in asked.items() if name not in ("training", "recipe")}
    return {RENAMED.get(name) or name: value for name, value in own.items()}


def manifest(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a run's `run.json`; what was asked for stood there beside the plan.

    Raises:
        ValueError: it is none of its schema.
    """
    with _of_its_schema("run", content.get("schema_version")):
        return _manifest(content)


def _manifest(content: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(content)
    asked = found.pop("asked", None)
    if isinstance(asked, Mapping) and asked.get("recipe") is not None:
        found["recipe"] = asked["recipe"]
    plan = found.get("plan")
    if isinstance(plan, Mapping) and _is_earlier(found.get("schema_version"), SCHEMA):
        plan = dict(plan) if "settings" in plan else _plan(plan)
        if not plan.pop("weight_decay_is_given", True) and isinstance(plan["settings"], Mapping):
            plan["settings"] = {**plan["settings"], "weight_decay": None}
        found |= {"plan": plan, "schema_version": SCHEMA}
    return found


def _plan(old: Mapping[str, Any]) -> dict[str, Any]:
    """A plan of until schema 4, in which settings and other fields stood side by side."""
    optimizer = dict(old.get("optimizer", {}))
    settings = request({name: value for name, value in old.items() if name not in OF_PLAN})
    settings |= {name: old.get(name, usual) for name, usual in ONCE_FIXED.items()}
    settings |= {"optimizer": optimizer.get("name")}
    settings |= {name: optimizer.get(name) for name in ("momentum", "weight_decay")}
    settings |= {name: old.get(name, 1) for name in ("min_repeats", "max_repeats")}
    kept = {name: old[name] for name in OF_PLAN if name in old}
    return {"settings": settings, "optimizer": optimizer, **kept}


def header(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The header of a checkpoint of any format as one of this version.

    Raises:
        ValueError: it is none of its format.
    """
    if not _is_earlier(content.get("format"), FORMAT):
        return content
    with _of_its_schema("header", content["format"]):
        return _header(content)


def _header(content: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(content)
    settings: dict[str, Any] = ONCE_FIXED | dict(found.pop("training", None) or {})
    of_settings = {"mean": "given_mean", "std": "given_std"}
    of_settings |= _same("dataset", "train_size", "val_size", "test_size", "fit", "learning_rate")
    settings |= {new: found.pop(old) for new, old in of_settings.items() if old in found}
    model, optimizer = found.get("model"), found.get("optimizer")
    if isinstance(model, Mapping):
        settings |= {"model": model.get("name"), **dict(model.get("options") or {})}
    if isinstance(optimizer, Mapping):
        settings |= {
            "optimizer" if name == "name" else name: optimizer.get(name)
            for name in ("name", "momentum", "weight_decay")
        }
    settings |= {"epochs": found.get("epoch"), "target_accuracy": None}
    renamed = {"mean": "pixel_mean", "std": "pixel_std"}
    found |= {new: found.pop(old) for new, old in renamed.items() if old in found}
    return found | {"settings": settings, "format": FORMAT}
