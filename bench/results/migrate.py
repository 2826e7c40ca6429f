"""What earlier versions wrote → what this one reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
# What a plan held beside its settings, then as now.
OF_PLAN = (
    *("data_sha256", "pool_images", "own_test_set", "channels", "classes", "start"),
    "weight_decay_is_given",
)


def request(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run by their names in `bench.config.settings.Settings`.

    Until schema 4 some had other names, and those of a training were in a table of their own.
    """
    own = dict(asked.get("training", {}))
    own |= {name: value for name, value in asked.items() if name not in ("training", "recipe")}
    return {RENAMED.get(name) or name: value for name, value in own.items()}


def manifest(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a run's `run.json`; what was asked for stood there beside the plan."""
    found = dict(content)
    asked = found.pop("asked", None)
    if isinstance(asked, Mapping) and asked.get("recipe") is not None:
        found["recipe"] = asked["recipe"]
    old = found.get("plan")
    if isinstance(old, Mapping) and "settings" not in old:
        found["plan"] = _plan(old)
    return found


def _plan(old: Mapping[str, Any]) -> dict[str, Any]:
    """A plan of until schema 4, in which settings and other fields stood side by side."""
    optimizer = dict(old.get("optimizer", {}))
    settings = request({name: value for name, value in old.items() if name not in OF_PLAN})
    settings |= {"activation": old.get("activation", "relu"), "pooling": old.get("pooling", "max")}
    settings |= {"optimizer": optimizer.get("name")}
    settings |= {name: optimizer.get(name) for name in ("momentum", "weight_decay")}
    settings |= {name: old.get(name, 1) for name in ("min_repeats", "max_repeats")}
    kept = {name: old[name] for name in OF_PLAN if name in old}
    return {"settings": settings, "optimizer": optimizer, **kept}
