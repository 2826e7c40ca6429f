"""The program, called within the process of the tests."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
from collections.abc import Mapping
from typing import Any
from unittest import mock

from bench.cli import app as cli
from bench.system import machine
from bench.worker import throughput, trainer


def call(
    arguments: list[str], env: Mapping[str, str], *executor: Any
) -> subprocess.CompletedProcess[str]:
    """Its exit code and what it has printed, in this environment; `executor` as in `cli.call`."""
    out, told = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, env, clear=True),
        mock.patch.object(machine, "busy_cpus", return_value=0.0),  # looks for half a second
        # Products of matrices would take half of a tiny run.
        mock.patch.dict(throughput.MATRIX_SIZES, cpu=64),
        mock.patch.multiple(throughput, MATRIX_TRIES=2, MATRIX_S=0.001),
        # All that tests have loaded would be gone through for each cell, a tenth of a second.
        mock.patch.object(trainer, "_resting_collector", contextlib.nullcontext),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(told),
    ):
        code = cli.call(arguments, *executor)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), told.getvalue())


class NoExecutor:
    """Whatever is handed on to it is told."""

    def call(self, task, *, log, timeout_s, on_event=None):
        raise AssertionError(f"handed on: {task}")
