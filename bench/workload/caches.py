"""Where is kept what can be made again, such as certificates and decoded images."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "LENET_BENCH_CACHE"


def folder(environ: Mapping[str, str] = os.environ) -> Path:
    """$LENET_BENCH_CACHE, or the folder that this platform has for a user's caches; absolute."""
    if given := environ.get(VARIABLE):
        return Path(given).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("lenet-bench")
