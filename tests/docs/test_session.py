"""The recorded session of the README is what the program prints."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
from types import ModuleType

import pytest

from tests.calling import NoExecutor, call
from tests.docs.pages import DOCS, ROOT


@pytest.fixture
def recorder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record_session", DOCS / "record_session.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_what_the_program_prints(recorder: ModuleType) -> None:
    environment = {"PATH": os.environ["PATH"], "COLUMNS": str(recorder.COLUMNS), "FORCE_COLOR": "1"}
    session = []
    for command in recorder.COMMANDS:
        with contextlib.chdir(ROOT):
            done = call(command.split()[3:], environment, NoExecutor)
        assert done.returncode == 0, done.stderr
        session.append((command, done.stdout))
    made = recorder.picture(session)
    assert made == recorder.PICTURE.read_text(), "draw it anew: python docs/record_session.py"
    assert re.findall(r"url\((?!#)|href=", made) == []  # it loads nothing
