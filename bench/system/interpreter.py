"""Another Python than this one for a worker: that of an environment with packages of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# With these a Python would find packages that its own environment does not have.
OF_ANOTHER_PYTHON = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python, and where it finds the harness.

    python  its executable, as its environment has it: a link, which is not followed
    code    a folder that holds `bench` and `impls`, and nothing that its environment has, too
    """

    python: Path
    code: Path

    def command(self, module: str) -> list[str]:
        """Runs a module; neither the current folder nor a person's own packages are looked in."""
        return [str(self.python), "-P", "-s", "-m", module]

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """A worker's environment without what leads to the packages of another Python."""
        return alone(env) | {"PYTHONPATH": str(self.code)}


def alone(env: Mapping[str, str]) -> dict[str, str]:
    """What is left of an environment where no other Python's packages are to be found."""
    return {name: value for name, value in env.items() if name not in OF_ANOTHER_PYTHON}
