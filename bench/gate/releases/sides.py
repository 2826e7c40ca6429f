"""From environments to what the gate can measure: a copy of the program's code, and their Pythons.

All releases are measured with the same code, copied when the measuring begins: what somebody edits
meanwhile is not half of a comparison.
"""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

from bench.errors import BenchError
from bench.frameworks.registry import PACKAGE
from bench.gate.cases import Name
from bench.gate.origin import Origins
from bench.gate.process import Side
from bench.gate.releases.environments import Environment
from bench.system.interpreter import Interpreter

PARTS = ("bench", PACKAGE)  # all that a measuring process needs of this program


def copy_code(folder: Path) -> Path:
    """The program's packages in a folder of their own, which is made; absolute, without links."""
    for part in PARTS:
        (place,) = importlib.import_module(part).__path__
        try:
            shutil.copytree(place, folder / part)
        except (OSError, shutil.Error) as error:
            raise BenchError(f"cannot copy {place} to {folder}: {error}") from error
    return folder.resolve()


def interpreter(environment: Environment, code: Path) -> Interpreter:
    """For a worker."""
    return Interpreter(environment.python, code)


def side(name: Name, environment: Environment, code: Path, caches: Path) -> Side:
    """For a pair; `caches` is for what is compiled of it."""
    originals = tuple(Path(next(iter(importlib.import_module(part).__path__))) for part in PARTS)
    return Side(
        name=name,
        python=environment.python,
        paths=(code,),
        caches=caches,
        origins=Origins(code, tuple(one.resolve() for one in originals), (code,)),
        alone=True,
    )
