"""A program that a framework starts, such as a compiler: whether it is here, and which it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class Program:
    """A `Tools` of one program.

    usual     what is started where nobody names another
    what      in words, as in "a C++ compiler"
    user      what starts it, as the beginning of a sentence
    advice    the command that installs it
    variable  of the environment, in which a person can name another; empty: in none
    """

    usual: str
    what: str
    user: str
    advice: str
    variable: str = ""

    def missing(self) -> str | None:
        """Why it cannot be started, with what would help, or None."""
        if self._path():
            return None
        given = f" ({self.variable}={self._name()})" if os.environ.get(self.variable) else ""
        other = f", or name one in {self.variable}" if self.variable else ""
        return (
            f"{self.user} needs {self.what}, and there is no {self._name()}{given} on the PATH: "
            f"install one, for instance with {self.advice}{other}"
        )

    def locked(self) -> str:
        """Its version, in the line that it prints first."""
        path = self._path()
        if not path:
            return "none"
        try:
            done = subprocess.run(
                [path, "--version"],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"unknown: {error}"
        return done.stdout.partition("\n")[0] or "unknown"

    def _name(self) -> str:
        return os.environ.get(self.variable) or self.usual

    def _path(self) -> str | None:
        return shutil.which(self._name())
