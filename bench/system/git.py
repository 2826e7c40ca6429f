"""git as a child process, in the repository that is meant and in English."""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bench.errors import BenchError
from bench.system import signals

LIMIT_S = 300.0
PARAMETERS, COUNT = "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"

OWN = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LFS_SKIP_DOWNLOAD_ERRORS": "1",  # what is neither here nor there stays a pointer
}

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
    folder: Path, *arguments: str, settings: Iterable[Setting] = (), may_fetch: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run git in a folder, without a shell; what it thinks of that is in the result.

    It writes nothing but what it is told to: the index is not refreshed, and what a partial clone
    lacks is only fetched where it `may_fetch`. `settings` count as if they stood in the
    repository's configuration. Names of files come as `os.fsdecode` has them. BenchError where it
    does not end in time.
    """
    git = shutil.which("git") or "git"
    kept = [one for one in _settings_given(os.environ) if one[0].lower() == "safe.directory"]
    env = outside_hooks(os.environ) | OWN | _settings_in_environment([*kept, *settings])
    if not may_fetch:
        env["GIT_ALLOW_PROTOCOL"] = "none"
    with signals.defer_signals():  # what has been started is what is ended
        process = subprocess.Popen(
            [git, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # without a terminal, on which ssh would ask for a password
            env=env,
        )
    try:
        said, complained = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired as error:
        words = " ".join(arguments[:3])
        raise BenchError(f"git {words} in {folder} took over {LIMIT_S:.0f} s") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # with what it has started
            process.communicate()
    return subprocess.CompletedProcess(
        process.args, process.returncode, os.fsdecode(said), os.fsdecode(complained)
    )


def complaint(text: str) -> str:
    """What git says is wrong, in one line: the fault, and the command to type where it has one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no message"]
    fault = next((line for line in lines if line.startswith("fatal: ")), lines[-1])
    command = f"; type `{lines[-1]}`" if lines[-1].startswith("git ") else ""
    return printable(f"{fault}{command}" if fault != lines[-1] else fault)


def printable(text: str) -> str:
    """Without what is no Unicode: names of files and of branches are bytes to git."""
    return text.encode("utf-8", "backslashreplace").decode()


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
