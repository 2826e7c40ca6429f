"""What earlier versions wrote → what this one reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def request(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run by the names of `bench.config.settings.Settings`.

    Until schema 4 those of a training were in a table of their own.
    """
    own = {name: value for name, value in asked.items() if name not in ("training", "recipe")}
    return own | dict(asked.get("training", {}))


def manifest(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a run's `run.json`; the recipe was among the settings, too."""
    asked = content.get("asked")
    if not isinstance(asked, Mapping) or "training" not in asked:
        return dict(content)
    return dict(content) | {"asked": request(asked), "recipe": asked.get("recipe")}
