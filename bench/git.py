"""git as a child process, in the repository that is meant and in English."""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bench.errors import BenchError

LIMIT_S = 300.0
PARAMETERS, COUNT = "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"

Setting = tuple[str, str]  # a name such as core.eol, and its value


@functools.cache
def local_variables() -> frozenset[str]:
    """What names a repository, its index or its settings in the environment of a git hook.

    git itself lists them. Where there is no git, there are no hooks either.
    """
    git = shutil.which("git")
    if git is None:
        return frozenset()
    done = subprocess.run([git, "rev-parse", "--local-env-vars"], capture_output=True, text=True)
    return frozenset(done.stdout.split())


def outside_hooks(given: Mapping[str, str]) -> dict[str, str]:
    """An environment without what git tells its hooks.

    git hands a hook the index of the commit that is being made, among others. A child that runs git
    for any other purpose, as pip and Julia do too, would read and write that one.
    """
    return {name: value for name, value in given.items() if name not in local_variables()}


@contextlib.contextmanager
def hooks_forgotten() -> Iterator[None]:
    """The same for this process: for libraries that start programs by themselves."""
    hidden = {name: os.environ.pop(name) for name in local_variables() & set(os.environ)}
    try:
        yield
    finally:
        os.environ |= hidden


def run(
    folder: Path, *arguments: str, settings: Iterable[Setting] = ()
) -> subprocess.CompletedProcess[str]:
    """Run git in a folder, without a shell; what it thinks of that is in the result.

    It writes nothing but what it is told to: not even the index is refreshed. `settings` count as
    if they stood in the repository's configuration. BenchError where it does not end in time.
    """
    git = shutil.which("git") or "git"
    kept = [one for one in _settings_given(os.environ) if one[0].lower() == "safe.directory"]
    own = {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LFS_SKIP_DOWNLOAD_ERRORS": "1",  # what is neither here nor there stays a pointer
    }
    try:
        return subprocess.run(
            [git, *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # without a terminal, on which ssh would ask for a password
            env=outside_hooks(os.environ) | own | _settings_in_environment([*kept, *settings]),
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(
            f"git {' '.join(arguments[:3])} in {folder} took over {LIMIT_S:.0f} s"
        ) from error


def last_line(text: str) -> str:
    """Where git says what is wrong."""
    return (text.strip().splitlines() or ["no message"])[-1]


def _settings_given(environment: Mapping[str, str]) -> list[Setting]:
    """What `git -c`, or somebody before it, has set for all that git starts.

    Of these only `safe.directory` is handed on: containers set it so, and without it git refuses
    a repository of another user's.
    """
    with contextlib.suppress(KeyError, ValueError):
        count = int(environment.get(COUNT) or 0)
        names = [environment[f"GIT_CONFIG_KEY_{number}"] for number in range(count)]
        values = [environment[f"GIT_CONFIG_VALUE_{number}"] for number in range(count)]
        quoted = [text.partition("=") for text in shlex.split(environment.get(PARAMETERS, ""))]
        return [*zip(names, values, strict=True), *((name, value) for name, _, value in quoted)]
    return []


def _settings_in_environment(settings: Iterable[Setting]) -> dict[str, str]:
    several = list(settings)
    found = {COUNT: str(len(several))}
    for number, (name, value) in enumerate(several):
        found |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return found
