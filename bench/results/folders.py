"""Which runs lie below a folder, and how each was started."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bench.errors import StoreError
from bench.results import store


def run_folders(paths: Sequence[Path]) -> list[Path]:
    """The folders below the paths that hold records: each is one run."""
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            raise StoreError(f"{path} is no folder: give run folders, or a results folder")
        own = [path] if (path / "records").is_dir() else path.glob("*/records")
        found += sorted(one if one == path else one.parent for one in own)
    return list(dict.fromkeys(found))


def commands_of(path: Path) -> dict[str, tuple[str, ...]]:
    """The arguments that runs were started with, by their names: of a run's folder, or of several.

    Runs without a manifest that can be read are left out.
    """
    found: dict[str, tuple[str, ...]] = {}
    for folder in (path, *(file.parent for file in sorted(path.glob(f"*/{store.MANIFEST}")))):
        with suppress(StoreError):
            manifest = store.read_manifest(folder)
            found[manifest.name] = manifest.command
    return found
